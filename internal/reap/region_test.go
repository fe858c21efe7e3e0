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
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/reap"
)

func region(t *testing.T, c cloudtest.Cloud) reap.Region {
	t.Helper()
	who, err := account.Identify(t.Context(), account.STSOf(c.Target))
	if err != nil {
		t.Fatal(err)
	}
	return reap.Region{EC2: c.Target.EC2(), Schedules: backstop(t, c), Store: account.S3Of(c.Target), Groups: account.SchedulerOf(c.Target), Who: who, Name: c.Target.Region}
}

// A stopped instance is told with what its disk costs, and is not deleted; one
// past its deadline is, with what it costs while it runs.
func TestWhatItCostsIsTold(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, r := c.Target.EC2(), region(t, c)
	group := newGroup(t, api, "g", origin(me, time.Hour).Tags())
	stopped := newInstance(t, api, group, lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))})
	in, err := instance.Wait(t.Context(), api, stopped, instance.In(lifecycle.StateRunning))
	if err != nil {
		t.Fatal(err)
	}
	if err := instance.Stop(t.Context(), api, in); err != nil {
		t.Fatal(err)
	}
	if _, err := instance.Wait(t.Context(), api, stopped, instance.In(lifecycle.StateStopped)); err != nil {
		t.Fatal(err)
	}
	s := scope()
	s.Region = c.Target.Region
	found, err := r.Look(t.Context(), s)
	if err != nil || len(found.Left) > 0 || len(found.Costing) != 1 || found.Costing[0].ID != stopped || found.Living != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	// Its volume bears no tag of ours here, so that its size is not seen: unknown
	// is not zero.
	if cost := found.Costing[0].Monthly; cost.Known() {
		t.Errorf("it costs %s", cost)
	}
	volumes, err := instance.Volumes(t.Context(), api, stopped)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{volumes[0].ID}, Tags: account.EC2Tags(origin(me, time.Hour).Tags())}); err != nil {
		t.Fatal(err)
	}
	if found, err = r.Look(t.Context(), s); err != nil || found.Costing[0].Monthly.String() != "$0.64" {
		t.Errorf("8 GiB of gp3 cost %s (%v)", found.Costing[0].Monthly, err)
	}
	s.Now = s.Now.Add(2 * time.Hour)
	found, err = r.Look(t.Context(), s)
	if err != nil || len(found.Costing) > 0 || ids(found.Left)[0] != stopped || reap.Monthly(found.Left).String() != "$0.64" {
		t.Errorf("past its deadline: %+v, %v", found, err)
	}
}

// What is deleted takes the schedules along that would have taken it away, and
// schedules of furniture that is gone go too; one of a group in use stays.
func TestJanitorsGoWithWhatTheyAreFor(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, r := c.Target.EC2(), region(t, c)
	unused := newGroup(t, api, "unused", origin(me, time.Hour).Tags())
	used := newGroup(t, api, "used", origin(me, time.Hour).Tags())
	newInstance(t, api, used, lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))})
	n := newNetwork(t, api, origin(me, time.Hour))
	last := lifecycle.DeadlineAt(time.Now().Add(time.Hour))
	for _, f := range []deadline.Furniture{{Group: unused}, {Group: used}, {Group: "sg-0aaaaaaaaaaaaaaaa"}, {VPC: n.vpc, Gateway: n.gateway, Subnets: []string{n.subnet}}} {
		if err := r.Schedules.Postpone(t.Context(), f, last, true); err != nil {
			t.Fatal(err)
		}
	}
	found, err := r.Look(t.Context(), scope())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ids(found.Left), append([]string{unused}, n.all()...); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v: a schedule that was made just now may be a launch's", got, want)
	}
	sweep, err := r.Clean(t.Context(), found, scope())
	if err != nil || len(sweep.Left) > 0 {
		t.Errorf("%+v, %v", sweep.Left, err)
	}
	later := scope()
	later.Now = later.Now.Add(20 * time.Minute)
	if found, err = r.Look(t.Context(), later); err != nil || !slices.Equal(ids(found.Left), []string{"sg-0aaaaaaaaaaaaaaaa"}) {
		t.Errorf("20 minutes later: %v, %v", ids(found.Left), err)
	}
	all, err := r.Schedules.All(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("schedules: %+v, %v", all, err)
	}
}

// After an end goes what the instance or its launch used, and nothing else.
func TestAfterAnEndGoesWhatItUsed(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, r := c.Target.EC2(), region(t, c)
	group := newGroup(t, api, "g", origin(me, time.Hour).Tags())
	elsewhere := lifecycle.Origin{Owner: me, Launch: "another", Created: time.Now().Add(-time.Hour)}
	newGroup(t, api, "unused, of another launch", elsewhere.Tags())
	newGroup(t, api, "foreign", nil)
	one := newInstance(t, api, group, lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))})
	two := newInstance(t, api, group, lifecycle.InstanceTags{Origin: elsewhere, Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))})
	groups := func() int {
		out, err := api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{{Name: aws.String("group-name"), Values: []string{"g", "unused, of another launch", "foreign"}}}})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.SecurityGroups)
	}
	for i, id := range []string{one, two} {
		in, err := instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateRunning))
		if err != nil {
			t.Fatal(err)
		}
		if err := instance.Terminate(t.Context(), api, in); err != nil {
			t.Fatal(err)
		}
		if _, err := instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateTerminated)); err != nil {
			t.Fatal(err)
		}
		if sweep, err := reap.CleanAfter(t.Context(), api, r.Schedules, []instance.Instance{in}, scope()); err != nil || len(sweep.Left) > 0 {
			t.Errorf("%+v, %v", sweep, err)
		}
		if want := []int{3, 1}[i]; groups() != want {
			t.Errorf("after %d ends there are %d groups, want %d", i+1, groups(), want)
		}
	}
}
