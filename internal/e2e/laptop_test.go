//go:build unix

package e2e_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// TestTheLaptopDies kills spawn as soon as EC2 has made the instance. Two layers
// of its deadline are on the instance; the third is made by the next command, if
// there ever is one.
func TestTheLaptopDies(t *testing.T) {
	needAgents(t)
	for name, comesBack := range map[string]bool{"and nobody comes back": false, "and another command is given": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, false)
			if r := u.try(nil, "spawn", "local", "up", "--runtime", "sandbox"); r.code != 0 {
				t.Skipf("the sandbox does not work here: %s %s", r.stderr, u.log())
			}
			target, inside := u.contact().look(t)
			defer inside.Close()
			slow, err := inside.AddFault(t.Context(), fault.Rule{Kind: fault.Latency, Service: "scheduler", Action: "CreateSchedule", Delay: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			in := launchAndDie(t, u, target, inside)
			if got := scheduled(t, target); len(got) > 0 {
				t.Fatalf("the schedules %v were made before spawn died: this test shows nothing", got)
			}
			by := "Client.UserInitiatedShutdown" // its agent
			if comesBack {
				if _, err := inside.ClearFaults(t.Context(), slow.ID); err != nil {
					t.Fatal(err)
				}
				u.do(nil, "spawn", "list", "--local")
				if got := scheduled(t, target); len(got) != 1 || got[0] != in.ID {
					t.Errorf("after the next command the schedules are %v, and the instance is %s", got, in.ID)
				}
				killAgent(t, u, "box")
				by = "Client.InstanceInitiatedShutdown" // its operating system
			}
			ended := awaitEnd(t, target.EC2(), in)
			if got := aws.ToString(ended.StateReason.Code); got != by {
				t.Errorf("it ended with %s, not with %s", got, by)
			}
			if got := scheduled(t, target); !comesBack && len(got) > 0 {
				t.Errorf("nobody was there to make the schedules %v", got)
			}
		})
	}
}

// launchAndDie launches an instance and kills spawn when EC2 has answered; it
// returns when the two layers on the instance are armed.
func launchAndDie(t *testing.T, u *user, target *awsx.Target, inside *control.Client) instance {
	t.Helper()
	before, err := inside.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := u.command("spawn", "launch", "--local", "--instance-type", "t3.micro", "--ttl", ttl.String(), "--name", "box")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "EC2 has made the instance", func() bool {
		calls, err := inside.Tape(t.Context(), before.Calls)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range calls {
			if call.Action == "RunInstances" && call.Error == "" {
				return true
			}
		}
		return false
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed

	out, err := target.EC2().DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("tag:Name"), Values: []string{"box"}}}})
	if err != nil || len(out.Reservations) != 1 {
		t.Fatalf("%v, %v", out, err)
	}
	in := instance{ID: aws.ToString(out.Reservations[0].Instances[0].InstanceId)}
	until(t, "the agent and the timer watch the deadline", func() bool {
		tags := account.TagMap(describe(t, target.EC2(), in.ID).Tags)
		its, _ := lifecycle.ReadInstanceTags(tags)
		in.Deadline = its.Deadline.Time()
		return tags[lifecycle.TagStatus] != "" && time.Now().Before(in.Deadline) && read(t, inside, in.ID, "/run/spored/os-timer") != ""
	})
	return in
}

// scheduled are the names of all schedules.
func scheduled(t *testing.T, target *awsx.Target) (names []string) {
	t.Helper()
	out, err := account.SchedulerOf(target).ListSchedules(t.Context(), &scheduler.ListSchedulesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Schedules {
		names = append(names, aws.ToString(s.Name))
	}
	return names
}
