package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/fault"
)

var home = netip.MustParsePrefix("198.51.100.7/32")

// zones are how many a test's region has, us-east-1.
const zones = 6

// withoutDefaultVPC deletes the default VPC, as somebody has in many an account.
func withoutDefaultVPC(t *testing.T, api *ec2.Client) {
	t.Helper()
	ctx := t.Context()
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}})
	if err != nil || len(vpcs.Vpcs) != 1 {
		t.Fatalf("%v, %v", vpcs, err)
	}
	vpc := vpcs.Vpcs[0].VpcId
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	for _, s := range subnets.Subnets {
		_, e := api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId})
		err = errors.Join(err, e)
	}
	gateways, e := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	err = errors.Join(err, e)
	for _, g := range gateways.InternetGateways {
		_, detach := api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: vpc})
		_, remove := api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
		err = errors.Join(err, detach, remove)
	}
	_, e = api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: vpc})
	if err := errors.Join(err, e); err != nil {
		t.Fatal(err)
	}
}

// between is a client whose calls go through before first, with their input,
// which may do something, or fail instead of the call, and afterwards through
// after, with their output.
func between(c cloudtest.Cloud, before, after func(action string, value any) error) *ec2.Client {
	return ec2.NewFromConfig(c.Target.Config(), func(o *ec2.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("between", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (out middleware.InitializeOutput, metadata middleware.Metadata, err error) {
				action := middleware.GetOperationName(ctx)
				if err := before(action, in.Parameters); err != nil {
					return out, metadata, err
				}
				out, metadata, err = next.HandleInitialize(ctx, in)
				return out, metadata, errors.Join(err, after(action, out.Result))
			}), middleware.Before)
		})
	})
}

func nothing(string, any) error { return nil }

// mustEnsure ensures the network and checks what came of it.
func mustEnsure(t *testing.T, api *ec2.Client, made account.Made) account.Network {
	t.Helper()
	n, err := account.EnsureNetwork(t.Context(), api, home, origin, made)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkWhole checks that the account has exactly one network of ours, that it is
// n, and that it leads to the internet.
func checkWhole(t *testing.T, api *ec2.Client, n account.Network) {
	t.Helper()
	ctx := t.Context()
	ours := []types.Filter{{Name: aws.String("tag:" + lifecycle.TagManaged), Values: []string{"true"}}}
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: ours})
	if err != nil || len(vpcs.Vpcs) != 1 || aws.ToString(vpcs.Vpcs[0].VpcId) != n.VPC {
		t.Fatalf("VPCs %+v, want only %s (%v)", vpcs.Vpcs, n.VPC, err)
	}
	checkTags(t, "VPC", vpcs.Vpcs[0].Tags)
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{n.VPC}}}})
	if err != nil || len(subnets.Subnets) != zones || len(n.Subnets) != zones {
		t.Errorf("%d subnets, %d of them known, want %d (%v)", len(subnets.Subnets), len(n.Subnets), zones, err)
	}
	for _, s := range subnets.Subnets {
		if n.Subnets[aws.ToString(s.AvailabilityZone)] != aws.ToString(s.SubnetId) || !aws.ToBool(s.MapPublicIpOnLaunch) {
			t.Errorf("the subnet of %s is %s (public: %v), known as %s", aws.ToString(s.AvailabilityZone), aws.ToString(s.SubnetId), aws.ToBool(s.MapPublicIpOnLaunch), n.Subnets[aws.ToString(s.AvailabilityZone)])
		}
		checkTags(t, "subnet", s.Tags)
	}
	gateways, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: ours})
	if err != nil || len(gateways.InternetGateways) != 1 || len(gateways.InternetGateways[0].Attachments) != 1 || aws.ToString(gateways.InternetGateways[0].Attachments[0].VpcId) != n.VPC {
		t.Fatalf("gateways %+v (%v)", gateways.InternetGateways, err)
	}
	checkTags(t, "gateway", gateways.InternetGateways[0].Tags)
	tables, err := api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{n.VPC}}}})
	if err != nil || len(tables.RouteTables) != 1 || !slices.ContainsFunc(tables.RouteTables[0].Routes, func(r types.Route) bool {
		return aws.ToString(r.DestinationCidrBlock) == "0.0.0.0/0" && aws.ToString(r.GatewayId) == aws.ToString(gateways.InternetGateways[0].InternetGatewayId) && r.State == types.RouteStateActive
	}) {
		t.Errorf("route tables %+v (%v)", tables.RouteTables, err)
	}
	groups, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: ours})
	if err != nil || len(groups.SecurityGroups) != 1 || aws.ToString(groups.SecurityGroups[0].GroupId) != n.SecurityGroup ||
		aws.ToString(groups.SecurityGroups[0].VpcId) != n.VPC || len(groups.SecurityGroups[0].IpPermissions) != 1 {
		t.Errorf("groups %+v, want only %s in %s, with one rule (%v)", groups.SecurityGroups, n.SecurityGroup, n.VPC, err)
	}
}

func checkTags(t *testing.T, what string, tags []types.Tag) {
	t.Helper()
	m := account.TagMap(tags)
	if read := lifecycle.ReadOrigin(m); !lifecycle.Managed(m) || read.Owner != origin().Owner || read.Launch != "test" || read.Created.IsZero() {
		t.Errorf("%s: tags %v", what, m)
	}
}

// With a default VPC it takes two calls, whether or not the group is there.
func TestDefaultVPCTakesTwoCalls(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		var calls []string
		api := between(c, func(action string, _ any) error { calls = append(calls, action); return nil }, nothing)
		for _, want := range [][]string{
			{"CreateSecurityGroup", "AuthorizeSecurityGroupIngress"},
			{"CreateSecurityGroup", "DescribeSecurityGroups"},
		} {
			calls = nil
			if n := mustEnsure(t, api, new(maker).note); len(n.Subnets) != 0 || n.SecurityGroup == "" {
				t.Errorf("got %+v", n)
			}
			if !slices.Equal(calls, want) {
				t.Errorf("called %v, want %v", calls, want)
			}
		}
	})
}

// moto has no such refusal, so what it judges is the network that comes after.
func TestNetworkIsMadeWhereThereIsNoDefaultVPC(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		withoutDefaultVPC(t, api)
		if c.Local == nil {
			api = between(c, func(_ string, in any) error {
				if create, is := in.(*ec2.CreateSecurityGroupInput); is && create.VpcId == nil {
					return &smithy.GenericAPIError{Code: "VPCIdNotSpecified", Message: "No default VPC for this user"}
				}
				return nil
			}, nothing)
		}
		var m maker
		first := mustEnsure(t, api, m.note)
		if len(m.made) != 1+zones+1+1 || !first.Created {
			t.Errorf("made %q", m.made)
		}
		checkWhole(t, api, first)
		m.made = nil
		if again := mustEnsure(t, api, m.note); again.VPC != first.VPC || again.SecurityGroup != first.SecurityGroup || again.Created || len(m.made) != 0 {
			t.Errorf("again: %+v, made %q", again, m.made)
		}
		checkWhole(t, api, first)
	})
}

func TestTenAtOnceMakeOneNetwork(t *testing.T) {
	for _, lag := range []time.Duration{0, 300 * time.Millisecond} {
		t.Run(fmt.Sprintf("lag %v", lag), func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			api := c.Target.EC2()
			withoutDefaultVPC(t, api)
			if lag > 0 {
				if _, err := c.Local.Faults().Add(fault.Rule{Kind: fault.Lag, Delay: lag}); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]account.Network, 10)
			var all sync.WaitGroup
			for i := range got {
				all.Go(func() {
					n, err := account.EnsureNetwork(t.Context(), api, home, origin, new(maker).note)
					if err != nil {
						t.Error(err)
					}
					got[i] = n
				})
			}
			all.Wait()
			time.Sleep(lag) // so that what was made last is seen below
			for _, n := range got {
				checkWhole(t, api, n)
			}
		})
	}
}

var errKilled = errors.New("the program was killed")

// killedAfter is a client that dies with its program: once it has made its k-th
// call, which takes effect, no answer comes and nothing more is sent.
func killedAfter(c cloudtest.Cloud, k int) *ec2.Client {
	var calls atomic.Int64
	return between(c,
		func(string, any) error {
			if calls.Add(1) > int64(k) {
				return errKilled
			}
			return nil
		},
		func(string, any) error {
			if calls.Load() >= int64(k) {
				return errKilled
			}
			return nil
		})
}

// A launch that dies after any of its calls leaves something that the next one
// completes: nothing is there twice.
func TestNextLaunchCompletesWhatOneLeftHalfMade(t *testing.T) {
	for k := 1; ; k++ {
		died := false
		t.Run(fmt.Sprintf("killed after call %d", k), func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			api := c.Target.EC2()
			withoutDefaultVPC(t, api)
			_, err := account.EnsureNetwork(t.Context(), killedAfter(c, k), home, origin, new(maker).note)
			if died = errors.Is(err, errKilled); !died && err != nil {
				t.Fatal(err)
			}
			checkWhole(t, api, mustEnsure(t, api, new(maker).note))
		})
		if !died {
			if k < 15 {
				t.Errorf("only %d calls were made: nothing was tested", k)
			}
			return
		}
	}
}

// A VPC that a cleanup deletes while a launch takes it up is made again.
func TestNetworkThatVanishesIsMadeAgain(t *testing.T) {
	c := cloudtest.Local(t, nil)
	plain := c.Target.EC2()
	withoutDefaultVPC(t, plain)
	old, err := plain.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.83.0.0/16"), TagSpecifications: []types.TagSpecification{
		{ResourceType: types.ResourceTypeVpc, Tags: account.EC2Tags(origin().Tags())},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	api := between(c, func(action string, _ any) (err error) {
		if action == "CreateSubnet" {
			once.Do(func() { _, err = plain.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: old.Vpc.VpcId}) })
		}
		return err
	}, nothing)
	n := mustEnsure(t, api, new(maker).note)
	if n.VPC == aws.ToString(old.Vpc.VpcId) {
		t.Error("it is still the VPC that was deleted")
	}
	checkWhole(t, plain, n)
}

// Whoever finds another's VPC with a lower id beside the own one takes that and
// leaves nothing of the own one, however far it had come.
func TestLowestVPCWins(t *testing.T) {
	for _, at := range []string{"CreateVpc", "ModifySubnetAttribute", "CreateRoute"} {
		t.Run("another is made after "+at, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			plain := c.Target.EC2()
			withoutDefaultVPC(t, plain)
			own, lower := "", ""
			var once sync.Once
			api := between(c, nothing, func(action string, out any) error {
				if made, is := out.(*ec2.CreateVpcOutput); is && own == "" {
					own = aws.ToString(made.Vpc.VpcId)
				}
				if action == at {
					once.Do(func() { lower = lowerVPC(t, plain, own) })
				}
				return nil
			})
			if n := mustEnsure(t, api, new(maker).note); n.VPC != lower || own == lower {
				t.Errorf("it made %s, another %s, and it took %s", own, lower, n.VPC)
			}
			checkWhole(t, plain, mustEnsure(t, plain, new(maker).note))
		})
	}
}

// lowerVPC makes VPCs, as another launch would, until one has a lower id. Ids
// are random.
func lowerVPC(t *testing.T, api *ec2.Client, than string) string {
	for {
		made, err := api.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.83.0.0/16"), TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeVpc, Tags: account.EC2Tags(origin().Tags())},
		}})
		if err != nil {
			t.Error(err)
			return ""
		}
		if id := aws.ToString(made.Vpc.VpcId); id < than {
			return id
		}
		if _, err := api.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: made.Vpc.VpcId}); err != nil {
			t.Error(err)
		}
	}
}

func TestQuotaOfVPCsIsNamed(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api := c.Target.EC2()
	withoutDefaultVPC(t, api)
	for range 5 {
		if _, err := api.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := account.EnsureNetwork(t.Context(), api, home, origin, new(maker).note)
	if err == nil {
		t.Fatal("a sixth VPC was made")
	}
	vpcs, err := api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if err != nil || len(vpcs.Vpcs) != 5 {
		t.Errorf("%d VPCs (%v)", len(vpcs.Vpcs), err)
	}
}
