//go:build unix

package e2e_test

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// outlive leaves a volume that bears the tags of an instance's and outlived the
// one that it was made with: outlive box.
func outlive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: outlive <name>")
	}
	ctx, api := context.Background(), localEC2(ts, awsx.DefaultRegion)
	found, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("tag:" + lifecycle.TagName), Values: args}}})
	ts.Check(err)
	if len(found.Reservations) == 0 {
		ts.Fatalf("no instance is called %s", args[0])
	}
	like := found.Reservations[0].Instances[0]
	made, err := api.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: like.ImageId, InstanceType: like.InstanceType, SubnetId: like.SubnetId, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: like.RootDeviceName, Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)}}},
		TagSpecifications:   []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: like.Tags}},
	})
	ts.Check(err)
	ids := []string{*made.Instances[0].InstanceId}
	_, err = api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
	ts.Check(err)
	ts.Check(ec2.NewInstanceTerminatedWaiter(api, func(o *ec2.InstanceTerminatedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 50*time.Millisecond
	}).
		Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, 30*time.Second))
}

// noGateway takes the internet gateways away that spawn made, so that the routes
// to them lead nowhere. It succeeds when no public address is in use any more.
func noGateway(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: nogateway")
	}
	ctx, api := context.Background(), localEC2(ts, awsx.DefaultRegion)
	found, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{{Name: aws.String("tag:" + lifecycle.TagManaged), Values: []string{"true"}}}})
	ts.Check(err)
	for _, g := range found.InternetGateways {
		for until := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			_, err := api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: g.Attachments[0].VpcId})
			if !awserr.IsInUse(err) || time.Now().After(until) {
				ts.Check(err)
				break
			}
		}
		_, err := api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
		ts.Check(err)
	}
}
