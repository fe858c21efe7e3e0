package launch

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// ImageReader is what reading an image calls.
type ImageReader interface {
	DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error)
}

// ParameterReader is what finding the newest PyTorch image calls.
type ParameterReader interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
}

// FindImages returns the plan with the images known that our table cannot know:
// an AMI that was named by its id, and the newest PyTorch image. For a plan
// without these it calls nothing.
//
// An AMI that is not there is an error of kind NotFound; one that the type or
// the other wishes do not fit is Usage. Candidates after the first one are left
// out instead.
func (p Plan) FindImages(ctx context.Context, images ImageReader, parameters ParameterReader) (Plan, error) {
	if !p.First().Image.unread() {
		return p, nil
	}
	read := map[string]Image{} // by architecture: all candidates have the same wish
	var fitting []Candidate
	for i, c := range p.Candidates {
		image, known := read[c.Architecture]
		if !known {
			var err error
			if image, err = lookUp(ctx, images, parameters, c, p.Region); err != nil {
				return p, err
			}
			read[c.Architecture] = image
		}
		image.Notes = append(slices.Clone(c.Image.Notes), image.Notes...)
		c.Image = image
		err := cmp.Or(c.checkDisk(p.Lifetime.TTL), image.runsOn(c), p.payFor(&c, i == 0))
		switch {
		case err == nil:
			fitting = append(fitting, c)
		case i == 0:
			return p, err
		default:
			p.Notes = append(p.Notes, fmt.Sprintf("%s will not be tried: %v", c, err))
		}
	}
	p.Candidates = fitting
	p.Notes = append(p.Notes, p.First().imageNotes()...)
	return p, nil
}

// lookUp asks EC2 about the image that a candidate is to boot.
func lookUp(ctx context.Context, images ImageReader, parameters ParameterReader, c Candidate, region string) (Image, error) {
	if c.Image.Alias == "" {
		return byID(ctx, images, c.Image, region)
	}
	image, err := newestPyTorch(ctx, parameters, c)
	switch {
	case awserr.IsDenied(err):
		return Newest(ctx, images, c.Image, c.Architecture)
	case err != nil:
		return image, err
	}
	return byID(ctx, images, image, region)
}

var amiForm = regexp.MustCompile(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)

// byID completes an image whose id is known.
func byID(ctx context.Context, api ImageReader, image Image, region string) (Image, error) {
	out, err := api.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{image.AMI}})
	switch {
	case awserr.IsNotFound(err), awserr.Code(err) == "InvalidAMIID.Malformed", err == nil && len(out.Images) != 1:
		return image, problem.New(problem.NotFound, "there is no image %s in %s, or it is not shared with this account", image.AMI, region).
			WithNext("an AMI is of one region; leave out --ami, or use one of %s", strings.Join(Aliases(), ", "))
	case err != nil:
		return image, fmt.Errorf("read the image %s: %w", image.AMI, err)
	}
	return image.described(out.Images[0])
}

// described takes over what EC2 tells of the image, and refuses one that cannot
// be launched as spawn launches.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html
func (i Image) described(d types.Image) (Image, error) {
	i.AMI, i.Parameter, i.Assumed = aws.ToString(d.ImageId), "", false
	name := aws.ToString(d.Name)
	cannot := func(why string, args ...any) (Image, error) {
		return i, problem.New(problem.Usage, "the image %s (%s) "+why, append([]any{i.AMI, clip(name)}, args...)...).
			WithNext("use another image, such as one of %s", strings.Join(Aliases(), ", "))
	}
	switch {
	case d.State != "" && d.State != types.ImageStateAvailable:
		return cannot("is %s", d.State)
	case d.Platform == types.PlatformValuesWindows:
		return cannot("is Windows, and spawn launches Linux")
	case d.RootDeviceType == types.DeviceTypeInstanceStore:
		return cannot("has its root on an instance store, which can neither be encrypted nor stopped")
	case aws.ToString(d.RootDeviceName) == "":
		return cannot("names no root device")
	}
	i.RootDevice, i.architecture = aws.ToString(d.RootDeviceName), string(d.Architecture)
	i.Software = instance.Software(d.PlatformDetails, d.ProductCodes)
	i.readDevices(d.BlockDeviceMappings)
	i.recognise(d)
	if name != "" {
		i.Name = name
	}
	return i, nil
}

// readDevices reads the volumes that the image brings.
func (i *Image) readDevices(mappings []types.BlockDeviceMapping) {
	for _, m := range mappings {
		if m.Ebs == nil {
			continue
		}
		size := int(aws.ToInt32(m.Ebs.VolumeSize))
		if aws.ToString(m.DeviceName) == i.RootDevice {
			i.SizeGiB = size
			continue
		}
		i.Others = append(i.Others, Device{Name: aws.ToString(m.DeviceName), Type: string(m.Ebs.VolumeType), Snapshot: aws.ToString(m.Ebs.SnapshotId), SizeGiB: size})
	}
}

// runsOn refuses a type of another architecture than the image's.
func (i Image) runsOn(c Candidate) error {
	if i.architecture == "" || i.architecture == c.Architecture {
		return nil
	}
	return problem.New(problem.Usage, "the image %s (%s) is for %s, and %s is %s", i.AMI, clip(i.Name), i.architecture, c.Type.Name, c.Architecture).
		WithNext("choose a type for it: truffle search --architecture %s", i.architecture)
}

// payFor adds what the image's software costs to the candidate's price, which is
// then at least what the machine costs. A price that the user allowed cannot be
// held then, and nothing is fallen through to.
func (p Plan) payFor(c *Candidate, first bool) error {
	if c.Image.Software == "" {
		return nil
	}
	if p.maxPrice != "" || !first {
		return problem.New(problem.Usage, "what %s costs is unknown, so its price cannot be held to a limit", c.Image.Software).
			WithNext("leave out --max-price, or use an image of free software")
	}
	c.Price = price.Sum(c.Price, price.Price{})
	c.Image.Notes = append(c.Image.Notes, fmt.Sprintf("%s is billed on top, and what it costs is unknown here", c.Image.Software))
	return nil
}

// pytorchForm is the name of a PyTorch image's parameter below the
// architecture's: the version and the system.
//
// https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html
var pytorchForm = regexp.MustCompile(`/oss-nvidia-driver-gpu-pytorch-(\d+)\.(\d+)(?:\.\d+)?-(amazon-linux|ubuntu)-([\d.]+)/latest/ami-id$`)

// pytorchImage is a PyTorch image that AWS publishes.
type pytorchImage struct {
	ami          string
	major, minor int
	amazonLinux  bool
	system       string // its version: 2023, 24.04
}

// newestPyTorch finds the image with the newest PyTorch. Of the same version
// there are several systems; Amazon Linux is preferred, being what is launched
// without a wish, then the newest Ubuntu.
func newestPyTorch(ctx context.Context, api ParameterReader, c Candidate) (Image, error) {
	var all []pytorchImage
	pages := ssm.NewGetParametersByPathPaginator(api, &ssm.GetParametersByPathInput{
		Path: aws.String(deepLearning + c.Architecture), Recursive: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return c.Image, fmt.Errorf("list the PyTorch images: %w", err)
		}
		for _, p := range page.Parameters {
			found := pytorchForm.FindStringSubmatch(aws.ToString(p.Name))
			if found == nil || !amiForm.MatchString(aws.ToString(p.Value)) {
				continue
			}
			image := pytorchImage{ami: aws.ToString(p.Value), amazonLinux: found[3] == "amazon-linux", system: found[4]}
			image.major, _ = strconv.Atoi(found[1]) // digits, as the form says; a number too large for an int is no version
			image.minor, _ = strconv.Atoi(found[2])
			all = append(all, image)
		}
	}
	if len(all) == 0 {
		return c.Image, problem.New(problem.NotFound, "AWS publishes no PyTorch image for %s here", c.Architecture).
			WithNext("choose another region or type, or name an image by its id")
	}
	newest := slices.MaxFunc(all, pytorchImage.compare)
	image := c.Image
	image.AMI = newest.ami
	image.Why = fmt.Sprintf("the newest PyTorch (%d.%d) for %s", newest.major, newest.minor, c.Architecture)
	return image, nil
}

func (p pytorchImage) compare(q pytorchImage) int {
	linux := 0
	if p.amazonLinux != q.amazonLinux {
		linux = -1
		if p.amazonLinux {
			linux = 1
		}
	}
	return cmp.Or(cmp.Compare(p.major, q.major), cmp.Compare(p.minor, q.minor), linux, strings.Compare(p.system, q.system))
}
