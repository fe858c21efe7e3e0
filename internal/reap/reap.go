// Package reap finds what instances and launches have left behind and deletes
// it, in dependency order, and proves it by listing again.
//
// It touches only what bears spawn:managed=true and not spawn:keep=true. AWS is
// the arbiter of what is in use: a delete that it refuses for that reason is no
// failure, and nothing is forced.
package reap

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// API is all that reap may do to an account.
type API interface {
	instance.Actor
	DescribeVolumes(context.Context, *ec2.DescribeVolumesInput, ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error)
	DescribeNetworkInterfaces(context.Context, *ec2.DescribeNetworkInterfacesInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error)
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
	DeleteVolume(context.Context, *ec2.DeleteVolumeInput, ...func(*ec2.Options)) (*ec2.DeleteVolumeOutput, error)
	DeleteSecurityGroup(context.Context, *ec2.DeleteSecurityGroupInput, ...func(*ec2.Options)) (*ec2.DeleteSecurityGroupOutput, error)
	NetworkAPI
}

// Kind is a sort of leftover. The order of the constants is the order in which
// they can be deleted.
type Kind int

// The kinds.
const (
	SpotRequest Kind = iota // a persistent one, which would start an instance anew
	Instance
	Volume
	SecurityGroup
	Subnet
	Gateway
	VPC
	Schedule // not among what Delete deletes: see CleanSchedules
)

func (k Kind) String() string {
	return [...]string{"Spot request", "instance", "volume", "security group", "subnet", "internet gateway", "VPC", "schedule"}[k]
}

// Item is something that is left.
type Item struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	Why  string `json:"why"` // why it counts as left
}

// MarshalText writes the kind in words.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// youngest is the age below which furniture is left alone: a launch on another
// machine may be about to use it.
const youngest = 15 * time.Minute

// Scope says what may be reaped.
type Scope struct {
	Owner string            // only this principal's
	Now   time.Time         // by the service's clock
	Mine  func(string) bool // whether this machine's finished launches made the id; such furniture may be young

	ending map[string]bool // instances that were found to be left: what only they use is left too
}

func (s Scope) covers(tags map[string]string) bool {
	return lifecycle.Managed(tags) && !lifecycle.Kept(tags) && tags[lifecycle.TagOwner] == s.Owner
}

// Find lists what is left in the region: instances past their deadline,
// volumes without an instance, security groups that nothing uses, and networks
// of ours that nothing is in.
func Find(ctx context.Context, api API, scope Scope) ([]Item, error) {
	found, err := overdue(ctx, api, scope)
	if err != nil {
		return nil, err
	}
	scope.ending = make(map[string]bool)
	for _, in := range found {
		scope.ending[in.ID] = true
	}
	for _, find := range []func(context.Context, API, Scope) ([]Item, error){looseVolumes, unusedGroups, unusedNetworks} {
		items, err := find(ctx, api, scope)
		if err != nil {
			return nil, err
		}
		found = append(found, items...)
	}
	return found, nil
}

func overdue(ctx context.Context, api API, scope Scope) ([]Item, error) {
	all, err := instance.List(ctx, api)
	if err != nil {
		return nil, err
	}
	var out []Item
	for _, in := range all {
		if in.Tags.Owner == scope.Owner && !in.State.Ended() && !in.Tags.Deadline.IsZero() && in.Tags.Deadline.Passed(scope.Now) {
			out = append(out, Item{Instance, in.ID, in.Name, "past its deadline"})
		}
	}
	return out, nil
}

func looseVolumes(ctx context.Context, api API, scope Scope) ([]Item, error) {
	var out []Item
	pages := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{Filters: []types.Filter{
		instance.Managed(), {Name: aws.String("status"), Values: []string{"available"}},
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the volumes: %w", err)
		}
		for _, v := range page.Volumes {
			if tags := account.TagMap(v.Tags); scope.covers(tags) {
				out = append(out, Item{Volume, aws.ToString(v.VolumeId), tags[lifecycle.TagName], "no instance uses it"})
			}
		}
	}
	return out, nil
}

func unusedGroups(ctx context.Context, api API, scope Scope) ([]Item, error) {
	groups := make(map[string]string)
	pages := ec2.NewDescribeSecurityGroupsPaginator(api, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{instance.Managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the security groups: %w", err)
		}
		for _, g := range page.SecurityGroups {
			id, tags := aws.ToString(g.GroupId), account.TagMap(g.Tags)
			if scope.covers(tags) && scope.settled(id, tags) {
				groups[id] = aws.ToString(g.GroupName)
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
	for _, id := range lifecycle.SortedKeys(groups) {
		out = append(out, Item{SecurityGroup, id, groups[id], "nothing uses it"})
	}
	return out, nil
}

// goes tells that a network interface goes with an instance that is left.
func (s Scope) goes(nic types.NetworkInterface) bool {
	return nic.Attachment != nil && s.ending[aws.ToString(nic.Attachment.InstanceId)]
}

// dropUsed takes the groups out that a network interface has. The interface of
// an instance keeps its group until the instance is terminated for good.
func dropUsed(ctx context.Context, api API, scope Scope, groups map[string]string) error {
	filter := types.Filter{Name: aws.String("group-id"), Values: lifecycle.SortedKeys(groups)}
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
	return nil
}
