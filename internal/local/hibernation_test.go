package local_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// hibernating asks for an m5.large, which has 8 GiB of memory, with all that
// hibernation needs.
func hibernating(in *ec2.RunInstancesInput) {
	in.InstanceType = "m5.large"
	in.HibernationOptions = &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
	in.BlockDeviceMappings = []types.BlockDeviceMapping{{
		DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{Encrypted: aws.Bool(true), VolumeSize: aws.Int32(20)},
	}}
}

func TestHibernationHasPrerequisites(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(*ec2.RunInstancesInput){
		"a type that does not":     func(in *ec2.RunInstancesInput) { in.InstanceType = "g5.xlarge" },
		"bare metal":               func(in *ec2.RunInstancesInput) { in.InstanceType = "m5.metal" },
		"too much memory":          func(in *ec2.RunInstancesInput) { in.InstanceType = "m5.12xlarge" },
		"a root in the clear":      func(in *ec2.RunInstancesInput) { in.BlockDeviceMappings[0].Ebs.Encrypted = aws.Bool(false) },
		"a root without room":      func(in *ec2.RunInstancesInput) { in.BlockDeviceMappings[0].Ebs.VolumeSize = aws.Int32(8) },
		"a root on a slow disk":    func(in *ec2.RunInstancesInput) { in.BlockDeviceMappings[0].Ebs.VolumeType = "standard" },
		"another volume than root": func(in *ec2.RunInstancesInput) { in.BlockDeviceMappings[0].DeviceName = aws.String("/dev/sda1") },
		"an image that is not fit": func(in *ec2.RunInstancesInput) {
			in.ImageId = aws.String("resolve:ssm:/aws/service/debian/release/12/latest/amd64")
		},
	} {
		in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
		hibernating(in)
		spoil(in)
		_, err := w.ec2(w.admin()).RunInstances(t.Context(), in)
		if t.Log(name); err == nil {
			t.Error("launched")
			continue
		}
		wantCode(t, err, "UnsupportedHibernationConfiguration")
	}
}

func TestHibernate(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	hibernate := func(id string) error {
		_, err := api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}, Hibernate: aws.Bool(true)})
		return err
	}
	plain := *w.run(nil).InstanceId
	w.await(plain, types.InstanceStateNameRunning)
	noError(t, w.clock.Advance(time.Hour))
	wantCode(t, hibernate(plain), "UnsupportedHibernationConfiguration")

	id := *w.run(hibernating).InstanceId
	if i := w.await(id, types.InstanceStateNameRunning); !*i.HibernationOptions.Configured {
		t.Error("it does not say that it can hibernate")
	}
	wantCode(t, hibernate(id), "UnsupportedOperation")
	noError(t, w.clock.Advance(2*time.Minute))
	noError(t, hibernate(id))
	if i := w.await(id, types.InstanceStateNameStopped); *i.StateReason.Code != "Client.UserInitiatedHibernate" {
		t.Errorf("stopped because of %s", *i.StateReason.Code)
	}
	_, err := api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameRunning)
	wantCode(t, hibernate(id), "UnsupportedOperation") // again not for two minutes
}
