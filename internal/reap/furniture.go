package reap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/instance"
)

// furnitureThere tells which of some security groups, subnets, internet gateways
// and VPCs exist, whosever they are. Filters are used because one id that is gone
// would have a list by ids refused.
func furnitureThere(ctx context.Context, api API, ids []string) (map[string]bool, error) {
	there := map[string]bool{}
	for _, kind := range []struct {
		prefix, filter string
		list           func(context.Context, API, []types.Filter, map[string]bool) error
	}{
		{"sg-", "group-id", groupsThere},
		{"subnet-", "subnet-id", subnetsThere},
		{"igw-", "internet-gateway-id", gatewaysThere},
		{"vpc-", "vpc-id", vpcsThere},
	} {
		of := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !strings.HasPrefix(id, kind.prefix) })
		for some := range slices.Chunk(of, instance.MostFilterValues) {
			if err := kind.list(ctx, api, []types.Filter{{Name: aws.String(kind.filter), Values: some}}, there); err != nil {
				return nil, fmt.Errorf("look for what schedules would take away: %w", err)
			}
		}
	}
	return there, nil
}

func groupsThere(ctx context.Context, api API, which []types.Filter, there map[string]bool) error {
	pages := ec2.NewDescribeSecurityGroupsPaginator(api, &ec2.DescribeSecurityGroupsInput{Filters: which})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, g := range page.SecurityGroups {
			there[aws.ToString(g.GroupId)] = true
		}
	}
	return nil
}

func subnetsThere(ctx context.Context, api API, which []types.Filter, there map[string]bool) error {
	pages := ec2.NewDescribeSubnetsPaginator(api, &ec2.DescribeSubnetsInput{Filters: which})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, s := range page.Subnets {
			there[aws.ToString(s.SubnetId)] = true
		}
	}
	return nil
}

func gatewaysThere(ctx context.Context, api API, which []types.Filter, there map[string]bool) error {
	pages := ec2.NewDescribeInternetGatewaysPaginator(api, &ec2.DescribeInternetGatewaysInput{Filters: which})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, g := range page.InternetGateways {
			there[aws.ToString(g.InternetGatewayId)] = true
		}
	}
	return nil
}

func vpcsThere(ctx context.Context, api API, which []types.Filter, there map[string]bool) error {
	pages := ec2.NewDescribeVpcsPaginator(api, &ec2.DescribeVpcsInput{Filters: which})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, v := range page.Vpcs {
			there[aws.ToString(v.VpcId)] = true
		}
	}
	return nil
}
