package launch_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func ofType(name string) offer.Offer { return offer.Offer{InstanceType: name} }

func withAMI(ami string) func(*launch.Spec) { return func(s *launch.Spec) { s.AMI = ami } }

func TestAliases(t *testing.T) {
	tests := []struct{ ami, instanceType, parameter, device, user string }{
		{"al2023", "m7i.large", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "/dev/xvda", "ec2-user"},
		{"al2023", "m7g.large", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", "/dev/xvda", "ec2-user"},
		{"al2023", "g5.xlarge", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "/dev/xvda", "ec2-user"},
		{"ubuntu", "m7i.large", "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id", "/dev/sda1", "ubuntu"},
		{"ubuntu", "t4g.small", "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id", "/dev/sda1", "ubuntu"},
		{"debian", "m7i.large", "/aws/service/debian/release/12/latest/amd64", "/dev/xvda", "admin"},
		{"debian", "t4g.small", "/aws/service/debian/release/12/latest/arm64", "/dev/xvda", "admin"},
	}
	for _, tt := range tests {
		image := plans(t, ofType(tt.instanceType), withAMI(tt.ami)).First().Image
		if image.ID() != "resolve:ssm:"+tt.parameter || image.RootDevice != tt.device || image.User != tt.user {
			t.Errorf("%s on %s: %+v", tt.ami, tt.instanceType, image)
		}
	}
}

// Whoever gets GPUs without drivers is told, and nobody else.
func TestMissingDriversAreTold(t *testing.T) {
	for instanceType, want := range map[string]map[string]bool{
		"m7i.large":   {"": false, "al2023": false, "ubuntu": false, "pytorch": true},
		"g5.xlarge":   {"": false, "al2023": true, "ubuntu": true},
		"g4ad.xlarge": {"": true, "debian": true},
		"inf2.xlarge": {"": true},
	} {
		for ami, noted := range want {
			image := plans(t, ofType(instanceType), withAMI(ami)).First().Image
			if (len(image.Notes) > 0) != noted {
				t.Errorf("%q on %s: the notes are %q", ami, instanceType, image.Notes)
			}
		}
	}
}

func TestWhatIsNoImageIsRefused(t *testing.T) {
	for _, ami := range []string{"windows", "AL2023", "ami-", "ami-123", "ami-0123456789abcdefg", "ami-0123456789ABCDEF0", "resolve:ssm:/x", "ami-01234567 ", "-x"} {
		if _, err := resolve(t, ofType("m7i.large"), withAMI(ami)); problem.KindOf(err) != problem.Usage {
			t.Errorf("%q: %v", ami, err)
		}
	}
}

// described is EC2 with images of the test's own.
type described struct {
	images []types.Image
	err    error
	asked  []*ec2.DescribeImagesInput
}

func (d *described) DescribeImages(_ context.Context, in *ec2.DescribeImagesInput, _ ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error) {
	d.asked = append(d.asked, in)
	return &ec2.DescribeImagesOutput{Images: d.images}, d.err
}

// published are the parameters of the test's own, a page each.
type published struct {
	names []string
	err   error
}

func (p published) GetParametersByPath(_ context.Context, in *ssm.GetParametersByPathInput, _ ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error) {
	if p.err != nil {
		return nil, p.err
	}
	at := len(aws.ToString(in.NextToken))
	if at == len(p.names) {
		return &ssm.GetParametersByPathOutput{}, nil
	}
	name := p.names[at]
	id := "ami-" + strings.Repeat("0", 7) + string(rune('a'+at))
	out := &ssm.GetParametersByPathOutput{NextToken: aws.String(strings.Repeat("x", at+1))}
	out.Parameters = append(out.Parameters, ssmParameter(aws.ToString(in.Path)+"/"+name+"/latest/ami-id", id))
	return out, nil
}

const someAMI = "ami-0123456789abcdef0"

// custom is an image as EC2 describes it, changed by the test.
func custom(change func(*types.Image)) types.Image {
	image := types.Image{
		ImageId: aws.String(someAMI), Name: aws.String("mine"), OwnerId: aws.String("123456789012"), State: types.ImageStateAvailable,
		Architecture: types.ArchitectureValuesX8664, RootDeviceType: types.DeviceTypeEbs, RootDeviceName: aws.String("/dev/sda1"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(30), SnapshotId: aws.String("snap-1")}}},
	}
	if change != nil {
		change(&image)
	}
	return image
}

func find(t *testing.T, instanceType string, change func(*launch.Spec), image types.Image) (launch.Plan, error) {
	t.Helper()
	p := plans(t, ofType(instanceType), func(s *launch.Spec) {
		s.AMI = someAMI
		if change != nil {
			change(s)
		}
	})
	return p.FindImages(t.Context(), &described{images: []types.Image{image}}, published{})
}

func TestAnAMIIsAsEC2DescribesIt(t *testing.T) {
	p, err := find(t, "m7i.large", nil, custom(nil))
	if err != nil {
		t.Fatal(err)
	}
	c := p.First()
	if gib, assumed := c.RootGiB(); c.Image.ID() != someAMI || c.Image.RootDevice != "/dev/sda1" || gib != 30 || assumed || c.Image.User != "" {
		t.Errorf("%+v, %d GiB", c.Image, gib)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "ec2-user is assumed") || !strings.Contains(notes, "cloud-init") {
		t.Errorf("what is assumed is not told: %q", p.Notes)
	}
}

func TestAnAMIThatCannotBeLaunchedIsRefused(t *testing.T) {
	windows := func(i *types.Image) { i.Platform = types.PlatformValuesWindows }
	tests := map[string]struct {
		change       func(*types.Image)
		spec         func(*launch.Spec)
		instanceType string
	}{
		"Windows":                          {windows, nil, "m7i.large"},
		"an instance store":                {func(i *types.Image) { i.RootDeviceType = types.DeviceTypeInstanceStore }, nil, "m7i.large"},
		"no root device":                   {func(i *types.Image) { i.RootDeviceName = nil }, nil, "m7i.large"},
		"not available":                    {func(i *types.Image) { i.State = types.ImageStatePending }, nil, "m7i.large"},
		"another architecture":             {nil, nil, "m7g.large"},
		"a volume below its snapshot":      {nil, func(s *launch.Spec) { s.VolumeSize = "29" }, "m7i.large"},
		"a volume without room for memory": {nil, func(s *launch.Spec) { s.VolumeSize, s.Hibernate = "37", true }, "m7i.large"},
	}
	for name, tt := range tests {
		if _, err := find(t, tt.instanceType, tt.spec, custom(tt.change)); problem.KindOf(err) != problem.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, code := range []string{"InvalidAMIID.NotFound", "InvalidAMIID.Malformed"} {
		p := plans(t, ofType("m7i.large"), withAMI(someAMI))
		_, err := p.FindImages(t.Context(), &described{err: &smithy.GenericAPIError{Code: code}}, published{})
		if problem.KindOf(err) != problem.NotFound || problem.NextOf(err) == "" {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// Of several offers those that the image does not fit are left out.
func TestOtherCandidatesMustFitTheImage(t *testing.T) {
	p, err := find(t, "m7i.large", func(s *launch.Spec) { s.Others = []offer.Offer{ofType("m7g.medium"), ofType("t3.micro")} }, custom(nil))
	if err != nil || len(p.Candidates) != 2 || p.Candidates[1].Type.Name != "t3.micro" {
		t.Errorf("%v, %v", p.Candidates, err)
	}
}

// Who logs in is certain only where the publisher says so, not the name.
func TestLoginUserOfAnAMI(t *testing.T) {
	by := func(owner, alias, name string) func(*types.Image) {
		return func(i *types.Image) {
			i.OwnerId, i.Name = aws.String(owner), aws.String(name)
			if alias != "" {
				i.ImageOwnerAlias = aws.String(alias)
			}
		}
	}
	for name, tt := range map[string]struct {
		image func(*types.Image)
		want  string
	}{
		"AL2023":          {by("137112412989", "amazon", "al2023-ami-2023.9.20251208.0-kernel-6.1-x86_64"), "ec2-user"},
		"AL2":             {by("137112412989", "amazon", "amzn2-ami-hvm-2.0.20260101.0-x86_64-gp2"), "ec2-user"},
		"PyTorch, AL2023": {by("898082745236", "amazon", "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.11 (Amazon Linux 2023) 20260905"), "ec2-user"},
		"PyTorch, Ubuntu": {by("898082745236", "amazon", "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.11 (Ubuntu 24.04) 20260905"), "ubuntu"},
		"Ubuntu":          {by("099720109477", "", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20251022"), "ubuntu"},
		"Debian":          {by("136693071363", "", "debian-12-amd64-20251112-2294"), "admin"},
		"a copy":          {by("123456789012", "", "debian-12-amd64-20251112-2294"), ""},
		"a marketplace's": {by("679593333241", "aws-marketplace", "al2023-ami-2023.9"), ""},
	} {
		p, err := find(t, "m7i.large", nil, custom(tt.image))
		if err != nil || p.First().Image.User != tt.want {
			t.Errorf("%s: %q, %v", name, p.First().Image.User, err)
		}
	}
}

func TestNewestPyTorch(t *testing.T) {
	// The newest version is not the last by text; Amazon Linux before Ubuntu.
	names := []string{
		"base-oss-nvidia-driver-gpu-amazon-linux-2023", "oss-nvidia-driver-gpu-pytorch-2.9-amazon-linux-2023", "oss-nvidia-driver-gpu-pytorch-2.11-ubuntu-24.04",
		"oss-nvidia-driver-gpu-pytorch-2.11-amazon-linux-2023", "oss-nvidia-driver-gpu-pytorch-2.11-ubuntu-22.04", "oss-nvidia-driver-gpu-tensorflow-2.18-ubuntu-22.04",
	}
	api := &described{images: []types.Image{custom(nil)}}
	p := plans(t, ofType("g5.xlarge"), withAMI("pytorch"))
	p, err := p.FindImages(t.Context(), api, published{names: names})
	if err != nil || len(api.asked) != 1 || strings.Join(api.asked[0].ImageIds, "") != "ami-0000000d" {
		t.Errorf("asked for %+v, %v", api.asked, err)
	}
	if p.First().Image.RootDevice != "/dev/sda1" {
		t.Errorf("%+v", p.First().Image)
	}
	// Where no parameter may be read, by the images themselves.
	api = &described{images: []types.Image{custom(nil)}}
	denied := published{err: &smithy.GenericAPIError{Code: "AccessDeniedException"}}
	p, err = plans(t, ofType("g5.xlarge"), withAMI("pytorch")).FindImages(t.Context(), api, denied)
	if err != nil || p.First().Image.ID() != someAMI || len(api.asked[0].Owners) != 1 {
		t.Errorf("%+v, %v", p.First().Image, err)
	}
	none := plans(t, ofType("g5.xlarge"), withAMI("pytorch"))
	if _, err := none.FindImages(t.Context(), api, published{names: names[:1]}); problem.KindOf(err) != problem.NotFound {
		t.Errorf("without any: %v", err)
	}
}

func TestNewestPyTorchOfTheLocalCloud(t *testing.T) {
	c := cloudtest.Local(t, nil)
	for instanceType, want := range map[string]string{
		"g5.xlarge": "PyTorch 2.11 (Amazon Linux 2023)", "g5g.xlarge": "ARM64 AMI OSS Nvidia Driver GPU PyTorch 2.11",
	} {
		p, err := plans(t, ofType(instanceType), withAMI("pytorch")).FindImages(t.Context(), c.Target.EC2(), account.SSMOf(c.Target))
		if image := p.First().Image; err != nil || !strings.Contains(image.Name, want) || image.User != "ec2-user" || image.SizeGiB != 75 {
			t.Errorf("%s: %+v, %v", instanceType, image, err)
		}
	}
}

func TestNewestIsTheLatestOfItsPublisher(t *testing.T) {
	of := func(id, created string) types.Image {
		return custom(func(i *types.Image) { i.ImageId, i.CreationDate = aws.String(id), aws.String(created) })
	}
	api := &described{images: []types.Image{
		of("ami-00000001", "2025-12-09T01:00:00.000Z"), of("ami-00000002", "2026-01-02T01:00:00.000Z"), of("ami-00000003", "2025-12-31T23:00:00.000Z"),
	}}
	wish := plans(t, ofType("m7i.large"), withAMI("debian")).First()
	image, err := launch.Newest(t.Context(), api, wish.Image, wish.Architecture)
	if err != nil || image.ID() != "ami-00000002" {
		t.Errorf("%+v, %v", image, err)
	}
	if in := api.asked[0]; len(in.Owners) != 1 || in.Owners[0] != "136693071363" {
		t.Errorf("asked for anybody's: %+v", in)
	}
	if _, err := launch.Newest(t.Context(), &described{}, wish.Image, wish.Architecture); problem.KindOf(err) != problem.NotFound {
		t.Errorf("of none: %v", err)
	}
}

// The newest image found without the parameter is the one that the parameter
// names. moto has a list of real images and real parameters.
func TestNewestIsWhatTheParameterNames(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		wishes := map[string][]string{"": {"m7i.large", "m7g.large"}}
		if c.Local != nil { // moto has Amazon's own images alone
			wishes["ubuntu"], wishes["debian"] = wishes[""], wishes[""]
			wishes[""] = append(wishes[""], "g5.xlarge", "g5g.xlarge")
		}
		for ami, instanceTypes := range wishes {
			for _, instanceType := range instanceTypes {
				wish := plans(t, ofType(instanceType), withAMI(ami)).First()
				got, err := launch.Newest(t.Context(), c.Target.EC2(), wish.Image, wish.Architecture)
				if err != nil {
					t.Errorf("%s: %v", wish.Image.Name, err)
					continue
				}
				want, err := account.SSMOf(c.Target).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(wish.Image.Parameter)})
				if err != nil {
					t.Fatal(err)
				}
				if got.ID() != aws.ToString(want.Parameter.Value) || got.RootDevice != wish.Image.RootDevice || got.User != wish.Image.User {
					t.Errorf("%s: found %+v, the parameter names %s", wish.Image.Name, got, aws.ToString(want.Parameter.Value))
				}
			}
		}
	})
}

// The price of Linux would be too low for software that is billed on top.
func TestSoftwareOnTopHasNoKnownPrice(t *testing.T) {
	redHat := custom(func(i *types.Image) { i.PlatformDetails = aws.String("Red Hat Enterprise Linux") })
	market := custom(func(i *types.Image) {
		i.PlatformDetails = aws.String("Linux/UNIX")
		i.ProductCodes = []types.ProductCode{{ProductCodeId: aws.String("x"), ProductCodeType: types.ProductCodeValuesMarketplace}}
	})
	free := custom(func(i *types.Image) { i.PlatformDetails = aws.String("Linux/UNIX") })
	for _, image := range []types.Image{redHat, market} {
		p, err := find(t, "m7i.large", func(s *launch.Spec) { s.Others = []offer.Offer{ofType("t3.micro")} }, image)
		if err != nil || p.First().Price.Known() || p.First().Price.String() != ">=0.1008" || len(p.Candidates) != 1 {
			t.Errorf("%s, %v, %v", p.First().Price, p.Candidates, err)
		}
		if _, err := find(t, "m7i.large", func(s *launch.Spec) { s.MaxPrice = "5" }, image); problem.KindOf(err) != problem.Usage {
			t.Errorf("a limit that cannot be held: %v", err)
		}
	}
	if p, err := find(t, "m7i.large", func(s *launch.Spec) { s.MaxPrice = "5" }, free); err != nil || !p.First().Price.Known() {
		t.Errorf("%s, %v", p.First().Price, err)
	}
}
