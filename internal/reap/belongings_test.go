package reap_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// persistent launches an instance of a persistent Spot request.
func persistent(t *testing.T, api *ec2.Client, of lifecycle.Origin, ends time.Time) (id, request string) {
	t.Helper()
	out, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeM7iLarge,
		ImageId: aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
		InstanceMarketOptions: &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{
			SpotInstanceType: types.SpotInstanceTypePersistent, InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop,
		}},
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(lifecycle.InstanceTags{Origin: of, Deadline: lifecycle.DeadlineAt(ends)}.Tags())},
			{ResourceType: types.ResourceTypeSpotInstancesRequest, Tags: account.EC2Tags(of.Tags())},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := out.Instances[0]
	if _, err := instance.Wait(t.Context(), api, aws.ToString(in.InstanceId), instance.In(lifecycle.StateRunning)); err != nil {
		t.Fatal(err)
	}
	return aws.ToString(in.InstanceId), aws.ToString(in.SpotInstanceRequestId)
}

func requestState(t *testing.T, api *ec2.Client, id string) types.SpotInstanceState {
	t.Helper()
	out, err := api.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return out.SpotInstanceRequests[0].State
}

// A persistent Spot request outlives its instance and starts another one: it goes
// before the instance, and when the instance has gone. One whose instance lives
// is left alone, and so is another's.
func TestPersistentRequestsGoBeforeTheyStartAnother(t *testing.T) {
	api := cloudtest.Local(t, nil).Target.EC2()
	mine, theirs := origin(me, time.Hour), origin(other, time.Hour)
	_, living := persistent(t, api, mine, time.Now().Add(time.Hour))
	overdue, request := persistent(t, api, mine, time.Now().Add(-time.Minute))
	_, foreign := persistent(t, api, theirs, time.Now().Add(-time.Minute))
	found := find(t, api, scope())
	if got := ids(found); !slices.Equal(got, []string{overdue, request}) {
		t.Fatalf("found %v, want %s and %s", got, overdue, request)
	}
	sweep, err := reap.Clean(t.Context(), api, found, scope())
	if err != nil || len(sweep.Left) > 0 || sweep.Outcomes[0].Kind != reap.SpotRequest {
		t.Errorf("%+v, %v", sweep, err)
	}
	want := map[string]types.SpotInstanceState{living: types.SpotInstanceStateActive, request: types.SpotInstanceStateCancelled, foreign: types.SpotInstanceStateActive}
	for id, state := range want {
		if got := requestState(t, api, id); got != state {
			t.Errorf("%s is %s, want %s", id, got, state)
		}
	}
	running := 0
	all, err := instance.List(t.Context(), api)
	for _, in := range all {
		if !in.State.Ended() {
			running++
		}
	}
	if err != nil || running != 2 {
		t.Errorf("%d instances are there (%v)", running, err)
	}
}

// The local cloud's interfaces die with their instances, so that moto alone can
// show one that does not.
func TestInterfacesThatAreAttachedToNothingGo(t *testing.T) {
	api := cloudtest.Moto(t).Target.EC2()
	subnets, err := api.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	add := func(tags map[string]string) string {
		out, err := api.CreateNetworkInterface(t.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: subnets.Subnets[0].SubnetId, TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeNetworkInterface, Tags: account.EC2Tags(tags)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.NetworkInterface.NetworkInterfaceId)
	}
	loose := add(origin(me, time.Hour).Tags())
	add(origin(other, time.Hour).Tags())
	add(map[string]string{"Name": "foreign"})
	found := find(t, api, scope())
	if got := ids(found); !slices.Equal(got, []string{loose}) {
		t.Fatalf("found %v, want %s", got, loose)
	}
	if sweep, err := reap.Clean(t.Context(), api, found, scope()); err != nil || len(sweep.Left) > 0 {
		t.Errorf("%+v, %v", sweep, err)
	}
	left, err := api.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{})
	if err != nil || len(left.NetworkInterfaces) != 2 {
		t.Errorf("%d are left (%v)", len(left.NetworkInterfaces), err)
	}
}

// With AllOwners everybody's belongings and furniture go, but no instance of
// another's, whatever its deadline.
func TestOfOthersOnlyRemainsGo(t *testing.T) {
	api := cloudtest.Local(t, nil).Target.EC2()
	unused := newGroup(t, api, "theirs", origin(other, time.Hour).Tags())
	used := newGroup(t, api, "used", origin(other, time.Hour).Tags())
	kept := origin(me, time.Hour).Tags()
	kept[lifecycle.TagKeep] = "true"
	newGroup(t, api, "kept", kept)
	newGroup(t, api, "young", origin(other, 0).Tags())
	newInstance(t, api, used, lifecycle.InstanceTags{Origin: origin(other, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(-time.Minute))})
	s := scope()
	if found := find(t, api, s); len(found) > 0 {
		t.Errorf("without AllOwners: %v", found)
	}
	s.AllOwners = true
	if found := find(t, api, s); !slices.Equal(ids(found), []string{unused}) {
		t.Errorf("found %v, want %s", found, unused)
	}
}

// What is to be kept is kept past its deadline too; its own layers end it.
func TestAKeptInstanceIsNotReaped(t *testing.T) {
	api := cloudtest.Local(t, nil).Target.EC2()
	id := newInstance(t, api, newGroup(t, api, "g", origin(me, time.Hour).Tags()), lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(-time.Minute))})
	if found := find(t, api, scope()); len(found) != 2 {
		t.Fatalf("before: %v", found)
	}
	if _, err := api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: account.EC2Tags(map[string]string{lifecycle.TagKeep: "true"})}); err != nil {
		t.Fatal(err)
	}
	if found := find(t, api, scope()); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}
