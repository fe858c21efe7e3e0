package launch_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// planned resolves a spec and looks at what it names in the cloud.
func planned(t *testing.T, c cloudtest.Cloud, edit func(*launch.Spec)) (launch.Plan, error) {
	t.Helper()
	s := specOf("t3.micro")
	s.TTL, s.Name = "1h", "it"
	edit(&s)
	p, err := launch.Resolve(s, machine(t))
	if err != nil {
		needAgent(t, err)
		return p, err
	}
	return p.CheckChosen(t.Context(), c.Target.EC2())
}

// launchedAs launches and returns the instance with what was noted.
func launchedAs(t *testing.T, c cloudtest.Cloud, edit func(*launch.Spec)) (types.Instance, string) {
	t.Helper()
	p, err := planned(t, c, edit)
	if err != nil {
		t.Fatal(err)
	}
	notes := p.Notes
	l := launcher(t, c)
	l.Events = func(e launch.Event) {
		if n, is := e.(launch.Noted); is {
			notes = append(notes, n.Text)
		}
	}
	res, err := l.Launch(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range instances(t, c) {
		if aws.ToString(in.InstanceId) == res.Members[0].Instance.ID {
			return in, strings.Join(notes, "\n")
		}
	}
	t.Fatal("there is no instance")
	return types.Instance{}, ""
}

// groupOf makes a security group of the user's own, which lets in what source
// names; "" is the default VPC.
func groupOf(t *testing.T, api *ec2.Client, vpc, source string) string {
	t.Helper()
	in := &ec2.CreateSecurityGroupInput{GroupName: aws.String("theirs " + source), Description: aws.String("d")}
	if vpc != "" {
		in.VpcId = aws.String(vpc)
	}
	out, err := api.CreateSecurityGroup(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: out.GroupId, IpPermissions: []types.IpPermission{
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(20), ToPort: aws.Int32(25), IpRanges: []types.IpRange{{CidrIp: aws.String(source)}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.GroupId)
}

// dropDefaultVPC deletes the default VPC with what is in it.
func dropDefaultVPC(t *testing.T, api *ec2.Client) {
	t.Helper()
	ctx := t.Context()
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	if err != nil {
		t.Fatal(err)
	}
	vpc := vpcs.Vpcs[0].VpcId
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	for _, s := range subnets.Subnets {
		_, e := api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId})
		err = errors.Join(err, e)
	}
	gateways, e := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	err = errors.Join(err, e)
	gateway := gateways.InternetGateways[0].InternetGatewayId
	_, e1 := api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: gateway, VpcId: vpc})
	_, e2 := api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: gateway})
	_, e3 := api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: vpc})
	if err := errors.Join(err, e1, e2, e3); err != nil {
		t.Fatal(err)
	}
}

func TestOwnGroupIsUsedAndNeverChanged(t *testing.T) {
	for source, opens := range map[string]bool{"127.0.0.0/8": true, "0.0.0.0/0": true, "198.51.100.0/24": false} {
		t.Run(source, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			group := groupOf(t, c.Target.EC2(), "", source)
			in, notes := launchedAs(t, c, func(s *launch.Spec) { s.Chosen.Group = group })
			if len(in.SecurityGroups) != 1 || aws.ToString(in.SecurityGroups[0].GroupId) != group {
				t.Errorf("groups %+v", in.SecurityGroups)
			}
			if told := strings.Contains(notes, "does not open SSH"); told == opens {
				t.Errorf("notes: %s", notes)
			}
			groups, err := c.Target.EC2().DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{group}})
			if err != nil || len(groups.SecurityGroups[0].IpPermissions) != 1 {
				t.Errorf("%+v, %v", groups, err)
			}
		})
	}
}

// Without a default VPC the group may be one in the VPC that spawn made.
func TestGroupInOwnVPC(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api := c.Target.EC2()
	dropDefaultVPC(t, api)
	first, _ := launchedAs(t, c, func(*launch.Spec) {})
	group := groupOf(t, api, aws.ToString(first.VpcId), "127.0.0.1/32")
	in, _ := launchedAs(t, c, func(s *launch.Spec) { s.Chosen.Group, s.Chosen.NoPublicIP = group, true })
	if aws.ToString(in.VpcId) != aws.ToString(first.VpcId) || aws.ToString(in.SecurityGroups[0].GroupId) != group || aws.ToString(in.PublicIpAddress) != "" {
		t.Errorf("it is in %s with %+v and has the address %s", aws.ToString(in.VpcId), in.SecurityGroups, aws.ToString(in.PublicIpAddress))
	}
}

func TestZoneWithoutSubnetIsNamed(t *testing.T) {
	c := cloudtest.Local(t, nil)
	dropDefaultVPC(t, c.Target.EC2())
	p, err := planned(t, c, func(s *launch.Spec) { s.Zone = "us-east-1z" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err = launcher(t, c).Launch(t.Context(), p); problem.KindOf(err) != problem.Usage {
		t.Errorf("%v", err)
	}
	wantNoNetwork(t, c)
}

func TestChoicesThatCannotBe(t *testing.T) {
	c := cloudtest.Local(t, nil)
	for name, edit := range map[string]func(*launch.Spec){
		"no subnet's id":         func(s *launch.Spec) { s.Chosen.Subnet = "subnet-x" },
		"no group's id":          func(s *launch.Spec) { s.Chosen.Group = "default" },
		"a group and a network":  func(s *launch.Spec) { s.Chosen.Group, s.Source = "sg-00000000", netip.MustParsePrefix("192.0.2.1/32") },
		"a key pair and a key":   func(s *launch.Spec) { s.Chosen.KeyPair, s.CreateKey = "x", true },
		"a group and two of its": func(s *launch.Spec) { s.Chosen.Subnet, s.Chosen.Group = "subnet-", "sg-" },
	} {
		if _, err := planned(t, c, edit); problem.KindOf(err) != problem.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// wantNoNetwork checks that nothing of a network of ours is left.
func wantNoNetwork(t *testing.T, c cloudtest.Cloud) {
	t.Helper()
	wantNothingLeft(t, c)
	tags, err := c.Target.EC2().DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{
		{Name: aws.String("key"), Values: []string{lifecycle.TagManaged}},
		{Name: aws.String("resource-type"), Values: []string{"vpc", "subnet", "internet-gateway"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags.Tags {
		t.Errorf("the %s %s is left", tag.ResourceType, aws.ToString(tag.ResourceId))
	}
}

// Whenever somebody presses Ctrl-C while a network is made, it is unmade.
func TestInterruptedLaunchLeavesNoNetwork(t *testing.T) {
	for k := int64(4); k <= 28; k += 4 {
		t.Run(fmt.Sprintf("after call %d", k), func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			dropDefaultVPC(t, c.Target.EC2())
			p, err := planned(t, c, func(*launch.Spec) {})
			if err != nil {
				t.Fatal(err)
			}
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			var calls atomic.Int64
			l := launcher(t, c)
			l.EC2 = ec2.NewFromConfig(c.Target.Config(), func(o *ec2.Options) {
				o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
					return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("interrupt", func(
						callCtx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
					) (middleware.InitializeOutput, middleware.Metadata, error) {
						out, metadata, err := next.HandleInitialize(callCtx, in)
						if calls.Add(1) == k {
							interrupt()
						}
						return out, metadata, err
					}), middleware.Before)
				})
			})
			if _, err := l.Launch(ctx, p); problem.KindOf(err) != problem.Interrupted {
				t.Errorf("%v", err)
			}
			wantNoNetwork(t, c)
		})
	}
}

func TestSourceOfIPv6IsTold(t *testing.T) {
	for name, drop := range map[string]bool{"default VPC": false, "own VPC": true} {
		t.Run(name, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			if drop {
				dropDefaultVPC(t, c.Target.EC2())
			}
			in, notes := launchedAs(t, c, func(s *launch.Spec) { s.Source = netip.MustParsePrefix("2001:db8::7/128") })
			groups, err := c.Target.EC2().DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{aws.ToString(in.SecurityGroups[0].GroupId)}})
			if err != nil || len(groups.SecurityGroups[0].IpPermissions[0].Ipv6Ranges) != 1 {
				t.Errorf("%+v, %v", groups, err)
			}
			if !strings.Contains(notes, "IPv6") {
				t.Errorf("notes: %s", notes)
			}
		})
	}
}
