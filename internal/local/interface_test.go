package local_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What a launch says of its instance's public address holds over a stop.
func TestLaunchDecidesOnPublicAddress(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	api, ctx := w.ec2(w.admin()), t.Context()
	launch := func(public bool) types.Instance {
		return w.run(func(in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), SubnetId: &n.subnet, AssociatePublicIpAddress: &public}}
		})
	}
	if i := launch(true); aws.ToString(i.PublicIpAddress) == "" {
		t.Error("asked for in a subnet that gives none, there is no public address")
	}
	n.mapPublic()
	i := launch(false)
	if aws.ToString(i.PublicIpAddress) != "" || aws.ToString(i.SubnetId) != n.subnet {
		t.Errorf("it has %s in %s", aws.ToString(i.PublicIpAddress), aws.ToString(i.SubnetId))
	}
	id := *i.InstanceId
	w.await(id, types.InstanceStateNameRunning)
	_, err := api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameStopped)
	_, err = api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	if again := w.await(id, types.InstanceStateNameRunning); aws.ToString(again.PublicIpAddress) != "" {
		t.Errorf("after a start it has %s", *again.PublicIpAddress)
	}

	ann := w.ec2(w.user("ann", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["ec2:RunInstances","ssm:GetParameters"],"Resource":"*"},
		{"Effect":"Deny","Action":"ec2:RunInstances","Resource":"*","Condition":{"Bool":{"ec2:AssociatePublicIpAddress":"true"}}}]}`))
	for public, want := range map[bool]string{true: "UnauthorizedOperation", false: "DryRunOperation"} {
		_, err := ann.RunInstances(ctx, &ec2.RunInstancesInput{
			ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), DryRun: aws.Bool(true),
			NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), SubnetId: &n.subnet, AssociatePublicIpAddress: aws.Bool(public)}},
		})
		wantCode(t, err, want)
	}
}
