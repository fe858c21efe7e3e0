package instance_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func run(t *testing.T, api *ec2.Client, tags map[string]string) string {
	t.Helper()
	out, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
		ImageId:           aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := aws.ToString(out.Instances[0].InstanceId)
	if _, err := instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateRunning)); err != nil {
		t.Fatal(err)
	}
	return id
}

func named(name string) map[string]string {
	return lifecycle.InstanceTags{Name: name, Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))}.Tags()
}

func terminate(t *testing.T, api *ec2.Client, id string) {
	t.Helper()
	if err := instance.Terminate(t.Context(), api, instance.Instance{ID: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateTerminated)); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		one := run(t, api, named("one"))
		gone := run(t, api, named("twice"))
		terminate(t, api, gone)
		twice := run(t, api, named("twice"))
		foreign := run(t, api, map[string]string{"Name": "foreign"})
		find := func(nameOrID string) (string, error) {
			all, unseen := instance.ListIn(t.Context(), []string{"us-east-1"}, func(string) instance.Describer { return api })
			if len(unseen) > 0 {
				t.Fatal(unseen)
			}
			in, err := instance.Find(all, nameOrID)
			return in.ID, err
		}
		for want, by := range map[string][]string{one: {"one", one}, twice: {"twice"}, gone: {gone}} {
			for _, nameOrID := range by {
				if got, err := find(nameOrID); err != nil || got != want {
					t.Errorf("%s: %s, %v", nameOrID, got, err)
				}
			}
		}
		for _, nothing := range []string{"three", "i-0123456789abcdef0", "foreign", foreign} {
			if got, err := find(nothing); problem.KindOf(err) != problem.NotFound {
				t.Errorf("%s: %s, %v", nothing, got, err)
			}
		}
		again := run(t, api, named("one"))
		_, err := find("one")
		if next := problem.NextOf(err); problem.KindOf(err) != problem.Usage || !strings.Contains(next, one) || !strings.Contains(next, again) {
			t.Errorf("two of a name: %v, next %q", err, next)
		}
		terminate(t, api, one)
		terminate(t, api, again)
		if got, err := find("one"); err != nil || got != again && got != one {
			t.Errorf("ended ones can still be asked for: %s, %v", got, err)
		}
	})
}

func TestStopAndStart(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		id := run(t, api, named("s"))
		in, err := instance.Get(t.Context(), api, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := instance.Stop(t.Context(), api, in); err != nil {
			t.Fatal(err)
		}
		if in, err = instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateStopped)); err != nil {
			t.Fatal(err)
		}
		late := func() time.Time { return time.Now().Add(2 * time.Hour) }
		if err := instance.Start(t.Context(), api, in, late); err == nil {
			t.Error("an instance was started whose deadline has passed")
		}
		if err := instance.Start(t.Context(), api, in, time.Now); err != nil {
			t.Fatal(err)
		}
		if _, err := instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateRunning)); err != nil {
			t.Fatal(err)
		}
		terminate(t, api, id)
		in, err = instance.Get(t.Context(), api, id)
		if err != nil {
			t.Fatal(err)
		}
		if instance.Stop(t.Context(), api, in) == nil || instance.Start(t.Context(), api, in, time.Now) == nil {
			t.Error("an ended instance was stopped or started")
		}
		if err := instance.Terminate(t.Context(), api, in); err != nil {
			t.Errorf("ending it again: %v", err)
		}
	})
}

func TestGarbageInTagsIsShown(t *testing.T) {
	c := cloudtest.Local(t, nil)
	tags := named("g")
	tags[lifecycle.TagDeadline] = "tomorrow"
	id := run(t, c.Target.EC2(), tags)
	in, err := instance.Get(t.Context(), c.Target.EC2(), id)
	if err != nil || !in.Tags.Deadline.IsZero() || len(in.TagProblems) != 1 {
		t.Errorf("deadline %v, problems %v, error %v", in.Tags.Deadline, in.TagProblems, err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	c := cloudtest.Local(t, nil)
	id := run(t, c.Target.EC2(), named("w"))
	ctx, cancel := context.WithCancel(t.Context())
	last, err := instance.Wait(ctx, c.Target.EC2(), id, func(instance.Instance) bool { cancel(); return false })
	if !errors.Is(err, context.Canceled) || last.ID != id {
		t.Errorf("last seen %q, error %v", last.ID, err)
	}
}
