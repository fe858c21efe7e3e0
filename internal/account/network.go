package account

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// NetworkAPI is what EnsureNetwork calls.
type NetworkAPI interface {
	DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error)
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
	CreateSecurityGroup(context.Context, *ec2.CreateSecurityGroupInput, ...func(*ec2.Options)) (*ec2.CreateSecurityGroupOutput, error)
	AuthorizeSecurityGroupIngress(context.Context, *ec2.AuthorizeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
}

// Network is where an instance goes.
type Network struct {
	VPC           string
	SecurityGroup string
	Created       bool // the security group is new
}

// EnsureNetwork finds the default VPC and makes sure that it has the security
// group which opens SSH to source and nothing else.
func EnsureNetwork(ctx context.Context, api NetworkAPI, source netip.Prefix, origin lifecycle.Origin, made Made) (Network, error) {
	vpc, err := defaultVPC(ctx, api)
	if err != nil {
		return Network{}, err
	}
	n := Network{VPC: vpc}
	n.SecurityGroup, n.Created, err = ensureSecurityGroup(ctx, api, vpc, source, origin, made)
	return n, err
}

func defaultVPC(ctx context.Context, api NetworkAPI) (string, error) {
	out, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}})
	if err != nil {
		return "", fmt.Errorf("find the default network: %w", err)
	}
	if len(out.Vpcs) == 0 {
		return "", problem.New(problem.Failed, "this account has no default VPC in the region").
			WithNext("make one with: aws ec2 create-default-vpc")
	}
	return aws.ToString(out.Vpcs[0].VpcId), nil
}

// ensureSecurityGroup makes the group, or finds the one that an earlier or a
// concurrent launch made. Its name is its content, and EC2 refuses a second
// group of the same name in a VPC: that is the lock.
func ensureSecurityGroup(ctx context.Context, api NetworkAPI, vpc string, source netip.Prefix, origin lifecycle.Origin, made Made) (id string, created bool, err error) {
	name := SecurityGroupName(source)
	out, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName:         aws.String(name),
		Description:       aws.String("SSH for instances launched by spawn, from " + source.String()),
		VpcId:             aws.String(vpc),
		TagSpecifications: []types.TagSpecification{tagSpecification(types.ResourceTypeSecurityGroup, origin.Tags())},
	})
	switch {
	case err == nil:
		id, created = aws.ToString(out.GroupId), true
		made(SecurityGroup, id)
	case awserr.IsAlreadyExists(err):
		if id, err = findSecurityGroup(ctx, api, vpc, name); err != nil {
			return "", false, err
		}
	default:
		return "", false, fmt.Errorf("create the security group: %w", err)
	}
	return id, created, openSSH(ctx, api, id, source)
}

// SecurityGroupName names a group by what it lets in.
func SecurityGroupName(source netip.Prefix) string { return "spawn-ssh-" + source.String() }

func findSecurityGroup(ctx context.Context, api NetworkAPI, vpc, name string) (string, error) {
	out, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{vpc}},
		{Name: aws.String("group-name"), Values: []string{name}},
	}})
	if err != nil {
		return "", fmt.Errorf("find the security group %s: %w", name, err)
	}
	if len(out.SecurityGroups) == 0 {
		return "", fmt.Errorf("find the security group %s: it exists, and it is not listed", name)
	}
	group := out.SecurityGroups[0]
	if !lifecycle.Managed(TagMap(group.Tags)) {
		return "", problem.New(problem.Failed, "the security group %s (%s) was not made by spawn", name, aws.ToString(group.GroupId)).
			WithNext("rename or delete it; spawn does not change what it did not make")
	}
	return aws.ToString(group.GroupId), nil
}

// openSSH adds the one rule. A group whose maker died before this call gets it
// from the next launch.
func openSSH(ctx context.Context, api NetworkAPI, group string, source netip.Prefix) error {
	rule := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22)}
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
