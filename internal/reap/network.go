package reap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
)

// NetworkAPI is what taking away a network of ours takes.
type NetworkAPI interface {
	DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error)
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	DescribeInternetGateways(context.Context, *ec2.DescribeInternetGatewaysInput, ...func(*ec2.Options)) (*ec2.DescribeInternetGatewaysOutput, error)
	DeleteSubnet(context.Context, *ec2.DeleteSubnetInput, ...func(*ec2.Options)) (*ec2.DeleteSubnetOutput, error)
	AttachInternetGateway(context.Context, *ec2.AttachInternetGatewayInput, ...func(*ec2.Options)) (*ec2.AttachInternetGatewayOutput, error)
	DetachInternetGateway(context.Context, *ec2.DetachInternetGatewayInput, ...func(*ec2.Options)) (*ec2.DetachInternetGatewayOutput, error)
	DeleteInternetGateway(context.Context, *ec2.DeleteInternetGatewayInput, ...func(*ec2.Options)) (*ec2.DeleteInternetGatewayOutput, error)
	DeleteVpc(context.Context, *ec2.DeleteVpcInput, ...func(*ec2.Options)) (*ec2.DeleteVpcOutput, error)
}

// part is something of a network, with whether it may be reaped.
type part struct {
	Item
	vpc string // "": an internet gateway that is attached to nothing
	may bool
}

// unusedNetworks finds the VPCs of ours in which there is no network interface,
// with their subnets and gateways. A VPC is taken away whole or not at all: one
// part that is too young, or another's, keeps all the others.
func unusedNetworks(ctx context.Context, api API, scope Scope) ([]Item, error) {
	parts, err := networkParts(ctx, api, scope)
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	keep, err := inhabited(ctx, api, scope, parts)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		keep[p.vpc] = keep[p.vpc] || p.vpc != "" && !p.may
	}
	var out []Item
	for _, p := range parts {
		if p.may && !keep[p.vpc] && p.Kind != SecurityGroup {
			out = append(out, p.Item)
		}
	}
	slices.SortFunc(out, func(a, b Item) int { return int(a.Kind) - int(b.Kind) })
	return out, nil
}

// networkParts lists what there is of networks of ours: all that is in a VPC of
// ours, whosever it is, but what the VPC was made with.
func networkParts(ctx context.Context, api API, scope Scope) ([]part, error) {
	parts, err := networks(ctx, api, scope)
	if err != nil {
		return nil, err
	}
	var ours []string
	for _, p := range parts {
		ours = append(ours, p.ID)
	}
	for _, list := range []func(context.Context, API, Scope, []string) ([]part, error){gatewayParts, subnetParts, groupParts} {
		found, err := list(ctx, api, scope, ours)
		if err != nil {
			return nil, err
		}
		parts = append(parts, found...)
	}
	return parts, nil
}

func gatewayParts(ctx context.Context, api API, scope Scope, vpcs []string) (out []part, err error) {
	pages := ec2.NewDescribeInternetGatewaysPaginator(api, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{instance.Managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the internet gateways: %w", err)
		}
		for _, g := range page.InternetGateways {
			if vpc := attachedTo(g); vpc == "" || slices.Contains(vpcs, vpc) {
				out = append(out, scope.part(Gateway, aws.ToString(g.InternetGatewayId), vpc, g.Tags))
			}
		}
	}
	return out, nil
}

func subnetParts(ctx context.Context, api API, scope Scope, vpcs []string) (out []part, err error) {
	if len(vpcs) == 0 {
		return nil, nil
	}
	pages := ec2.NewDescribeSubnetsPaginator(api, &ec2.DescribeSubnetsInput{Filters: inside(vpcs)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the subnets: %w", err)
		}
		for _, s := range page.Subnets {
			out = append(out, scope.part(Subnet, aws.ToString(s.SubnetId), aws.ToString(s.VpcId), s.Tags))
		}
	}
	return out, nil
}

// groupParts list the groups in VPCs of ours, which unusedGroups finds as well:
// here they only keep what a launch with a new one is about to use.
func groupParts(ctx context.Context, api API, scope Scope, vpcs []string) (out []part, err error) {
	if len(vpcs) == 0 {
		return nil, nil
	}
	pages := ec2.NewDescribeSecurityGroupsPaginator(api, &ec2.DescribeSecurityGroupsInput{Filters: inside(vpcs)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the security groups: %w", err)
		}
		for _, g := range page.SecurityGroups {
			if aws.ToString(g.GroupName) != "default" {
				out = append(out, scope.part(SecurityGroup, aws.ToString(g.GroupId), aws.ToString(g.VpcId), g.Tags))
			}
		}
	}
	return out, nil
}

// inside is the filter for what is in VPCs.
func inside(vpcs []string) []types.Filter {
	return []types.Filter{{Name: aws.String("vpc-id"), Values: vpcs}}
}

func networks(ctx context.Context, api API, scope Scope) ([]part, error) {
	var out []part
	pages := ec2.NewDescribeVpcsPaginator(api, &ec2.DescribeVpcsInput{Filters: []types.Filter{instance.Managed()}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the VPCs: %w", err)
		}
		for _, v := range page.Vpcs {
			id := aws.ToString(v.VpcId)
			out = append(out, scope.part(VPC, id, id, v.Tags))
		}
	}
	return out, nil
}

func (s Scope) part(kind Kind, id, vpc string, tags []types.Tag) part {
	m := account.TagMap(tags)
	why := "nothing is in its VPC"
	switch {
	case kind == VPC:
		why = "nothing is in it"
	case vpc == "":
		why = "it is attached to nothing"
	}
	item := s.item(kind, id, why, m)
	item.vpc = vpc
	return part{item, vpc, s.covers(m) && s.settled(id, m)}
}

// attachedTo is the VPC of a gateway; "" where it has none.
func attachedTo(g types.InternetGateway) string {
	if len(g.Attachments) == 0 {
		return ""
	}
	return aws.ToString(g.Attachments[0].VpcId)
}

// inhabited are the VPCs of the parts that have a network interface: that of an
// instance which stays, or of whatever else somebody has put there.
func inhabited(ctx context.Context, api API, scope Scope, parts []part) (map[string]bool, error) {
	there := make(map[string]bool)
	var ids []string
	for _, p := range parts {
		if p.Kind == VPC {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return there, nil
	}
	pages := ec2.NewDescribeNetworkInterfacesPaginator(api, &ec2.DescribeNetworkInterfacesInput{Filters: inside(ids)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the network interfaces: %w", err)
		}
		for _, nic := range page.NetworkInterfaces {
			if !scope.goes(nic) {
				there[aws.ToString(nic.VpcId)] = true
			}
		}
	}
	return there, nil
}

// errInUse says of a gateway what AWS does not: that subnets need it.
var errInUse = errors.New("subnets of its VPC need it")

// deleteGateway detaches and deletes a gateway of a VPC in which there is no
// subnet. A launch makes its subnets first and looks for the gateway then: one
// whose subnets came between the look and the detachment gets it back.
func deleteGateway(ctx context.Context, api API, id string) error {
	out, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{id}})
	if err != nil {
		return err
	}
	for _, g := range out.InternetGateways {
		vpc := attachedTo(g)
		if vpc == "" {
			continue
		}
		if err := needed(ctx, api, vpc); err != nil {
			return err
		}
		_, err := api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: aws.String(id), VpcId: aws.String(vpc)})
		if awserr.IgnoreNotFound(err) != nil {
			return err
		}
		if err := needed(ctx, api, vpc); err != nil {
			_, attachErr := api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: aws.String(id), VpcId: aws.String(vpc)})
			if awserr.IsAlreadyExists(attachErr) {
				attachErr = nil
			}
			return errors.Join(err, attachErr)
		}
	}
	_, err = api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: aws.String(id)})
	return err
}

// needed tells, as an error, that a VPC has subnets, whosever they are.
func needed(ctx context.Context, api API, vpc string) error {
	out, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: inside([]string{vpc})})
	if err != nil {
		return fmt.Errorf("list the subnets of %s: %w", vpc, err)
	}
	var ids []string
	for _, s := range out.Subnets {
		ids = append(ids, aws.ToString(s.SubnetId))
	}
	if len(ids) > 0 {
		return fmt.Errorf("%w: %s", errInUse, strings.Join(ids, ", "))
	}
	return nil
}
