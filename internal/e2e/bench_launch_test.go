//go:build unix

package e2e_test

import (
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// measureLaunchCalls counts what a launch asks of a cloud that is 50 ms away for
// every call, from the cloud's tape: in a new account, and once more. Polling is
// not counted: how long a machine boots is not ours.
func measureLaunchCalls(b *testing.B, t *budgets) {
	u := newUser(b, false)
	u.do(nil, "spawn", "local", "up", "--runtime", "none")
	u.do(nil, "spawn", "local", "fault", "latency", "--delay", "50ms")
	_, control := u.contact().look(b)
	motos := motoLaunches(b)
	for i, l := range []struct {
		what         string
		calls, depth float64
	}{{"cold", 14, 3}, {"warm", 3, 0.5}} { // a budget of no round trips at all
		before, err := control.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		begun := time.Now()
		u.do(nil, "spawn", "launch", "--local", "--instance-type", "t3.micro", "--ttl", "10m", "--name", l.what, "--create-key", "--no-wait")
		took := time.Since(begun)
		calls, err := control.Tape(b.Context(), before.Calls)
		if err != nil {
			b.Fatal(err)
		}
		calls = slices.DeleteFunc(calls, func(c tape.Call) bool { return c.Action == "DescribeInstances" })
		run := slices.IndexFunc(calls, func(c tape.Call) bool { return c.Action == "RunInstances" })
		ahead := slices.DeleteFunc(slices.Clone(calls), func(c tape.Call) bool { return c.Ended > calls[run].Began })
		name := l.what + " launch, 50 ms a call"
		t.add(name+": calls", float64(len(calls)), l.calls, "", "")
		t.add(name+": round trips before RunInstances", float64(tape.Depth(ahead)), l.depth, "", "")
		t.add(name+": until EC2's promise", milliseconds(took), 0, "ms", motos[i])
	}
}

// motoLaunches are the same two launches against moto, which is not slowed down:
// how long each took, or nothing where there is no moto. Its images resolve to
// others than their parameters say, so that one is named by its id.
func motoLaunches(b *testing.B) [2]string {
	if exec.Command("python3", "-c", "import moto.server").Run() != nil {
		return [2]string{}
	}
	moto := cloudtest.Moto(b)
	images, err := moto.Target.EC2().DescribeImages(b.Context(), &ec2.DescribeImagesInput{
		Owners:  []string{"amazon"},
		Filters: []types.Filter{{Name: aws.String("architecture"), Values: []string{"x86_64"}}, {Name: aws.String("root-device-type"), Values: []string{"ebs"}}, {Name: aws.String("name"), Values: []string{"al2023-ami-2023*", "amzn2-ami-*"}}},
	})
	if err != nil || len(images.Images) == 0 {
		return [2]string{"no image", "no image"}
	}
	u := newUser(b, false)
	u.env = append(u.env, "AWS_ENDPOINT_URL="+moto.Target.Endpoint, "AWS_ACCESS_KEY_ID=AKIDMOTO", "AWS_SECRET_ACCESS_KEY=moto", "AWS_REGION=us-east-1")
	var took [2]string
	for i := range took {
		begun := time.Now()
		r := u.try(nil, "spawn", "launch", "--instance-type", "t3.micro", "--ami", aws.ToString(images.Images[0].ImageId), "--volume-size", "100", "--ttl", "1h", "--create-key", "--no-wait", "--name", fmt.Sprintf("moto-%d", i))
		if r.code != 0 && r.code != 6 { // moto takes no role that is seconds old for a schedule
			took[i] = fmt.Sprintf("exit %d", r.code)
			continue
		}
		took[i] = fmt.Sprintf("%.0f ms, near", milliseconds(time.Since(begun)))
	}
	return took
}
