package crash_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/instance"
)

// listing is what an account's region holds: what each thing looks like, by a
// name of its own. What has ended is not in it, nor what stays by design: key
// pairs, roles and the bucket.
type listing map[string]string

func (l listing) add(t *testing.T, kind string, id *string, looks any) {
	t.Helper()
	text, err := json.Marshal(looks)
	if err != nil {
		t.Fatal(err)
	}
	l[kind+" "+aws.ToString(id)] = string(text)
}

// list lists the account as its administrator sees it, with calls of its own:
// what judges cleanup is not the code of cleanup.
func list(t *testing.T, c cloudtest.Cloud) listing {
	t.Helper()
	ctx, api, l := t.Context(), c.Target.EC2(), listing{}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range instances(t, c) {
		if in.State.Name != types.InstanceStateNameTerminated {
			l.add(t, "instance", in.InstanceId, in)
		}
	}
	volumes, err := api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	check(err)
	for _, v := range volumes.Volumes {
		l.add(t, "volume", v.VolumeId, v)
	}
	nics, err := api.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{})
	check(err)
	for _, n := range nics.NetworkInterfaces {
		l.add(t, "network interface", n.NetworkInterfaceId, n)
	}
	requests, err := api.DescribeSpotInstanceRequests(ctx, &ec2.DescribeSpotInstanceRequestsInput{})
	check(err)
	for _, r := range requests.SpotInstanceRequests {
		if r.State == types.SpotInstanceStateOpen || r.State == types.SpotInstanceStateActive {
			l.add(t, "Spot request", r.SpotInstanceRequestId, r)
		}
	}
	groups, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	check(err)
	for _, g := range groups.SecurityGroups {
		l.add(t, "security group", g.GroupId, g)
	}
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	check(err)
	for _, v := range vpcs.Vpcs {
		l.add(t, "VPC", v.VpcId, v)
	}
	subnets, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	check(err)
	for _, s := range subnets.Subnets {
		l.add(t, "subnet", s.SubnetId, s)
	}
	gateways, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	check(err)
	for _, g := range gateways.InternetGateways {
		l.add(t, "internet gateway", g.InternetGatewayId, g)
	}
	schedules, err := account.SchedulerOf(c.Target).ListSchedules(ctx, &scheduler.ListSchedulesInput{})
	check(err)
	for _, s := range schedules.Schedules {
		l.add(t, "schedule", s.Name, s)
	}
	return l
}

// instances are all that the cloud shows, ended ones too.
func instances(t *testing.T, c cloudtest.Cloud) (all []types.Instance) {
	t.Helper()
	out, err := c.Target.EC2().DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Reservations {
		all = append(all, r.Instances...)
	}
	return all
}

// living are the user's instances that have not ended.
func (s *stage) living(t *testing.T) (all []instance.Instance) {
	t.Helper()
	for _, i := range s.launched(t) {
		if !i.State.Ended() {
			all = append(all, i)
		}
	}
	return all
}

// launched are the user's instances, ended ones too.
func (s *stage) launched(t *testing.T) (all []instance.Instance) {
	t.Helper()
	for _, i := range instances(t, s.Cloud) {
		if in := instance.Read(i); in.Tags.Owner == s.userARN {
			all = append(all, in)
		}
	}
	return all
}

// ours are the things in the region that were not there before spawn.
func (s *stage) ours(t *testing.T) (left []string) {
	t.Helper()
	for what := range list(t, s.Cloud) {
		if _, before := s.foreign[what]; !before {
			left = append(left, what)
		}
	}
	slices.Sort(left)
	return left
}

// wantNothingLeft counts: nothing of ours is left, and nothing else was touched.
func (s *stage) wantNothingLeft(t *testing.T, when string) {
	t.Helper()
	if left := s.ours(t); len(left) > 0 {
		t.Errorf("%s: left: %q", when, left)
	}
	s.wantForeignUntouched(t)
}

func (s *stage) wantForeignUntouched(t *testing.T) {
	t.Helper()
	now := list(t, s.Cloud)
	for what, looked := range s.foreign {
		if now[what] != looked {
			t.Errorf("%s is not ours and was touched:\nbefore %s\nnow    %s", what, looked, fmt.Sprint(now[what]))
		}
	}
}
