//go:build unix

package e2e_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// TestKilledCloudComesBack kills the local cloud without a warning. Its machines
// die with it; the next one has the same keys, instances, tags, groups and
// disks, and whoever knew the endpoint finds it there.
func TestKilledCloudComesBack(t *testing.T) {
	for name, plain := range map[string]bool{"as the tests' user": false, "as a plain user": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if plain && os.Getuid() != 0 {
				t.Skip("only root can become another plain user; the first case runs as one already")
			}
			u := newUser(t, plain)
			if r := u.try(nil, "spawn", "local", "up", "--runtime", "sandbox"); r.code != 0 {
				t.Skipf("the sandbox does not work here: %s %s", r.stderr, u.log())
			}
			killAndRestart(t, u)
		})
	}
}

func killAndRestart(t *testing.T, u *user) {
	first := u.contact()
	target, inside := first.look(t)
	id, group := launchMarked(t, target.EC2())
	until(t, "the user-data has run", func() bool { return read(t, inside, id, "/var/ran") == "once\n" })
	time.Sleep(1200 * time.Millisecond) // real time: a second of it may be lost, by contract

	family := descendants(t, first.PID)
	if len(family) < 2 {
		t.Errorf("the machine is no process below the cloud: %v", family)
	}
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the machines have died with their cloud", func() bool { return !slices.ContainsFunc(family, alive) })
	inside.Close()

	u.do(nil, "spawn", "local", "up")
	second := u.contact()
	if second.PID == first.PID || second.AccessKeyID != first.AccessKeyID || second.SecretAccessKey != first.SecretAccessKey || second.Endpoint != first.Endpoint {
		t.Errorf("the cloud is reached by %+v, it was %+v", second, first)
	}
	target, inside = second.look(t)
	defer inside.Close()
	api := target.EC2()
	until(t, "the instance runs again", func() bool { return describe(t, api, id).State.Name == types.InstanceStateNameRunning })
	in := describe(t, api, id)
	if len(in.Tags) != 1 || aws.ToString(in.Tags[0].Value) != "kept" || aws.ToString(in.SecurityGroups[0].GroupId) != group {
		t.Errorf("the instance came back with the tags %v and the groups %v", in.Tags, in.SecurityGroups)
	}
	if got := read(t, inside, id, "/var/ran"); got != "once\n" {
		t.Errorf("its disk says that the user-data ran %q", got)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil && strings.Contains(string(mounts), u.home) {
		t.Error("a mount is left in the home")
	}
	checkDown(t, u)
}

// launchMarked launches an instance with a tag and a group, whose user-data
// leaves a line on its disk each time that it runs.
func launchMarked(t *testing.T, api *ec2.Client) (id, group string) {
	t.Helper()
	g, err := api.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("kept"), Description: aws.String("kept")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId:      aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SecurityGroupIds: []string{*g.GroupId},
		UserData:          aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho once >> /var/ran\n"))),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("kept")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Instances[0].InstanceId, *g.GroupId
}

// read is the content of a file inside an instance; empty if it is not there.
func read(t *testing.T, inside *control.Client, id, path string) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := inside.Exec(t.Context(), id, runtime.Command{Args: []string{"cat", path}, Stdout: &out}); err != nil {
		return ""
	}
	return out.String()
}

// until waits for what processes do in their own time.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !reached(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
