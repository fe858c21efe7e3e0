package reap

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/instance"
)

func unusedGroups(ctx context.Context, api API, scope Scope) ([]Item, error) {
	groups := make(map[string]Item)
	pages := ec2.NewDescribeSecurityGroupsPaginator(api, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{instance.Managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the security groups: %w", err)
		}
		for _, g := range page.SecurityGroups {
			id, tags := aws.ToString(g.GroupId), account.TagMap(g.Tags)
			if scope.covers(tags) && scope.settled(id, tags) {
				item := scope.item(SecurityGroup, id, "nothing uses it", tags)
				item.Name, item.vpc = aws.ToString(g.GroupName), aws.ToString(g.VpcId)
				groups[id] = item
			}
		}
	}
	if len(groups) == 0 {
		return nil, nil
	}
	if err := dropUsed(ctx, api, scope, groups); err != nil {
		return nil, err
	}
	var out []Item
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, groups[id])
	}
	return out, nil
}

// goes tells that a network interface goes with an instance that is left.
func (s Scope) goes(nic types.NetworkInterface) bool {
	return nic.Attachment != nil && s.ending[aws.ToString(nic.Attachment.InstanceId)]
}

// dropUsed takes the groups out that a network interface has. The interface of
// an instance keeps its group until the instance is terminated for good.
func dropUsed(ctx context.Context, api API, scope Scope, groups map[string]Item) error {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(groups)), instance.MostFilterValues) {
		filter := types.Filter{Name: aws.String("group-id"), Values: some}
		pages := ec2.NewDescribeNetworkInterfacesPaginator(api, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter}})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list the network interfaces: %w", err)
			}
			for _, nic := range page.NetworkInterfaces {
				if scope.goes(nic) {
					continue
				}
				for _, g := range nic.Groups {
					delete(groups, aws.ToString(g.GroupId))
				}
			}
		}
	}
	return nil
}
