package launch

import (
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// Image is what an instance boots from.
type Image struct {
	Parameter  string // the public SSM parameter that names the newest AMI
	RootDevice string // as the AMI has it: another name would add a second volume
	User       string // who logs in
	Name       string // for people
	Why        string // why this one
}

// ID is the image as RunInstances takes it: EC2 resolves the parameter itself,
// so finding the newest AMI costs no call.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-systems-manager-parameter-to-find-AMI.html
func (i Image) ID() string { return "resolve:ssm:" + i.Parameter }

// nvidiaFamilies are the families that Amazon's NVIDIA image supports, by the
// image's release notes.
//
// https://docs.aws.amazon.com/dlami/latest/devguide/appendix-ami-release-notes.html
var nvidiaFamilies = map[string][]string{
	"x86_64": {"g4dn", "g5", "g6", "g6e", "g6f", "gr6", "gr6f", "g7", "g7e", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300"},
	"arm64":  {"g5g", "p6e-gb200"},
}

// chooseImage picks Amazon Linux 2023 for the type's architecture, with NVIDIA
// drivers where the type has GPUs that the image supports.
func chooseImage(t catalog.Type, architecture string) Image {
	family, _, _ := strings.Cut(t.Name, ".")
	for _, f := range nvidiaFamilies[architecture] {
		if f == family {
			return Image{
				Parameter:  "/aws/service/deeplearning/ami/" + architecture + "/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
				RootDevice: "/dev/xvda", User: "ec2-user",
				Name: "Amazon Linux 2023 with NVIDIA drivers", Why: "the newest for GPUs on " + architecture,
			}
		}
	}
	return Image{
		Parameter:  "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-" + architecture,
		RootDevice: "/dev/xvda", User: "ec2-user",
		Name: "Amazon Linux 2023", Why: "the newest for " + architecture,
	}
}
