package account

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// GroupAPI is what EnsureGroup calls.
type GroupAPI interface {
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
	CreateSecurityGroup(context.Context, *ec2.CreateSecurityGroupInput, ...func(*ec2.Options)) (*ec2.CreateSecurityGroupOutput, error)
	AuthorizeSecurityGroupIngress(context.Context, *ec2.AuthorizeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
}

// SecurityGroupName names a group by what it lets in. Together with its VPC,
// in which no other group has the name, this is all that it is.
func SecurityGroupName(source netip.Prefix) string { return "spawn-ssh-" + source.String() }

// EnsureGroup makes sure that a VPC ("": the default one) has the security group
// which opens SSH to source and nothing else. EC2 refuses a second group of the
// same name in a VPC: that is the lock. One whose maker died before it had its
// rule gets it from the next launch, and one that a cleanup deletes meanwhile is
// made again.
func EnsureGroup(ctx context.Context, api GroupAPI, vpc string, source netip.Prefix, origin Origin, made Made) (Network, error) {
	n := Network{VPC: vpc}
	err := settled(ctx, func() error {
		id, err := createGroup(ctx, api, vpc, source, origin)
		if err == nil {
			n.SecurityGroup, n.Created = id, true
			made(SecurityGroup, id)
			return settled(ctx, func() error { return openSSH(ctx, api, id, source) })
		}
		if !awserr.IsAlreadyExists(err) {
			return fmt.Errorf("create the security group: %w", err)
		}
		group, err := findOurGroup(ctx, api, vpc, source)
		n.SecurityGroup = aws.ToString(group.GroupId)
		if err != nil || opensSSH(group.IpPermissions, source) {
			return err
		}
		return openSSH(ctx, api, n.SecurityGroup, source)
	})
	return n, err
}

func createGroup(ctx context.Context, api GroupAPI, vpc string, source netip.Prefix, origin Origin) (id string, err error) {
	in := &ec2.CreateSecurityGroupInput{
		GroupName:         aws.String(SecurityGroupName(source)),
		Description:       aws.String("SSH for instances launched by spawn, from " + source.String()),
		TagSpecifications: []types.TagSpecification{tagSpecification(types.ResourceTypeSecurityGroup, origin().Tags())},
	}
	if vpc != "" {
		in.VpcId = aws.String(vpc)
	}
	out, err := api.CreateSecurityGroup(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.GroupId), nil
}

// findOurGroup finds the group by its name, which in a request by name alone is
// that of a group of the default VPC.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
func findOurGroup(ctx context.Context, api GroupAPI, vpc string, source netip.Prefix) (types.SecurityGroup, error) {
	name := SecurityGroupName(source)
	in := &ec2.DescribeSecurityGroupsInput{GroupNames: []string{name}}
	if vpc != "" {
		in = &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{having("vpc-id", vpc), having("group-name", name)}}
	}
	out, err := api.DescribeSecurityGroups(ctx, in)
	if err != nil {
		return types.SecurityGroup{}, fmt.Errorf("find the security group %s: %w", name, err)
	}
	if len(out.SecurityGroups) == 0 {
		return types.SecurityGroup{}, fmt.Errorf("find the security group %s: %w", name, errUnsettled)
	}
	group := out.SecurityGroups[0]
	if !lifecycle.Managed(TagMap(group.Tags)) {
		return group, problem.New(problem.Failed, "the security group %s (%s) was not made by spawn", name, aws.ToString(group.GroupId)).
			WithNext("rename or delete it, or use it with --security-group %s; spawn does not change what it did not make", aws.ToString(group.GroupId))
	}
	return group, nil
}

const sshPort = 22

func openSSH(ctx context.Context, api GroupAPI, group string, source netip.Prefix) error {
	rule := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(sshPort), ToPort: aws.Int32(sshPort)}
	if source.Addr().Is4() {
		rule.IpRanges = []types.IpRange{{CidrIp: aws.String(source.String())}}
	} else {
		rule.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: aws.String(source.String())}}
	}
	_, err := api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(group), IpPermissions: []types.IpPermission{rule}})
	if err != nil && !awserr.IsAlreadyExists(err) {
		return fmt.Errorf("open SSH to %s: %w", source, err)
	}
	return nil
}

// opensSSH tells whether rules let all of source reach SSH, as far as they name
// addresses: what they say of groups and prefix lists is not looked at.
func opensSSH(rules []types.IpPermission, source netip.Prefix) bool {
	return slices.ContainsFunc(rules, func(rule types.IpPermission) bool {
		return coversSSH(rule) && slices.ContainsFunc(rangesOf(rule), func(open netip.Prefix) bool {
			return open.Bits() <= source.Bits() && open.Contains(source.Addr())
		})
	})
}

// AnyOpensSSH tells whether one of the groups lets source reach SSH, as far as
// their rules name addresses.
func AnyOpensSSH(ctx context.Context, api GroupAPI, groups []string, source netip.Prefix) (bool, error) {
	out, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: groups})
	if err != nil {
		return false, fmt.Errorf("look at the security groups: %w", err)
	}
	return slices.ContainsFunc(out.SecurityGroups, func(g types.SecurityGroup) bool { return opensSSH(g.IpPermissions, source) }), nil
}

// coversSSH tells whether a rule is about SSH. Protocol -1 is all of them, on
// all ports; TCP has the number 6.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
func coversSSH(rule types.IpPermission) bool {
	switch aws.ToString(rule.IpProtocol) {
	case "-1":
		return true
	case "tcp", "6":
		return aws.ToInt32(rule.FromPort) <= sshPort && sshPort <= aws.ToInt32(rule.ToPort)
	}
	return false
}

// rangesOf are the addresses that a rule names. What is none opens nothing.
func rangesOf(rule types.IpPermission) []netip.Prefix {
	var out []netip.Prefix
	add := func(text *string) {
		if p, err := netip.ParsePrefix(aws.ToString(text)); err == nil {
			out = append(out, p)
		}
	}
	for _, r := range rule.IpRanges {
		add(r.CidrIp)
	}
	for _, r := range rule.Ipv6Ranges {
		add(r.CidrIpv6)
	}
	return out
}

func having(name, value string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: []string{value}}
}

// managed is the filter for what spawn made.
func managed() types.Filter { return having("tag:"+lifecycle.TagManaged, "true") }
