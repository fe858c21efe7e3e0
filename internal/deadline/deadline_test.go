package deadline_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

var first = lifecycle.DeadlineAt(time.Now().Add(time.Hour))

func launch(t *testing.T, api *ec2.Client, status string, edits ...func(*ec2.RunInstancesInput)) instance.Instance {
	t.Helper()
	tags := lifecycle.InstanceTags{Name: "d", TTL: time.Hour, Deadline: first}.Tags()
	if status != "" {
		tags[lifecycle.TagStatus] = status
	}
	request := &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
		ImageId:           aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags)}},
	}
	for _, edit := range edits {
		edit(request)
	}
	out, err := api.RunInstances(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	in, err := instance.Wait(t.Context(), api, aws.ToString(out.Instances[0].InstanceId), instance.In(lifecycle.StateRunning))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestMoveWritesTheTagAndSaysThatNobodyAcknowledged(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		in := launch(t, c.Target.EC2(), "")
		to := lifecycle.DeadlineAt(first.Time().Add(time.Hour))
		moved, err := deadline.Move(t.Context(), c.Target.EC2(), layer(t, c), in, to)
		if err != nil || !moved.Tag || moved.Acknowledged || moved.Expected || moved.From != first {
			t.Errorf("%+v, %v", moved, err)
		}
		if in, err = instance.Get(t.Context(), c.Target.EC2(), in.ID); err != nil || in.Tags.Deadline != to || in.Tags.TTL != time.Hour {
			t.Errorf("tags %+v, %v", in.Tags, err)
		}
	})
}

func TestMoveWaitsForTheAgent(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api := c.Target.EC2()
	in := launch(t, api, lifecycle.Status{Phase: lifecycle.PhaseReady, Deadline: first, At: time.Now()}.String())
	to := lifecycle.DeadlineAt(first.Time().Add(-30 * time.Minute))
	agent := make(chan error, 1)
	go func() { // an agent that sees the tag and acknowledges it
		_, err := instance.Wait(t.Context(), api, in.ID, func(now instance.Instance) bool { return now.Tags.Deadline == to })
		if err == nil {
			status := lifecycle.Status{Phase: lifecycle.PhaseReady, Deadline: to, At: time.Now()}.String()
			_, err = api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{in.ID}, Tags: account.EC2Tags(map[string]string{lifecycle.TagStatus: status})})
		}
		agent <- err
	}()
	moved, err := deadline.Move(t.Context(), api, layer(t, c), in, to)
	if err != nil || !moved.Acknowledged || !moved.Expected {
		t.Errorf("%+v, %v", moved, err)
	}
	if err := <-agent; err != nil {
		t.Error(err)
	}
}

func TestEndedInstanceCannotBeMoved(t *testing.T) {
	in := instance.Instance{ID: "i-0123456789abcdef0", State: lifecycle.StateTerminated}
	if moved, err := deadline.Move(t.Context(), nil, deadline.Cloud{}, in, first); err == nil || moved.Tag {
		t.Errorf("%+v, %v", moved, err)
	}
}
