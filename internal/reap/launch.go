package reap

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// OfLaunch lists what a launch has made, by the tag that all of it bears from
// the moment it exists: also what was made by a call whose answer never came.
func OfLaunch(ctx context.Context, api API, launch string) ([]Item, error) {
	const why = "the launch failed"
	ours := []types.Filter{{Name: aws.String("tag:" + lifecycle.TagLaunch), Values: []string{launch}}}
	var found []Item
	instances, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("look for instances of the launch: %w", err)
	}
	for _, r := range instances.Reservations {
		for _, in := range r.Instances {
			found = append(found, Item{Kind: Instance, ID: aws.ToString(in.InstanceId), Why: why})
		}
	}
	groups, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: ours})
	if err != nil {
		return found, fmt.Errorf("look for security groups of the launch: %w", err)
	}
	for _, g := range groups.SecurityGroups {
		found = append(found, Item{Kind: SecurityGroup, ID: aws.ToString(g.GroupId), Why: why})
	}
	network, err := networkOfLaunch(ctx, api, ours)
	for kind, ids := range network {
		for _, id := range ids {
			found = append(found, Item{Kind: kind, ID: id, Why: why})
		}
	}
	return found, err
}

// networkOfLaunch lists the parts of a network that bear the tag.
func networkOfLaunch(ctx context.Context, api API, ours []types.Filter) (map[Kind][]string, error) {
	found := map[Kind][]string{}
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: ours})
	if err != nil {
		return found, fmt.Errorf("look for a VPC of the launch: %w", err)
	}
	for _, v := range vpcs.Vpcs {
		found[VPC] = append(found[VPC], aws.ToString(v.VpcId))
	}
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: ours})
	if err != nil {
		return found, fmt.Errorf("look for subnets of the launch: %w", err)
	}
	for _, s := range subnets.Subnets {
		found[Subnet] = append(found[Subnet], aws.ToString(s.SubnetId))
	}
	gateways, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: ours})
	if err != nil {
		return found, fmt.Errorf("look for an internet gateway of the launch: %w", err)
	}
	for _, g := range gateways.InternetGateways {
		found[Gateway] = append(found[Gateway], aws.ToString(g.InternetGatewayId))
	}
	return found, nil
}
