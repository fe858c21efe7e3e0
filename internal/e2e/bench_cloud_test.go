//go:build unix

package e2e_test

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/cloudtest"
)

// What the clouds are given: moto takes a second for what takes ours a moment.
const (
	ourCrowd    = 10_000 // instances, of which one is described
	motosCrowd  = 1000
	ourLaunch   = 1000 // launches of one instance each
	motosLaunch = 50
	asked       = 50 // times that one is described
)

// measureCloud measures the daemon that "spawn local up" starts, whose machines
// do not boot, and then moto.
func measureCloud(b *testing.B, t *budgets) {
	u := newUser(b, false)
	u.do(nil, "spawn", "local", "up", "--runtime", "none")
	at := u.contact()
	target, control := at.look(b)
	time.Sleep(time.Second) // what was started is written down
	share, err := idle(5*time.Second, at.PID)
	if err != nil {
		t.rows = append(t.rows, "the idle cloud\tnot measured: "+err.Error())
	} else {
		memory, err := resident(at.PID)
		if err != nil {
			b.Fatal(err)
		}
		t.add("idle cloud, resident", memory, 40, "MB", "")
		t.add("idle cloud, of a core", 100*share, 0, "%", "")
	}

	motoRuns, motoDescribes := "", ""
	if exec.Command("python3", "-c", "import moto.server").Run() != nil {
		t.moto = "moto is not installed (python3 -m pip install 'moto[server]'): there is nothing to compare with"
	} else {
		moto := cloudtest.Moto(b).Target.EC2()
		motoRuns = fmt.Sprintf("%.3g s for %d", launchEach(b, moto, motosLaunch).Seconds(), motosLaunch)
		motoDescribes = fmt.Sprintf("%.3g ms for one of %d", milliseconds(describeOne(b, moto, motosCrowd-motosLaunch)), motosCrowd)
	}
	api := target.EC2()
	t.add(fmt.Sprintf("RunInstances, %d times", ourLaunch), launchEach(b, api, ourLaunch).Seconds(), 5, "s", motoRuns)
	client := describeOne(b, api, ourCrowd-ourLaunch)
	calls, err := control.Tape(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	var server []time.Duration
	for _, c := range calls {
		if c.Action == "DescribeInstances" {
			server = append(server, c.Duration)
		}
	}
	t.add(fmt.Sprintf("DescribeInstances, one of %d, at the server", ourCrowd), milliseconds(median(server)), 2, "ms", "")
	t.add("the same, at the client", milliseconds(client), 0, "ms", motoDescribes)
}

func launchOf(b *testing.B, api *ec2.Client, n int32) string {
	b.Helper()
	out, err := api.RunInstances(b.Context(), &ec2.RunInstancesInput{
		ImageId:      aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(n), MaxCount: aws.Int32(n),
	})
	if err != nil {
		b.Fatal(err)
	}
	return aws.ToString(out.Instances[0].InstanceId)
}

// launchEach launches n instances one after the other.
func launchEach(b *testing.B, api *ec2.Client, n int) time.Duration {
	begun := time.Now()
	for range n {
		launchOf(b, api, 1)
	}
	return time.Since(begun)
}

// describeOne adds to a crowd of instances and describes one of them.
func describeOne(b *testing.B, api *ec2.Client, crowd int) time.Duration {
	id := ""
	for crowd > 0 {
		n := min(crowd, 1000)
		id = launchOf(b, api, int32(n))
		crowd -= n
	}
	var took []time.Duration
	for range asked {
		begun := time.Now()
		if _, err := api.DescribeInstances(b.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	return median(took)
}
