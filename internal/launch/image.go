package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Image is what an instance boots from.
type Image struct {
	Alias      string         // how --ami calls it; "" for one that has only an id
	AMI        string         // its id; "" where Parameter names the newest one
	Parameter  string         // the public SSM parameter that names the newest AMI; "" where AMI does
	RootDevice string         // as the AMI has it: another name would add a second volume; "" is not known yet
	SizeGiB    int            // of the root's snapshot, the least for the root volume; 0 is unknown
	Others     []Device       // further volumes that the AMI brings
	Software   string         // what is billed beside the machine; "" when nothing is
	User       string         // who logs in; "" is unknown
	Hibernates catalog.Answer // whether AWS lists it among the images that can
	Assumed    bool           // the facts are those of our table, and nobody asked EC2
	Name       string         // for people
	Why        string         // why this one
	Notes      []string       // what the user should know of it

	architecture string  // as EC2 told; "" is as the alias was chosen
	newest       pattern // finds it without the parameter
}

// Device is a volume of an AMI beside its root.
type Device struct {
	Name     string
	Type     string // gp3, gp2 and so on
	Snapshot string // "" for an empty one
	SizeGiB  int
}

// ID is the image as RunInstances takes it: EC2 resolves a parameter itself, so
// finding the newest AMI costs no call. It needs the permission
// ssm:GetParameters; without it, see Newest.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-systems-manager-parameter-to-find-AMI.html
func (i Image) ID() string {
	if i.AMI != "" {
		return i.AMI
	}
	return "resolve:ssm:" + i.Parameter
}

// unread tells that EC2 has to be asked about the image before it can be
// launched.
func (i Image) unread() bool { return i.RootDevice == "" }

// The aliases that --ami takes.
const (
	amazonLinux = "al2023"
	ubuntu      = "ubuntu"
	debian      = "debian"
	pytorch     = "pytorch"
)

// Aliases are the names that stand for the newest image of a kind.
func Aliases() []string { return []string{amazonLinux, ubuntu, debian, pytorch} }

// checkImage refuses what --ami cannot mean.
func (s Spec) checkImage() error {
	if s.AMI == "" || slices.Contains(Aliases(), s.AMI) || amiForm.MatchString(s.AMI) {
		return nil
	}
	return problem.New(problem.Usage, "%q is not an image", clip(s.AMI)).
		WithNext("use one of %s, or an id like ami-0123456789abcdef0", strings.Join(Aliases(), ", "))
}

// imageFor is the image that the user wishes for, or the one that suits the
// type.
func (s Spec) imageFor(t catalog.Type, architecture string) Image {
	switch {
	case s.AMI == "":
		return suited(t, architecture)
	case slices.Contains(Aliases(), s.AMI):
		image := aliased(s.AMI, architecture)
		image.Why = "the newest for " + architecture
		image.Notes = driverNotes(s.AMI, t, architecture)
		return image
	default:
		return Image{AMI: s.AMI, Name: s.AMI, Why: "as --ami says"}
	}
}

// nvidiaFamilies are the families that Amazon's NVIDIA image supports, by the
// image's release notes.
//
// https://docs.aws.amazon.com/dlami/latest/devguide/appendix-ami-release-notes.html
var nvidiaFamilies = map[string][]string{
	"x86_64": {"g4dn", "g5", "g6", "g6e", "g6f", "gr6", "gr6f", "g7", "g7e", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300"},
	"arm64":  {"g5g", "p6e-gb200"},
}

func nvidiaSupports(t catalog.Type, architecture string) bool {
	return slices.Contains(nvidiaFamilies[architecture], t.Family())
}

// suited is Amazon Linux 2023 for the type's architecture, with NVIDIA drivers
// where the type has GPUs that the image supports.
func suited(t catalog.Type, architecture string) Image {
	if !nvidiaSupports(t, architecture) {
		image := aliased(amazonLinux, architecture)
		image.Why = "the newest for " + architecture
		image.Notes = driverNotes(amazonLinux, t, architecture)
		return image
	}
	// Which size its snapshot has differs by release.
	name := "Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *"
	if architecture == "arm64" {
		name = "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *"
	}
	return Image{
		Parameter:  deepLearning + architecture + "/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
		RootDevice: "/dev/xvda", User: "ec2-user", Hibernates: catalog.No, Assumed: true,
		Name: "Amazon Linux 2023 with NVIDIA drivers", Why: "the newest for GPUs on " + architecture,
		newest: pattern{amazon, name},
	}
}

// deepLearning begins the parameters of AWS's deep learning images.
//
// https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html
const deepLearning = "/aws/service/deeplearning/ami/"

// aliased is the reviewed table of what the aliases stand for. The snapshots'
// sizes are those that the images have had for years; EC2 refuses a volume
// that is too small for one.
//
// Parameters and names:
// https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
// https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
// https://wiki.debian.org/Cloud/AmazonEC2Image/Bookworm
//
// Users: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html
//
// Hibernation, which AWS lists neither for Ubuntu 24.04 nor for Debian:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
func aliased(alias, architecture string) Image {
	short := map[string]string{"x86_64": "amd64", "arm64": "arm64"}[architecture]
	switch alias {
	case amazonLinux:
		return Image{
			Alias: alias, Parameter: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-" + architecture,
			RootDevice: "/dev/xvda", SizeGiB: 8, User: "ec2-user", Hibernates: catalog.Yes, Assumed: true, Name: "Amazon Linux 2023",
			newest: pattern{amazon, "al2023-ami-2023.*-kernel-6.1-" + architecture}, // which is the default kernel's; there are newer ones
		}
	case ubuntu:
		return Image{
			Alias: alias, Parameter: "/aws/service/canonical/ubuntu/server/24.04/stable/current/" + short + "/hvm/ebs-gp3/ami-id",
			RootDevice: "/dev/sda1", SizeGiB: 8, User: "ubuntu", Hibernates: catalog.No, Assumed: true, Name: "Ubuntu 24.04",
			newest: pattern{canonical, "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-" + short + "-server-*"},
		}
	case debian:
		return Image{
			Alias: alias, Parameter: "/aws/service/debian/release/12/latest/" + short,
			RootDevice: "/dev/xvda", SizeGiB: 8, User: "admin", Hibernates: catalog.No, Assumed: true, Name: "Debian 12",
			newest: pattern{debianCloud, "debian-12-" + short + "-*"},
		}
	default: // PyTorch: which one is the newest, and of what system, is looked up
		name := "Deep Learning OSS Nvidia Driver AMI GPU PyTorch *"
		if architecture == "arm64" {
			name = "Deep Learning ARM64 AMI OSS Nvidia Driver GPU PyTorch *"
		}
		return Image{Alias: alias, Name: "PyTorch", Hibernates: catalog.No, newest: pattern{amazon, name}}
	}
}

// driverNotes are a word about accelerators that the image has no drivers for.
func driverNotes(alias string, t catalog.Type, architecture string) []string {
	supported := nvidiaSupports(t, architecture)
	switch {
	case alias == pytorch && !supported:
		return []string{fmt.Sprintf("the PyTorch image is made for NVIDIA GPUs, and does not list %s", t.Name)}
	case alias != pytorch && supported:
		return []string{fmt.Sprintf("%s has no NVIDIA drivers for %s; without --ami the image with drivers is launched", aliased(alias, architecture).Name, t.Name)}
	case alias != pytorch && t.Accelerators.Kind != catalog.NoAccelerator:
		return []string{fmt.Sprintf("%s has no drivers for the %s of %s: install them", aliased(alias, architecture).Name, t.Accelerators.Model, t.Name)}
	}
	return nil
}
