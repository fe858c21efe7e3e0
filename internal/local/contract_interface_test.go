package local_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// interfaceScene launches with an interface that the launch describes.
func interfaceScene() scene {
	private := func(s *stage) types.InstanceNetworkInterfaceSpecification {
		return types.InstanceNetworkInterfaceSpecification{DeviceIndex: aws.Int32(0), SubnetId: s.id("subnet"), AssociatePublicIpAddress: aws.Bool(false)}
	}
	return scene{name: "interfaces", steps: []step{
		{name: "a default subnet", do: defaultSubnet("subnet"), want: "public=true"},
		{name: "a private instance in it", do: launchWith(func(s *stage, in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{private(s)}
		}), want: "its subnet, public=false"},
		{name: "an instance in it", do: launchWith(func(s *stage, in *ec2.RunInstancesInput) { in.SubnetId = s.id("subnet") }), want: "its subnet, public=true"},
		{name: "a subnet beside an interface", do: launchWith(func(s *stage, in *ec2.RunInstancesInput) {
			in.SubnetId = s.id("subnet")
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{private(s)}
		}), want: "InvalidParameterCombination"},
		{name: "a group beside an interface", do: launchWith(func(s *stage, in *ec2.RunInstancesInput) {
			in.SecurityGroups = []string{"default"}
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{private(s)}
		}), want: "InvalidParameterCombination", moto: "its subnet, public=false", why: "moto takes both"},
		{name: "an interface without a device index", unjudged: "moto answers with its HTML 500", do: launchWith(func(s *stage, in *ec2.RunInstancesInput) {
			n := private(s)
			n.DeviceIndex = nil
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{n}
		}), want: "InvalidParameterValue"},
		{name: "an interface in no subnet", do: named("none", "subnet-00000000000000000", launchWith(func(s *stage, in *ec2.RunInstancesInput) {
			n := private(s)
			n.SubnetId = s.id("none")
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{n}
		})), want: "InvalidSubnetID.NotFound"},
	}}
}

func defaultSubnet(name string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
		return c.DescribeSubnets
	}, func(*stage) *ec2.DescribeSubnetsInput {
		return &ec2.DescribeSubnetsInput{Filters: []types.Filter{{Name: aws.String("default-for-az"), Values: []string{"true"}}, {Name: aws.String("availability-zone"), Values: []string{"us-east-1a"}}}}
	}, func(s *stage, out *ec2.DescribeSubnetsOutput) string {
		s.ids[name] = *out.Subnets[0].SubnetId
		return fmt.Sprintf("public=%v", *out.Subnets[0].MapPublicIpOnLaunch)
	})
}

func launchWith(edit func(*stage, *ec2.RunInstancesInput)) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.RunInstancesInput, ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error) {
		return c.RunInstances
	}, func(s *stage) *ec2.RunInstancesInput {
		in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
		edit(s, in)
		return in
	}, func(s *stage, out *ec2.RunInstancesOutput) string {
		i := out.Instances[0]
		where := "another subnet"
		if aws.ToString(i.SubnetId) == *s.id("subnet") {
			where = "its subnet"
		}
		return fmt.Sprintf("%s, public=%v", where, aws.ToString(i.PublicIpAddress) != "")
	})
}
