package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Image is a machine image. All are public and of others; nobody can make one.
type Image struct {
	ID, Name, Description string
	Parameter             string // the public SSM parameter that has its id
	Architecture          string
	Owner, OwnerAlias     string
	RootDevice, Snapshot  string
	SizeGiB               int  // of the snapshot: the least for the root volume
	MetadataV2            bool // made for version 2 of the metadata service, which is then the default
	Created               string
}

// publicImages are the images whose ids AWS publishes under parameters, by
// parameter, without what differs by region. There are no others. Of each kind
// there is one release, and it stays: its name has the form of the publisher's.
//
// Parameters, names and root devices:
// https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
// https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html
// https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
// https://wiki.debian.org/Cloud/AmazonEC2Image/Bookworm
func publicImages() []Image {
	const (
		amazon            = "137112412989"
		canonical, debian = "099720109477", "136693071363"
	)
	var all []Image
	for _, a := range []struct{ name, short string }{{"x86_64", "amd64"}, {"arm64", "arm64"}} {
		all = append(all,
			Image{
				Parameter: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-" + a.name,
				Name:      "al2023-ami-2023.9.20251208.0-kernel-6.1-" + a.name, Description: "Amazon Linux 2023 AMI", Created: "2025-12-09T01:00:00.000Z",
				Owner: amazon, OwnerAlias: "amazon", RootDevice: "/dev/xvda", SizeGiB: 8, Architecture: a.name, MetadataV2: true,
			},
			Image{
				Parameter: "/aws/service/canonical/ubuntu/server/24.04/stable/current/" + a.short + "/hvm/ebs-gp3/ami-id",
				Name:      "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-" + a.short + "-server-20251022", Description: "Canonical, Ubuntu, 24.04", Created: "2025-10-22T09:00:00.000Z",
				Owner: canonical, RootDevice: "/dev/sda1", SizeGiB: 8, Architecture: a.name,
			},
			Image{
				Parameter: "/aws/service/debian/release/12/latest/" + a.short,
				Name:      "debian-12-" + a.short + "-20251112-2294", Description: "Debian 12", Created: "2025-11-12T07:00:00.000Z",
				Owner: debian, RootDevice: "/dev/xvda", SizeGiB: 8, Architecture: a.name,
			},
		)
		all = append(all, deepLearningImages(a.name)...)
	}
	return all
}

// deepLearningImages are AWS's images with NVIDIA drivers for an architecture:
// the base, and two versions of PyTorch. How large their snapshots are is not
// documented; they are large.
//
// Names and releases, by way of example:
// https://docs.aws.amazon.com/dlami/latest/devguide/appendix-ami-release-notes.html
// https://docs.aws.amazon.com/dlami/latest/devguide/aws-deep-learning-ami-gpupt211oss-al2023-2026-09-07.html
// https://docs.aws.amazon.com/dlami/latest/devguide/aws-deep-learning-ami-gpupt211ossarm64-al2023-2026-10-09.html
// https://docs.aws.amazon.com/dlami/latest/devguide/aws-deep-learning-ami-gpupt29ossarm64-al2023-2026-09-07.html
func deepLearningImages(architecture string) []Image {
	base, pytorch := "Deep Learning Base OSS Nvidia Driver GPU AMI", "Deep Learning OSS Nvidia Driver AMI GPU PyTorch"
	if architecture == "arm64" {
		base, pytorch = "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI", "Deep Learning ARM64 AMI OSS Nvidia Driver GPU PyTorch"
	}
	image := func(parameter, name, day string) Image {
		return Image{
			Parameter: "/aws/service/deeplearning/ami/" + architecture + "/" + parameter + "-amazon-linux-2023/latest/ami-id",
			Name:      name + " (Amazon Linux 2023) " + strings.ReplaceAll(day, "-", ""), Description: "Supported EC2 instances: see the release notes",
			Created: day + "T05:00:00.000Z", Owner: "898082745236", OwnerAlias: "amazon", RootDevice: "/dev/xvda", SizeGiB: 75,
			Architecture: architecture, MetadataV2: true,
		}
	}
	return []Image{
		image("base-oss-nvidia-driver-gpu", base, "2026-09-05"),
		image("oss-nvidia-driver-gpu-pytorch-2.9", pytorch+" 2.9", "2026-09-04"),
		image("oss-nvidia-driver-gpu-pytorch-2.11", pytorch+" 2.11", "2026-09-05"),
	}
}

// PublicImages are the images of a region, each with the SSM parameter under
// which AWS publishes its id. The ids differ by region and are the same each
// time, as published ones are for a while.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html
func PublicImages(region string) []Image {
	all := publicImages()
	for i := range all {
		sum := sha256.Sum256([]byte(region + " " + all[i].Parameter))
		all[i].ID = "ami-0" + hex.EncodeToString(sum[:8])
		all[i].Snapshot = "snap-0" + hex.EncodeToString(sum[8:16])
	}
	return all
}

// resolvePrefix begins an ImageId that names a parameter instead of an image.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-systems-manager-parameter-to-find-AMI.html
const resolvePrefix = "resolve:ssm:"

// findImage resolves what a request names as its image. A parameter is read
// with the caller's permission.
func (s *Service) findImage(c *call.Caller, id string) (Image, error) {
	if parameter, found := strings.CutPrefix(id, resolvePrefix); found {
		arn := "arn:aws:ssm:" + c.Region + "::parameter/" + strings.TrimPrefix(parameter, "/")
		if err := c.Require("ssm:GetParameters", arn, nil); err != nil {
			return Image{}, err
		}
		all := PublicImages(c.Region)
		i := slices.IndexFunc(all, func(m Image) bool { return m.Parameter == parameter })
		if i < 0 {
			return Image{}, errValue("Unable to resolve the parameter '%s' in the ImageId", parameter)
		}
		return all[i], nil
	}
	return imageOf(c.Region, id)
}

func imageOf(region, id string) (Image, error) {
	all := PublicImages(region)
	i := slices.IndexFunc(all, func(m Image) bool { return m.ID == id })
	if i < 0 {
		return Image{}, errNoResource("ami", id)
	}
	return all[i], nil
}

type describeImagesInput struct {
	Listing
	IDs    []string `query:"ImageId"`
	Owners []string `query:"Owner"`
}

type imageView struct {
	ImageID            string                     `xml:"imageId"`
	Location           string                     `xml:"imageLocation"`
	State              string                     `xml:"imageState"`
	OwnerID            string                     `xml:"imageOwnerId"`
	Public             bool                       `xml:"isPublic"`
	Architecture       string                     `xml:"architecture"`
	Created            string                     `xml:"creationDate"`
	Type               string                     `xml:"imageType"`
	OwnerAlias         string                     `xml:"imageOwnerAlias,omitempty"`
	Name               string                     `xml:"name"`
	Description        string                     `xml:"description"`
	RootDeviceType     string                     `xml:"rootDeviceType"`
	RootDeviceName     string                     `xml:"rootDeviceName"`
	Mappings           wire.Items[imageDeviceSet] `xml:"blockDeviceMapping"`
	VirtualizationType string                     `xml:"virtualizationType"`
	Hypervisor         string                     `xml:"hypervisor"`
	ENA                bool                       `xml:"enaSupport"`
	IMDSSupport        string                     `xml:"imdsSupport,omitempty"`
	PlatformDetails    string                     `xml:"platformDetails"`
	UsageOperation     string                     `xml:"usageOperation"`
}

type imageDeviceSet struct {
	DeviceName string `xml:"deviceName"`
	EBS        struct {
		Snapshot            string `xml:"snapshotId"`
		Size                int    `xml:"volumeSize"`
		DeleteOnTermination bool   `xml:"deleteOnTermination"`
		Type                string `xml:"volumeType"`
		Encrypted           bool   `xml:"encrypted"`
	} `xml:"ebs"`
}

type describeImagesOutput struct {
	Images    wire.Items[imageView] `xml:"imagesSet"`
	NextToken string                `xml:"nextToken,omitempty"`
}

func (m Image) attribute(name string) ([]string, bool) {
	switch name {
	case "image-id":
		return one(m.ID)
	case "architecture":
		return one(m.Architecture)
	case "name":
		return one(m.Name)
	case "description":
		return one(m.Description)
	case "owner-id":
		return one(m.Owner)
	case "owner-alias":
		return one(m.OwnerAlias)
	case "state":
		return one("available")
	case "is-public":
		return truth(true)
	case "root-device-type":
		return one("ebs")
	case "root-device-name":
		return one(m.RootDevice)
	case "virtualization-type":
		return one("hvm")
	}
	return nil, false
}

// describeImages tells of the public images, whose tags nobody but their owner
// sees.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (s *Service) describeImages(_ *store.Tx, c *call.Caller, in *describeImagesInput) (*describeImagesOutput, error) {
	l := listing[Image]{
		all: numbered(slices.Values(PublicImages(c.Region))), attribute: Image.attribute, pages: limits{1, 1000},
		find: func(id string) (Image, error) { return imageOf(c.Region, id) },
		id:   func(m Image) string { return m.ID },
		tags: func(Image) map[string]string { return nil },
		keep: func(m Image) bool { return len(in.Owners) == 0 || m.ownedBy(in.Owners) },
	}
	found, next, err := l.list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeImagesOutput{show(found, Image.view), next}, nil
}

// ownedBy tells whether any of the names is the owner's number or alias.
func (m Image) ownedBy(names []string) bool {
	return slices.Contains(names, m.Owner) || (m.OwnerAlias != "" && slices.Contains(names, m.OwnerAlias))
}

func (m Image) view() imageView {
	v := imageView{
		ImageID: m.ID, Location: "amazon/" + m.Name, State: "available", OwnerID: m.Owner, Public: true, Architecture: m.Architecture,
		Type: "machine", OwnerAlias: m.OwnerAlias, Name: m.Name, Description: m.Description, RootDeviceType: "ebs",
		RootDeviceName: m.RootDevice, Created: m.Created, VirtualizationType: "hvm", Hypervisor: "xen", ENA: true,
		PlatformDetails: "Linux/UNIX", UsageOperation: "RunInstances",
	}
	if m.MetadataV2 {
		v.IMDSSupport = "v2.0"
	}
	root := imageDeviceSet{DeviceName: m.RootDevice}
	root.EBS.Snapshot, root.EBS.Size, root.EBS.DeleteOnTermination, root.EBS.Type = m.Snapshot, m.SizeGiB, true, "gp3"
	v.Mappings = wire.Items[imageDeviceSet]{root}
	return v
}
