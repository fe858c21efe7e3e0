package launch_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// janitors are the schedules that take furniture away.
func janitors(t *testing.T, c cloudtest.Cloud) (names []string) {
	t.Helper()
	all, err := backstop(c).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Furniture != "" {
			names = append(names, s.Name)
		}
	}
	return names
}

// advance moves the cloud's time on, and lets the target see it.
func advance(t *testing.T, c cloudtest.Cloud, by time.Duration) {
	t.Helper()
	if err := c.Local.Clock().Advance(by); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Target.EC2().DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}); err != nil {
		t.Fatal(err)
	}
}

// A launch whose deadline is hardly later than the last one asks nothing; one
// whose deadline is much later puts the janitor off, after RunInstances.
func TestAJanitorIsPutOffOnlyWhenItIsTooEarly(t *testing.T) {
	h := newHousehold(t)
	h.launch(t)
	group := janitors(t, h.cloud)
	if len(group) != 1 || !strings.HasPrefix(group[0], "sg-") {
		t.Fatalf("janitors: %v", group)
	}
	advance(t, h.cloud, 20*time.Minute)
	asked := func(calls []tape.Call) (names []string) {
		for _, c := range calls {
			if c.Service == "scheduler" && c.Action != "CreateSchedule" && c.Action != "" { // a client's first call after a jump in time is refused by its date
				names = append(names, c.Action)
			}
		}
		return names
	}
	if got := asked(h.launch(t)); len(got) > 0 {
		t.Errorf("20 minutes later: %v", got)
	}
	advance(t, h.cloud, 20*time.Minute)
	calls := h.launch(t)
	if got := asked(calls); !slices.Equal(got, []string{"GetSchedule", "UpdateSchedule", "GetSchedule"}) {
		t.Errorf("40 minutes later: %v", got)
	}
	run := slices.IndexFunc(calls, func(c tape.Call) bool { return c.Action == "RunInstances" })
	if first := asked(calls[:run]); len(first) > 0 {
		t.Errorf("it asked before RunInstances: %v", first)
	}
}

// A launch that fails after all takes its janitors back with what it made.
func TestUndoRemovesTheJanitors(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	l.Patience = time.Minute
	ctx, interrupt := context.WithCancel(t.Context())
	var made atomic.Int32
	remove := c.Local.Tape().AddHook(func(p tape.Point, call tape.Call) tape.Verdict {
		if p == tape.After && call.Action == "CreateSchedule" && made.Add(1) == 2 { // the instance's and the group's
			interrupt()
		}
		return tape.Continue
	})
	defer remove()
	if _, err := l.Launch(ctx, plan(t)); err == nil || made.Load() != 2 {
		t.Fatalf("%d schedules were made: %v", made.Load(), err)
	}
	wantNothingLeft(t, c)
	if names := janitors(t, c); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
}

// What the user chose, and what nobody wants to be taken away, has no janitor.
func TestNoJanitorWhereNoneIsWanted(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	l.NoJanitor = true
	if _, err := l.Launch(t.Context(), plan(t)); err != nil {
		t.Fatal(err)
	}
	if names := janitors(t, c); len(names) > 0 {
		t.Errorf("there are %v", names)
	}
}

// The role of the schedules takes away what spawn made and nobody keeps, and
// nothing else: EC2 refuses the rest.
func TestTheJanitorsMayTakeNothingElseAway(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api := c.Target.EC2()
	vpcs, err := api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if err != nil {
		t.Fatal(err)
	}
	group := func(name string, tags map[string]string) string {
		out, err := api.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String(name), Description: aws.String("d"), VpcId: vpcs.Vpcs[0].VpcId})
		if err != nil {
			t.Fatal(err)
		}
		if len(tags) > 0 {
			if _, err := api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{aws.ToString(out.GroupId)}, Tags: account.EC2Tags(tags)}); err != nil {
				t.Fatal(err)
			}
		}
		return aws.ToString(out.GroupId)
	}
	ours := group("ours", map[string]string{lifecycle.TagManaged: "true"})
	foreign := group("foreign", nil)
	kept := group("kept", map[string]string{lifecycle.TagManaged: "true", lifecycle.TagKeep: "true"})
	who, err := account.Identify(t.Context(), account.STSOf(c.Target))
	if err != nil {
		t.Fatal(err)
	}
	if err := account.EnsureScheduler(t.Context(), account.IAMOf(c.Target), account.SchedulerOf(c.Target), who, func() lifecycle.Origin { return lifecycle.Origin{} }, func(account.Kind, string) {}); err != nil {
		t.Fatal(err)
	}
	last := lifecycle.DeadlineAt(c.Local.Clock().Now())
	for _, id := range []string{ours, foreign, kept, "vpc"} {
		f := deadline.Furniture{Group: id}
		if id == "vpc" {
			f = deadline.Furniture{VPC: aws.ToString(vpcs.Vpcs[0].VpcId)}
		}
		if err := backstop(c).Postpone(t.Context(), f, last, true); err != nil {
			t.Fatal(err)
		}
	}
	advance(t, c, 2*time.Hour)
	out, err := api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, g := range out.SecurityGroups {
		there = append(there, aws.ToString(g.GroupName))
	}
	slices.Sort(there)
	if !slices.Equal(there, []string{"default", "foreign", "kept"}) {
		t.Errorf("there are %v", there)
	}
	refused := 0
	for _, call := range c.Local.Tape().Calls(0) {
		if strings.Contains(call.Principal, permissions.SchedulerRole) && call.Error == "UnauthorizedOperation" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("nobody tried")
	}
}

// Once the janitors of a network of spawn's own may have begun, a launch that
// remembers it looks again: its gateway may be gone and its subnets not.
func TestANetworkThatMayBeGoingIsLookedAtAgain(t *testing.T) {
	c := cloudtest.Local(t, nil)
	dropDefaultVPC(t, c.Target.EC2())
	l := launcher(t, c)
	l.Cache = account.Cache{Dir: t.TempDir(), Endpoint: l.Endpoint, Caller: "me", Now: time.Now}
	launched := func() {
		if _, err := l.Launch(t.Context(), plan(t)); err != nil {
			t.Fatal(err)
		}
	}
	launched()
	end(t, c, instances(t, c)[0])
	names := janitors(t, c)
	if len(names) != 10 { // a group, six subnets, twice the gateway, the VPC
		t.Errorf("janitors: %v", names)
	}
	for _, name := range names { // as if they had come as far as the gateway, and the subnets were in use
		if err := backstop(c).Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	advance(t, c, 2*time.Hour+time.Minute)
	takeGatewayAway(t, c.Target.EC2())
	launched()
	gateways, err := c.Target.EC2().DescribeInternetGateways(t.Context(), &ec2.DescribeInternetGatewaysInput{})
	if err != nil || len(gateways.InternetGateways) != 1 || len(gateways.InternetGateways[0].Attachments) != 1 {
		t.Errorf("%+v, %v", gateways, err)
	}
}

func takeGatewayAway(t *testing.T, api *ec2.Client) {
	t.Helper()
	out, err := api.DescribeInternetGateways(t.Context(), &ec2.DescribeInternetGatewaysInput{})
	if err != nil || len(out.InternetGateways) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	g := out.InternetGateways[0]
	if _, err := api.DetachInternetGateway(t.Context(), &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: g.Attachments[0].VpcId}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.DeleteInternetGateway(t.Context(), &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId}); err != nil {
		t.Fatal(err)
	}
}
