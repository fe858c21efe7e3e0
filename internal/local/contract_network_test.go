package local_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// named is a step that begins by giving a name to an id of the test's own.
func named(name, id string, then func(context.Context, *stage) (string, error)) func(context.Context, *stage) (string, error) {
	return func(ctx context.Context, s *stage) (string, error) {
		s.ids[name] = id
		return then(ctx, s)
	}
}

// networkScene makes a VPC with a subnet and a gateway and takes it away again.
func networkScene() scene {
	return scene{name: "network", steps: []step{
		{name: "a VPC that is too large", do: createVpc("x", "10.0.0.0/8"), want: "InvalidVpc.Range"},
		{name: "a VPC that is too small", do: createVpc("x", "10.0.0.0/29"), want: "InvalidVpc.Range"},
		{name: "a VPC of nonsense", do: createVpc("x", "10.0.0.0.0/16"), want: "InvalidParameterValue"},
		{name: "a VPC", do: createVpc("vpc", "10.0.0.0/16"), want: "10.0.0.0/16 default=false 1 tag"},
		{name: "a subnet beside its VPC", do: createSubnet("x", "vpc", "10.1.0.0/24"), want: "InvalidSubnet.Range"},
		{name: "a subnet larger than its VPC", do: createSubnet("x", "vpc", "10.0.0.0/15"), want: "InvalidSubnet.Range"},
		{name: "a subnet of nonsense", do: createSubnet("x", "vpc", "10.0.0/24"), want: "InvalidParameterValue"},
		{name: "a subnet", do: createSubnet("subnet", "vpc", "10.0.1.0/24"), want: "10.0.1.0/24 public=false free=251"},
		{name: "the same subnet", do: createSubnet("x", "vpc", "10.0.1.0/24"), want: "InvalidSubnet.Conflict"},
		{name: "a subnet inside it", do: createSubnet("x", "vpc", "10.0.1.128/25"), want: "InvalidSubnet.Conflict"},
		{name: "a subnet in no VPC", do: named("no vpc", "vpc-00000000000000000", createSubnet("x", "no vpc", "10.0.2.0/24")), want: "InvalidVpcID.NotFound"},
		{name: "public addresses", do: modifySubnet("subnet"), want: "ok"},
		{name: "public addresses are on", do: describeSubnet("subnet"), want: "public=true"},
		{name: "a gateway", do: createGateway("gateway"), want: "0 attachments"},
		{name: "another", do: createGateway("second"), want: "0 attachments"},
		{name: "detach it before it is attached", do: detach("gateway", "vpc"), want: "Gateway.NotAttached"},
		{name: "attach it", do: attach("gateway", "vpc"), want: "ok"},
		{name: "attach it twice", do: attach("gateway", "vpc"), want: "Resource.AlreadyAssociated"},
		{name: "attach another", do: attach("second", "vpc"), want: "InvalidParameterValue", moto: "ok", why: "moto lets a VPC have several gateways"},
		{name: "attach what is none", do: named("no gateway", "igw-00000000000000000", attach("no gateway", "vpc")), want: "InvalidInternetGatewayID.NotFound"},
		{name: "delete it while attached", do: deleteGateway("gateway"), want: "DependencyViolation"},
		{name: "delete the VPC with all in it", do: deleteVpc("vpc"), want: "DependencyViolation"},
	}}
}

// routeScene leads a subnet to a gateway.
func routeScene() scene {
	const local = "10.0.0.0/16>local active CreateRouteTable"
	return scene{name: "routes", steps: []step{
		{name: "a VPC", do: createVpc("vpc", "10.0.0.0/16"), want: "10.0.0.0/16 default=false 1 tag"},
		{name: "a subnet", do: createSubnet("subnet", "vpc", "10.0.1.0/24"), want: "10.0.1.0/24 public=false free=251"},
		{name: "a gateway", do: createGateway("gateway"), want: "0 attachments"},
		{name: "a table", do: createTable("table", "vpc"), want: local},
		{name: "another table", do: createTable("other", "vpc"), want: local},
		{name: "a table in no VPC", do: named("no vpc", "vpc-00000000000000000", createTable("x", "no vpc")), want: "InvalidVpcID.NotFound"},
		{name: "attach the gateway", do: attach("gateway", "vpc"), want: "ok"},
		{name: "a route", do: createRoute("table", "0.0.0.0/0", "gateway"), want: "ok"},
		{name: "the same route", do: createRoute("table", "0.0.0.0/0", "gateway"), want: "RouteAlreadyExists"},
		{name: "a route of nonsense", do: createRoute("table", "0.0.0.0.0/0", "gateway"), want: "InvalidParameterValue"},
		{name: "a route in no table", do: named("no table", "rtb-00000000000000000", createRoute("no table", "0.0.0.0/0", "gateway")), want: "InvalidRouteTableID.NotFound"},
		{name: "associate", do: associate("association", "table", "subnet"), want: "ok"},
		{name: "associate with another table", do: associate("x", "other", "subnet"), want: "Resource.AlreadyAssociated", moto: "ok", why: "moto lets a subnet have several tables"},
		{name: "the table", do: describeTable("table"), want: "0.0.0.0/0>igw active CreateRoute, " + local + "; 1 associations"},
		{name: "delete the table while associated", do: deleteTable("table"), want: "DependencyViolation"},
		{name: "disassociate", do: disassociate("association"), want: "ok"},
		{name: "disassociate again", do: disassociate("association"), want: "InvalidAssociationID.NotFound"},
		{name: "delete the route", do: deleteRoute("table", "0.0.0.0/0"), want: "ok"},
		{name: "delete it again", do: deleteRoute("table", "0.0.0.0/0"), want: "InvalidRoute.NotFound"},
		{name: "delete the table", do: deleteTable("table"), want: "ok"},
		{name: "delete it again", do: deleteTable("table"), want: "InvalidRouteTableID.NotFound"},
		{name: "delete the subnet", do: deleteSubnet("subnet"), want: "ok"},
		{name: "delete it again", do: deleteSubnet("subnet"), want: "InvalidSubnetID.NotFound"},
		{name: "detach the gateway", do: detach("gateway", "vpc"), want: "ok"},
		{name: "delete the gateway", do: deleteGateway("gateway"), want: "ok"},
		{name: "delete it again", do: deleteGateway("gateway"), want: "InvalidInternetGatewayID.NotFound"},
	}}
}

// ruleScene opens and closes a security group.
func ruleScene() scene {
	return scene{name: "rules", steps: []step{
		{name: "a VPC", do: createVpc("vpc", "10.0.0.0/16"), want: "10.0.0.0/16 default=false 1 tag"},
		{name: "a group", do: createGroup("group", "vpc"), want: "ok"},
		{name: "a group of the same name", do: createGroup("x", "vpc"), want: "InvalidGroup.Duplicate"},
		{name: "let in", do: letIn("group", "192.0.2.1/32"), want: "1 rules"},
		{name: "let the same in", do: letIn("group", "192.0.2.1/32"), want: "InvalidPermission.Duplicate"},
		{name: "let nonsense in", do: letIn("group", "192.0.2.300/32"), want: "InvalidParameterValue"},
		{name: "shut out what is not in", do: shutOut("group", "192.0.2.2/32"), want: "InvalidPermission.NotFound"},
		{name: "the group", do: describeGroup("group"), want: "1 in, 1 out"},
		{name: "shut out", do: shutOut("group", "192.0.2.1/32"), want: "ok"},
		{name: "let nothing out", do: letNothingOut("group"), want: "ok"},
		{name: "let nothing out again", do: letNothingOut("group"), want: "InvalidPermission.NotFound"},
		{name: "the group", do: describeGroup("group"), want: "0 in, 0 out"},
		{name: "a group that is none", do: named("no group", "sg-00000000000000000", describeGroup("no group")), want: "InvalidGroup.NotFound"},
		{name: "delete the VPC with the group", do: deleteVpc("vpc"), want: "DependencyViolation", moto: "ok", why: "moto holds no VPC for its groups"},
	}}
}

func modifySubnet(subnet string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.ModifySubnetAttributeInput, ...func(*ec2.Options)) (*ec2.ModifySubnetAttributeOutput, error) {
		return c.ModifySubnetAttribute
	}, func(s *stage) *ec2.ModifySubnetAttributeInput {
		return &ec2.ModifySubnetAttributeInput{SubnetId: s.id(subnet), MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)}}
	})
}

func describeSubnet(subnet string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
		return c.DescribeSubnets
	}, func(s *stage) *ec2.DescribeSubnetsInput {
		return &ec2.DescribeSubnetsInput{SubnetIds: []string{s.ids[subnet]}}
	},
		func(_ *stage, out *ec2.DescribeSubnetsOutput) string {
			return fmt.Sprintf("public=%t", *out.Subnets[0].MapPublicIpOnLaunch)
		})
}

func createGroup(name, vpc string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.CreateSecurityGroupInput, ...func(*ec2.Options)) (*ec2.CreateSecurityGroupOutput, error) {
		return c.CreateSecurityGroup
	}, func(s *stage) *ec2.CreateSecurityGroupInput {
		return &ec2.CreateSecurityGroupInput{GroupName: aws.String("g"), Description: aws.String("d"), VpcId: s.id(vpc)}
	}, func(s *stage, out *ec2.CreateSecurityGroupOutput) string {
		s.ids[name] = *out.GroupId
		return ""
	})
}

func letIn(group, cidr string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.AuthorizeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
		return c.AuthorizeSecurityGroupIngress
	}, func(s *stage) *ec2.AuthorizeSecurityGroupIngressInput {
		return &ec2.AuthorizeSecurityGroupIngressInput{GroupId: s.id(group), IpPermissions: ssh22(cidr)}
	}, func(_ *stage, out *ec2.AuthorizeSecurityGroupIngressOutput) string {
		return fmt.Sprintf("%d rules", len(out.SecurityGroupRules))
	})
}

func shutOut(group, cidr string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.RevokeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error) {
		return c.RevokeSecurityGroupIngress
	}, func(s *stage) *ec2.RevokeSecurityGroupIngressInput {
		return &ec2.RevokeSecurityGroupIngressInput{GroupId: s.id(group), IpPermissions: ssh22(cidr)}
	})
}

func letNothingOut(group string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.RevokeSecurityGroupEgressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupEgressOutput, error) {
		return c.RevokeSecurityGroupEgress
	}, func(s *stage) *ec2.RevokeSecurityGroupEgressInput {
		return &ec2.RevokeSecurityGroupEgressInput{GroupId: s.id(group), IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}},
		}}
	})
}

func describeGroup(group string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error) {
		return c.DescribeSecurityGroups
	}, func(s *stage) *ec2.DescribeSecurityGroupsInput {
		return &ec2.DescribeSecurityGroupsInput{GroupIds: []string{s.ids[group]}}
	}, func(_ *stage, out *ec2.DescribeSecurityGroupsOutput) string {
		return fmt.Sprintf("%d in, %d out", len(out.SecurityGroups[0].IpPermissions), len(out.SecurityGroups[0].IpPermissionsEgress))
	})
}
