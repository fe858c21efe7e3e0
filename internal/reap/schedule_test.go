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
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/reap"
)

func backstop(t *testing.T, c cloudtest.Cloud) deadline.Cloud {
	t.Helper()
	cloud := deadline.Cloud{
		API: account.SchedulerOf(c.Target), Clock: deadline.Real(c.Local.Clock().Now),
		Who: func(ctx context.Context) (account.Identity, error) {
			return account.Identify(ctx, account.STSOf(c.Target))
		},
	}
	who, err := cloud.Who(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = account.EnsureScheduler(t.Context(), account.IAMOf(c.Target), account.SchedulerOf(c.Target), who, func() lifecycle.Origin { return lifecycle.Origin{} }, func(account.Kind, string) {})
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}

func TestSchedulesWithoutAnInstanceAndInstancesWithoutASchedule(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, cloud := c.Target.EC2(), backstop(t, c)
	group := newGroup(t, api, "g", origin(me, time.Hour).Tags())
	in8h := lifecycle.DeadlineAt(time.Now().Add(8 * time.Hour))
	launch := func(owner string, armed bool) string {
		id := newInstance(t, api, group, lifecycle.InstanceTags{Origin: origin(owner, time.Hour), Deadline: in8h})
		if _, err := instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateRunning)); err != nil {
			t.Fatal(err)
		}
		if armed {
			arm(t, cloud, id, in8h)
		}
		return id
	}
	end := func(id string) {
		if err := instance.Terminate(t.Context(), api, instance.Instance{ID: id}); err != nil {
			t.Fatal(err)
		}
		if _, err := instance.Wait(t.Context(), api, id, instance.In(lifecycle.StateTerminated)); err != nil {
			t.Fatal(err)
		}
	}
	bare := launch(me, false)
	launch(other, false)
	launch(me, true)
	launch(other, true)
	mine, theirs := launch(me, true), launch(other, true)
	end(mine)
	end(theirs)
	untagged := launch(me, true)
	if _, err := api.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{untagged}, Tags: []types.Tag{{Key: aws.String(lifecycle.TagManaged)}}}); err != nil {
		t.Fatal(err)
	}
	const vanished, ofThisMachine = "i-0aaaaaaaaaaaaaaaa", "i-0bbbbbbbbbbbbbbbb"
	arm(t, cloud, vanished, in8h)
	arm(t, cloud, ofThisMachine, in8h)

	wantBackstops(t, c, scope(ofThisMachine), []string{mine, ofThisMachine}, []string{bare})
	later := scope()
	later.Now = later.Now.Add(20 * time.Minute)
	wantBackstops(t, c, later, []string{mine, vanished, ofThisMachine}, []string{bare})

	sweep, err := reap.CleanSchedules(t.Context(), api, cloud, later)
	if err != nil || len(sweep.Left) > 0 || len(sweep.Outcomes) != 3 {
		t.Errorf("%+v, %v", sweep, err)
	}
	found, err := reap.FindBackstops(t.Context(), api, cloud, later)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reap.ArmMissing(t.Context(), api, cloud, found.Missing); err != nil {
		t.Fatal(err)
	}
	wantBackstops(t, c, later, nil, nil)
	if have, err := cloud.Read(t.Context(), bare, ""); err != nil || !have.For(in8h, time.Now()) {
		t.Errorf("%s: %+v, %v", bare, have, err)
	}
	all, err := cloud.List(t.Context())
	if err != nil || len(all) != 5 { // of those that live, of theirs that ended, and of the untagged one
		t.Errorf("%+v, %v", all, err)
	}
}

// TestWhatIsArmedLaterIsWrittenDown: an extension must not take it for missing.
func TestWhatIsArmedLaterIsWrittenDown(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, cloud := c.Target.EC2(), backstop(t, c)
	id := newInstance(t, api, newGroup(t, api, "g", origin(me, time.Hour).Tags()), lifecycle.InstanceTags{Origin: origin(me, time.Hour), Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))})
	missing := account.EC2Tags(map[string]string{lifecycle.TagBackstop: lifecycle.BackstopMissing})
	if _, err := api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: missing}); err != nil {
		t.Fatal(err)
	}
	found, err := reap.FindBackstops(t.Context(), api, cloud, scope())
	if err != nil || len(found.Missing) != 1 || !found.Missing[0].NoBackstop {
		t.Fatalf("%+v, %v", found, err)
	}
	if armed, err := reap.ArmMissing(t.Context(), api, cloud, found.Missing); err != nil || len(armed) != 1 {
		t.Errorf("%+v, %v", armed, err)
	}
	if in, err := instance.Get(t.Context(), api, id); err != nil || in.NoBackstop {
		t.Errorf("%+v, %v", in, err)
	}
}

func arm(t *testing.T, cloud deadline.Cloud, id string, at lifecycle.Deadline) {
	t.Helper()
	if err := cloud.Arm(t.Context(), id, at, ""); err != nil {
		t.Fatal(err)
	}
}

func wantBackstops(t *testing.T, c cloudtest.Cloud, s reap.Scope, loose, missing []string) {
	t.Helper()
	found, err := reap.FindBackstops(t.Context(), c.Target.EC2(), backstop(t, c), s)
	if err != nil {
		t.Fatal(err)
	}
	var bare []string
	for _, in := range found.Missing {
		bare = append(bare, in.ID)
	}
	got := ids(found.Loose)
	slices.Sort(got)
	slices.Sort(loose)
	if !slices.Equal(got, loose) || !slices.Equal(bare, missing) {
		t.Errorf("loose %v, want %v; missing %v, want %v", got, loose, bare, missing)
	}
}
