package reap

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// OfLaunch lists what bears a launch's tag and goes with a launch which failed:
// what it made, whether or not it heard so, and has not ended. It looks at one
// page of each: a launch makes a dozen things, and at most a hundred instances.
func OfLaunch(ctx context.Context, api API, launch string) ([]Item, error) {
	made := []types.Filter{instance.Managed(), {Name: aws.String("tag:" + lifecycle.TagLaunch), Values: []string{launch}}}
	var out []Item
	add := func(kind Kind, id *string) {
		out = append(out, Item{Kind: kind, ID: aws.ToString(id), Why: "the launch failed"})
	}
	instances, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: made})
	if err != nil {
		return nil, fmt.Errorf("list the launch's instances: %w", err)
	}
	for _, r := range instances.Reservations {
		for _, in := range r.Instances {
			if in.State == nil || in.State.Name != types.InstanceStateNameTerminated {
				add(Instance, in.InstanceId)
			}
		}
	}
	groups, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: made})
	if err != nil {
		return nil, fmt.Errorf("list the launch's security groups: %w", err)
	}
	for _, g := range groups.SecurityGroups {
		add(SecurityGroup, g.GroupId)
	}
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: made})
	if err != nil {
		return nil, fmt.Errorf("list the launch's subnets: %w", err)
	}
	for _, s := range subnets.Subnets {
		add(Subnet, s.SubnetId)
	}
	gateways, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: made})
	if err != nil {
		return nil, fmt.Errorf("list the launch's internet gateways: %w", err)
	}
	for _, g := range gateways.InternetGateways {
		add(Gateway, g.InternetGatewayId)
	}
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: made})
	if err != nil {
		return nil, fmt.Errorf("list the launch's VPCs: %w", err)
	}
	for _, v := range vpcs.Vpcs {
		add(VPC, v.VpcId)
	}
	return out, nil
}
