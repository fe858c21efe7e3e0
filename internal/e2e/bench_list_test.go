//go:build unix

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// measureList lists what there is in every region: few from a far cloud, which
// tells how deep it asks, and then a crowd.
func measureList(b *testing.B, t *budgets) {
	u := newUser(b, false)
	u.do(nil, "spawn", "local", "up", "--runtime", "none")
	_, control := u.contact().look(b)
	u.do(nil, "spawn", "local", "fault", "latency", "--delay", "1s")
	before, err := control.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	u.do(nil, "spawn", "list", "--local")
	calls, err := control.Tape(b.Context(), before.Calls)
	if err != nil {
		b.Fatal(err)
	}
	t.add("spawn list, every region, round trips deep", float64(tape.Depth(calls)), 1, "", "")
	t.add("the same, calls", float64(len(calls)), 0, "", "")

	u.do(nil, "spawn", "local", "fault", "clear")
	measureCrowd(b, t, u)
}

// measureCrowd lists instances all in one region, whose pages follow each other.
func measureCrowd(b *testing.B, t *budgets, u *user) {
	target, _ := u.contact().look(b)
	now := time.Now()
	tags := lifecycle.InstanceTags{
		Name: "box", Origin: lifecycle.Origin{Owner: "arn:aws:iam::123456789012:user/ada", Launch: "crowd", Created: now},
		TTL: time.Hour, Deadline: lifecycle.DeadlineAt(now.Add(time.Hour)),
	}
	for range ourCrowd / 1000 {
		if _, err := target.EC2().RunInstances(b.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(imageName), InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1000), MaxCount: aws.Int32(1000),
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags.Tags())}},
		}); err != nil {
			b.Fatal(err)
		}
	}
	for _, form := range []string{"table", "json"} {
		begun := time.Now()
		u.do(nil, "spawn", "list", "--local", "-o", form)
		t.add(fmt.Sprintf("spawn list -o %s, %d instances", form, ourCrowd), time.Since(begun).Seconds(), 3, "s", "")
	}
}
