//go:build unix

package e2e_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// seenNetwork prints what is in the local cloud of networks and keys, a line
// each, and tells whether it knows what was asked for.
func seenNetwork(ts *testscript.TestScript, api *ec2.Client, what string) bool {
	ctx := context.Background()
	switch what {
	case "placements":
		out, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
		ts.Check(err)
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				var groups []string
				for _, g := range i.SecurityGroups {
					groups = append(groups, aws.ToString(g.GroupId))
				}
				fmt.Fprintf(ts.Stdout(), "%s %s vpc=%s subnet=%s zone=%s public=%v key=%s groups=%s\n", account.TagMap(i.Tags)[lifecycle.TagName], i.State.Name, aws.ToString(i.VpcId),
					aws.ToString(i.SubnetId), aws.ToString(i.Placement.AvailabilityZone), aws.ToString(i.PublicIpAddress) != "", aws.ToString(i.KeyName), strings.Join(groups, ","))
			}
		}
	case "vpcs":
		out, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
		ts.Check(err)
		for _, v := range out.Vpcs {
			fmt.Fprintf(ts.Stdout(), "%s default=%v managed=%s\n", aws.ToString(v.VpcId), aws.ToBool(v.IsDefault), account.TagMap(v.Tags)[lifecycle.TagManaged])
		}
	case "subnets":
		out, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
		ts.Check(err)
		for _, s := range out.Subnets {
			fmt.Fprintf(ts.Stdout(), "%s vpc=%s zone=%s managed=%s\n", aws.ToString(s.SubnetId), aws.ToString(s.VpcId), aws.ToString(s.AvailabilityZone), account.TagMap(s.Tags)[lifecycle.TagManaged])
		}
	case "gateways":
		out, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
		ts.Check(err)
		for _, g := range out.InternetGateways {
			fmt.Fprintf(ts.Stdout(), "%s managed=%s\n", aws.ToString(g.InternetGatewayId), account.TagMap(g.Tags)[lifecycle.TagManaged])
		}
	case "security-groups":
		out, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
		ts.Check(err)
		for _, g := range out.SecurityGroups {
			fmt.Fprintf(ts.Stdout(), "%s vpc=%s managed=%s opens %s\n", aws.ToString(g.GroupId), aws.ToString(g.VpcId), account.TagMap(g.Tags)[lifecycle.TagManaged], strings.Join(opens(g), ","))
		}
	case "key-pairs":
		out, err := api.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{})
		ts.Check(err)
		for _, k := range out.KeyPairs {
			fmt.Fprintf(ts.Stdout(), "%s %s imported=%s keep=%s\n", aws.ToString(k.KeyName), k.KeyType, account.TagMap(k.Tags)[lifecycle.TagImported], account.TagMap(k.Tags)[lifecycle.TagKeep])
		}
	default:
		return false
	}
	fmt.Fprintf(ts.Stdout(), "these are the %s\n", what) // a command that prints nothing leaves the last one's output
	return true
}

// opens are the ports and networks that a group lets in.
func opens(g types.SecurityGroup) (out []string) {
	for _, p := range g.IpPermissions {
		for _, r := range p.IpRanges {
			out = append(out, fmt.Sprintf("%d:%s", aws.ToInt32(p.FromPort), aws.ToString(r.CidrIp)))
		}
		for _, r := range p.Ipv6Ranges {
			out = append(out, fmt.Sprintf("%d:%s", aws.ToInt32(p.FromPort), aws.ToString(r.CidrIpv6)))
		}
	}
	return out
}

// noDefaultVPC deletes the default VPC of the script's local cloud, as somebody
// has in many an account: nodefaultvpc.
func noDefaultVPC(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: nodefaultvpc")
	}
	ctx, api := context.Background(), localEC2(ts, awsx.DefaultRegion)
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	ts.Check(err)
	vpc := vpcs.Vpcs[slices.IndexFunc(vpcs.Vpcs, func(v types.Vpc) bool { return aws.ToBool(v.IsDefault) })].VpcId
	inside := []types.Filter{{Name: aws.String("vpc-id"), Values: []string{*vpc}}}
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: inside})
	ts.Check(err)
	for _, s := range subnets.Subnets {
		_, err := api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId})
		ts.Check(err)
	}
	gateways, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	ts.Check(err)
	for _, g := range gateways.InternetGateways {
		_, err := api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: vpc})
		ts.Check(err)
		_, err = api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
		ts.Check(err)
	}
	_, err = api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: vpc})
	ts.Check(err)
}

// network makes a VPC of the user's own in the script's local cloud, with a
// subnet in a zone and a security group that lets nobody in, and puts their ids
// into variables:
//
//	network VPC SUBNET GROUP us-east-1b
func network(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: network <variable of the VPC> <of the subnet> <of the group> <zone>")
	}
	ctx, api := context.Background(), localEC2(ts, awsx.DefaultRegion)
	vpc, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	ts.Check(err)
	subnet, err := api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.0.0.0/24"), AvailabilityZone: aws.String(args[3])})
	ts.Check(err)
	_, err = api.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: subnet.Subnet.SubnetId, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
	ts.Check(err)
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("theirs"), Description: aws.String("theirs"), VpcId: vpc.Vpc.VpcId})
	ts.Check(err)
	ts.Setenv(args[0], aws.ToString(vpc.Vpc.VpcId))
	ts.Setenv(args[1], aws.ToString(subnet.Subnet.SubnetId))
	ts.Setenv(args[2], aws.ToString(group.GroupId))
}

// keyPair imports a new key under a name, whose private key nobody has:
// keypair theirs.
func keyPair(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keypair <name>")
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	ts.Check(err)
	key, err := ssh.NewPublicKey(public)
	ts.Check(err)
	_, err = localEC2(ts, awsx.DefaultRegion).ImportKeyPair(context.Background(), &ec2.ImportKeyPairInput{KeyName: aws.String(args[0]), PublicKeyMaterial: ssh.MarshalAuthorizedKey(key)})
	ts.Check(err)
}
