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

// ChoiceAPI is what looking at the user's own network calls.
type ChoiceAPI interface {
	SubnetAPI
	DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error)
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
}

// Place is a subnet as far as a launch into it depends on it.
type Place struct {
	Subnet, VPC, Zone string
	Public            bool // instances get a public IPv4 address
	IPv6              bool // instances get an IPv6 address
}

func placeOf(s types.Subnet) Place {
	return Place{
		Subnet: aws.ToString(s.SubnetId), VPC: aws.ToString(s.VpcId), Zone: aws.ToString(s.AvailabilityZone),
		Public: aws.ToBool(s.MapPublicIpOnLaunch), IPv6: aws.ToBool(s.AssignIpv6AddressOnCreation),
	}
}

// FindSubnet looks at the subnet that the user named.
func FindSubnet(ctx context.Context, api SubnetAPI, id string) (Place, error) {
	out, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
	switch {
	case awserr.IsNotFound(err) || err == nil && len(out.Subnets) == 0:
		return Place{}, problem.New(problem.NotFound, "there is no subnet %s in the region", id).WithNext("see yours with: aws ec2 describe-subnets")
	case err != nil:
		return Place{}, fmt.Errorf("look at the subnet %s: %w", id, err)
	}
	return placeOf(out.Subnets[0]), nil
}

// DefaultPlaces are the subnets that EC2 chooses from when a request names none,
// by zone; none where there is no default VPC.
func DefaultPlaces(ctx context.Context, api SubnetAPI) (map[string]Place, error) {
	return places(ctx, api, having("default-for-az", "true"))
}

// OwnPlaces are the subnets of a VPC that spawn made, by zone.
func OwnPlaces(ctx context.Context, api SubnetAPI, vpc string) (map[string]Place, error) {
	return places(ctx, api, having("vpc-id", vpc), managed())
}

func places(ctx context.Context, api SubnetAPI, filters ...types.Filter) (map[string]Place, error) {
	found, err := subnetsByZone(ctx, api, filters...)
	out := make(map[string]Place, len(found))
	for zone, s := range found {
		out[zone] = placeOf(s)
	}
	return out, err
}

// Group is a security group that the user named.
type Group struct {
	ID, VPC string
	rules   []types.IpPermission
}

// OpensSSH tells whether source may reach SSH, as far as the group's rules name
// addresses.
func (g Group) OpensSSH(source netip.Prefix) bool { return opensSSH(g.rules, source) }

// FindGroup looks at the security group that the user named.
func FindGroup(ctx context.Context, api ChoiceAPI, id string) (Group, error) {
	out, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	switch {
	case awserr.IsNotFound(err) || err == nil && len(out.SecurityGroups) == 0:
		return Group{}, problem.New(problem.NotFound, "there is no security group %s in the region", id).WithNext("see yours with: aws ec2 describe-security-groups")
	case err != nil:
		return Group{}, fmt.Errorf("look at the security group %s: %w", id, err)
	}
	g := out.SecurityGroups[0]
	return Group{ID: aws.ToString(g.GroupId), VPC: aws.ToString(g.VpcId), rules: g.IpPermissions}, nil
}

// VPCKind says whose a VPC is.
type VPCKind int

// The kinds.
const (
	OtherVPC   VPCKind = iota // the user's
	DefaultVPC                // the region's default one
	OwnVPC                    // spawn's
)

// KindOfVPC tells whose a VPC is.
func KindOfVPC(ctx context.Context, api ChoiceAPI, id string) (VPCKind, error) {
	out, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if err != nil {
		return OtherVPC, fmt.Errorf("look at the VPC %s: %w", id, err)
	}
	for _, v := range out.Vpcs {
		switch {
		case aws.ToBool(v.IsDefault):
			return DefaultVPC, nil
		case lifecycle.Managed(TagMap(v.Tags)):
			return OwnVPC, nil
		}
	}
	return OtherVPC, nil
}
