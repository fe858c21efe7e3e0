package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

// NetworkAPI is what EnsureNetwork calls.
type NetworkAPI interface {
	GroupAPI
	VPCAPI
}

// VPCAPI is what making a network of our own takes, and unmaking one that lost
// the race for being the only one.
type VPCAPI interface {
	DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error)
	CreateVpc(context.Context, *ec2.CreateVpcInput, ...func(*ec2.Options)) (*ec2.CreateVpcOutput, error)
	DeleteVpc(context.Context, *ec2.DeleteVpcInput, ...func(*ec2.Options)) (*ec2.DeleteVpcOutput, error)
	DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error)
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	CreateSubnet(context.Context, *ec2.CreateSubnetInput, ...func(*ec2.Options)) (*ec2.CreateSubnetOutput, error)
	ModifySubnetAttribute(context.Context, *ec2.ModifySubnetAttributeInput, ...func(*ec2.Options)) (*ec2.ModifySubnetAttributeOutput, error)
	DeleteSubnet(context.Context, *ec2.DeleteSubnetInput, ...func(*ec2.Options)) (*ec2.DeleteSubnetOutput, error)
	DescribeInternetGateways(context.Context, *ec2.DescribeInternetGatewaysInput, ...func(*ec2.Options)) (*ec2.DescribeInternetGatewaysOutput, error)
	CreateInternetGateway(context.Context, *ec2.CreateInternetGatewayInput, ...func(*ec2.Options)) (*ec2.CreateInternetGatewayOutput, error)
	AttachInternetGateway(context.Context, *ec2.AttachInternetGatewayInput, ...func(*ec2.Options)) (*ec2.AttachInternetGatewayOutput, error)
	DetachInternetGateway(context.Context, *ec2.DetachInternetGatewayInput, ...func(*ec2.Options)) (*ec2.DetachInternetGatewayOutput, error)
	DeleteInternetGateway(context.Context, *ec2.DeleteInternetGatewayInput, ...func(*ec2.Options)) (*ec2.DeleteInternetGatewayOutput, error)
	DescribeRouteTables(context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error)
	CreateRoute(context.Context, *ec2.CreateRouteInput, ...func(*ec2.Options)) (*ec2.CreateRouteOutput, error)
	DeleteRoute(context.Context, *ec2.DeleteRouteInput, ...func(*ec2.Options)) (*ec2.DeleteRouteOutput, error)
}

// Network is where an instance goes.
type Network struct {
	VPC           string            // "": the default VPC, which need not be named
	Subnets       map[string]string // one for each zone, by the zone's name; none: EC2 takes the default VPC's
	Gateway       string            // of a VPC of our own; "": it is none
	SecurityGroup string
	Created       bool // something of it is new
}

// EnsureNetwork makes sure that there is a security group which opens SSH to
// source and nothing else, in the default VPC or, in a region without one, in a
// VPC of our own.
//
// With a default VPC it is two calls, one after the other: EC2 puts a group that
// names no VPC there, and says so where there is none.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
func EnsureNetwork(ctx context.Context, api NetworkAPI, source netip.Prefix, origin Origin, made Made) (Network, error) {
	n, err := EnsureGroup(ctx, api, "", source, origin, made)
	if !awserr.IsNoDefaultVPC(err) {
		return n, err
	}
	// What a cleanup deletes underneath, or has not come to be known everywhere,
	// is NotFound: then it is ensured again.
	err = settled(ctx, func() (err error) {
		n, err = ensureOwn(ctx, api, source, origin, made)
		return err
	})
	return n, err
}

// ensureOwn ensures our own VPC with the group in it.
func ensureOwn(ctx context.Context, api NetworkAPI, source netip.Prefix, origin Origin, made Made) (Network, error) {
	own := ownNetwork{api: api, origin: origin, made: made}
	vpc, subnets, gateway, err := own.ensure(ctx)
	if err != nil {
		return Network{}, err
	}
	n, err := EnsureGroup(ctx, api, vpc, source, origin, made)
	n.Subnets, n.Gateway, n.Created = subnets, gateway, n.Created || own.built
	return n, err
}

// FindNetwork finds what EnsureNetwork would use of what is there, in the VPC
// that was named or, for "", the default one; the security group is "" when it
// is still to be made. It makes nothing.
func FindNetwork(ctx context.Context, api GroupAPI, vpc string, source netip.Prefix) (Network, error) {
	group, err := findOurGroup(ctx, api, vpc, source)
	switch {
	case awserr.IsNotFound(err) || awserr.IsNoDefaultVPC(err) || errors.Is(err, errUnsettled):
		return Network{VPC: vpc}, nil
	case err != nil:
		return Network{VPC: vpc}, err
	}
	return Network{VPC: vpc, SecurityGroup: aws.ToString(group.GroupId)}, nil
}

// HasDefaultVPC tells whether the region has a default VPC; without one
// EnsureNetwork makes a VPC of our own.
func HasDefaultVPC(ctx context.Context, api VPCAPI) (bool, error) {
	out, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{having("is-default", "true")}})
	if err != nil {
		return false, fmt.Errorf("find the default VPC: %w", err)
	}
	return len(out.Vpcs) > 0, nil
}
