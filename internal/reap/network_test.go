package reap_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// net is a network of ours as a launch leaves it, with one subnet.
type net struct{ vpc, gateway, subnet string }

func newNetwork(t *testing.T, api *ec2.Client, of lifecycle.Origin) net {
	t.Helper()
	ctx := t.Context()
	tags := func(kind types.ResourceType) []types.TagSpecification {
		return []types.TagSpecification{{ResourceType: kind, Tags: account.EC2Tags(of.Tags())}}
	}
	vpc, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.83.0.0/16"), TagSpecifications: tags(types.ResourceTypeVpc)})
	if err != nil {
		t.Fatal(err)
	}
	subnet, err := api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.83.0.0/20"), AvailabilityZone: aws.String("us-east-1a"), TagSpecifications: tags(types.ResourceTypeSubnet)})
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{TagSpecifications: tags(types.ResourceTypeInternetGateway)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{VpcId: vpc.Vpc.VpcId, InternetGatewayId: gateway.InternetGateway.InternetGatewayId})
	if err != nil {
		t.Fatal(err)
	}
	return net{aws.ToString(vpc.Vpc.VpcId), aws.ToString(gateway.InternetGateway.InternetGatewayId), aws.ToString(subnet.Subnet.SubnetId)}
}

// all are the parts in the order in which they are deleted.
func (n net) all() []string { return []string{n.subnet, n.gateway, n.vpc} }

func groupIn(t *testing.T, api *ec2.Client, vpc string, of lifecycle.Origin) string {
	t.Helper()
	out, err := api.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("g"), Description: aws.String("d"), VpcId: aws.String(vpc),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: account.EC2Tags(of.Tags())}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.GroupId)
}

func instanceIn(t *testing.T, api *ec2.Client, subnet string, ends time.Time) string {
	t.Helper()
	out, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro, SubnetId: aws.String(subnet),
		ImageId: aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(ends)}.Tags()),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Instances[0].InstanceId)
}

func find(t *testing.T, api *ec2.Client, s reap.Scope) []reap.Item {
	t.Helper()
	found, err := reap.Find(t.Context(), api, s)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestUnusedNetworkIsFoundWholeAndDeletedInOrder(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		api := c.Target.EC2()
		n := newNetwork(t, api, origin(me, time.Hour))
		group := groupIn(t, api, n.vpc, origin(me, time.Hour))
		found := find(t, api, scope())
		if got, want := ids(found), append([]string{group}, n.all()...); !slices.Equal(got, want) {
			t.Fatalf("found %v, want %v", got, want)
		}
		slices.Reverse(found)
		sweep, err := reap.Clean(t.Context(), api, found, scope())
		if err != nil || len(sweep.Left) != 0 {
			t.Errorf("left %v, error %v", sweep.Left, err)
		}
		for _, o := range sweep.Outcomes {
			if !o.Gone() {
				t.Errorf("%+v", o)
			}
		}
		vpcs, err := api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		if err != nil || len(vpcs.Vpcs) != 1 || !aws.ToBool(vpcs.Vpcs[0].IsDefault) {
			t.Errorf("VPCs %+v (%v)", vpcs.Vpcs, err)
		}
	})
}

// What keeps a network: anything in it that is used, young or not ours.
func TestNetworkIsKeptWhole(t *testing.T) {
	settled := origin(me, time.Hour)
	for name, add := range map[string]func(t *testing.T, api *ec2.Client, n net){
		"an instance": func(t *testing.T, api *ec2.Client, n net) {
			instanceIn(t, api, n.subnet, time.Now().Add(time.Hour))
		},
		"a young group": func(t *testing.T, api *ec2.Client, n net) { groupIn(t, api, n.vpc, origin(me, 0)) },
		"another's group": func(t *testing.T, api *ec2.Client, n net) {
			groupIn(t, api, n.vpc, origin(other, time.Hour))
		},
		"a subnet that spawn did not make": func(t *testing.T, api *ec2.Client, n net) {
			if _, err := api.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: aws.String(n.vpc), CidrBlock: aws.String("10.83.16.0/20")}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			api := cloudtest.Local(t, nil).Target.EC2()
			n := newNetwork(t, api, settled)
			if found := find(t, api, scope()); len(found) != 3 {
				t.Fatalf("before: %v", found)
			}
			add(t, api, n)
			if found := find(t, api, scope()); len(found) != 0 {
				t.Errorf("found %v", found)
			}
		})
	}
	t.Run("its own youth, unless it is of this machine", func(t *testing.T) {
		api := cloudtest.Local(t, nil).Target.EC2()
		n := newNetwork(t, api, origin(me, 0))
		if found := find(t, api, scope()); len(found) != 0 {
			t.Errorf("found %v", found)
		}
		if found := find(t, api, scope(n.all()...)); !slices.Equal(ids(found), n.all()) {
			t.Errorf("found %v", found)
		}
	})
	t.Run("its owner", func(t *testing.T) {
		api := cloudtest.Local(t, nil).Target.EC2()
		newNetwork(t, api, origin(other, time.Hour))
		if found := find(t, api, scope()); len(found) != 0 {
			t.Errorf("found %v", found)
		}
	})
}

// An instance past its deadline takes its network with it, in one go.
func TestOverdueInstanceKeepsNoNetwork(t *testing.T) {
	api := cloudtest.Local(t, nil).Target.EC2()
	n := newNetwork(t, api, origin(me, time.Hour))
	overdue := instanceIn(t, api, n.subnet, time.Now().Add(-time.Minute))
	found := find(t, api, scope())
	if want := append([]string{overdue}, n.all()...); !slices.Equal(ids(found), want) {
		t.Fatalf("found %v, want %v", found, want)
	}
	if sweep, err := reap.Clean(t.Context(), api, found, scope()); err != nil || len(sweep.Left) != 0 {
		t.Errorf("left %v, error %v", sweep.Left, err)
	}
}

func TestGatewayWithoutNetworkIsFound(t *testing.T) {
	api := cloudtest.Local(t, nil).Target.EC2()
	made, err := api.CreateInternetGateway(t.Context(), &ec2.CreateInternetGatewayInput{TagSpecifications: []types.TagSpecification{
		{ResourceType: types.ResourceTypeInternetGateway, Tags: account.EC2Tags(origin(me, time.Hour).Tags())},
	}})
	if err != nil {
		t.Fatal(err)
	}
	found := find(t, api, scope())
	if !slices.Equal(ids(found), []string{aws.ToString(made.InternetGateway.InternetGatewayId)}) {
		t.Errorf("found %v", found)
	}
	if sweep, err := reap.Clean(t.Context(), api, found, scope()); err != nil || len(sweep.Left) != 0 {
		t.Errorf("left %v, error %v", sweep.Left, err)
	}
}

// late is a client for which somebody makes a subnet just when the gateway is
// taken away.
type late struct {
	*ec2.Client
	make func()
}

func (l late) DetachInternetGateway(ctx context.Context, in *ec2.DetachInternetGatewayInput, o ...func(*ec2.Options)) (*ec2.DetachInternetGatewayOutput, error) {
	l.make()
	return l.Client.DetachInternetGateway(ctx, in, o...)
}

// A launch that takes the network up while it is deleted keeps its gateway.
func TestNetworkTakenUpMeanwhileKeepsItsGateway(t *testing.T) {
	api := cloudtest.Local(t, nil).Target.EC2()
	n := newNetwork(t, api, origin(me, time.Hour))
	taken := late{api, func() {
		if _, err := api.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: aws.String(n.vpc), CidrBlock: aws.String("10.83.0.0/20")}); err != nil {
			t.Error(err)
		}
	}}
	for _, o := range reap.Delete(t.Context(), taken, find(t, api, scope())) {
		if o.Err != nil || o.InUse != (o.Kind != reap.Subnet) {
			t.Errorf("%+v", o)
		}
	}
	out, err := api.DescribeInternetGateways(t.Context(), &ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{n.gateway}})
	if err != nil || len(out.InternetGateways[0].Attachments) != 1 {
		t.Errorf("the gateway is %+v (%v)", out, err)
	}
}
