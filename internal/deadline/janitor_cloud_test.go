package deadline_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const someGroup = "sg-0123456789abcdef0"

func janitorOf(t *testing.T, c cloudtest.Cloud, name string) *scheduler.GetScheduleOutput {
	t.Helper()
	out, err := account.SchedulerOf(c.Target).GetSchedule(t.Context(), &scheduler.GetScheduleInput{GroupName: aws.String("spawn"), Name: aws.String(name)})
	noError(t, err)
	return out
}

func wantJanitor(t *testing.T, c cloudtest.Cloud, last lifecycle.Deadline) {
	t.Helper()
	if got := aws.ToTime(janitorOf(t, c, someGroup).StartDate); !got.Equal(deadline.JanitorFrom(last)) {
		t.Errorf("it begins at %v, not at %v", got, deadline.JanitorFrom(last))
	}
}

func after(d time.Duration) lifecycle.Deadline { return lifecycle.DeadlineAt(first.Time().Add(d)) }

func TestAJanitorIsPutOffAndNeverBroughtForward(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud, f := layer(t, c), deadline.Furniture{Group: someGroup}
	for _, step := range []struct {
		last, want time.Duration
		fresh      bool
	}{{0, 0, true}, {2 * time.Hour, 2 * time.Hour, false}, {time.Hour, 2 * time.Hour, false}, {time.Hour, 2 * time.Hour, true}, {3 * time.Hour, 3 * time.Hour, true}} {
		noError(t, cloud.Postpone(t.Context(), f, after(step.last), step.fresh))
		wantJanitor(t, c, after(step.want))
	}
	got := janitorOf(t, c, someGroup)
	if got.ActionAfterCompletion != types.ActionAfterCompletionDelete || !aws.ToTime(got.EndDate).After(*got.StartDate) {
		t.Errorf("it never ends: %+v", got)
	}
}

// overwritten is Scheduler when somebody else, who had looked earlier, writes over
// the first change at once.
type overwritten struct {
	deadline.Schedules
	once sync.Once
	with time.Time
}

func (w *overwritten) UpdateSchedule(ctx context.Context, in *scheduler.UpdateScheduleInput, o ...func(*scheduler.Options)) (*scheduler.UpdateScheduleOutput, error) {
	out, err := w.Schedules.UpdateSchedule(ctx, in, o...)
	w.once.Do(func() {
		theirs := *in
		theirs.StartDate, theirs.ClientToken = aws.Time(w.with), aws.String("theirs")
		_, err = w.Schedules.UpdateSchedule(ctx, &theirs, o...)
	})
	return out, err
}

// Of two that put a janitor off at the same moment, the later time wins: whoever
// wrote looks at it once more.
func TestOfTwoTheLaterWins(t *testing.T) {
	for _, theirs := range []time.Duration{2 * time.Hour, 6 * time.Hour} {
		c := cloudtest.Local(t, nil)
		cloud, f := layer(t, c), deadline.Furniture{Group: someGroup}
		noError(t, cloud.Postpone(t.Context(), f, first, true))
		cloud.API = &overwritten{Schedules: cloud.API, with: deadline.JanitorFrom(after(theirs))}
		noError(t, cloud.Postpone(t.Context(), f, after(4*time.Hour), false))
		wantJanitor(t, c, after(max(theirs, 4*time.Hour)))
	}
}

// One that somebody switched off stays so.
func TestAJanitorThatIsSwitchedOffStaysSo(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud, f := layer(t, c), deadline.Furniture{Group: someGroup}
	noError(t, cloud.Postpone(t.Context(), f, first, true))
	got := janitorOf(t, c, someGroup)
	_, err := account.SchedulerOf(c.Target).UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
		Name: got.Name, GroupName: got.GroupName, ScheduleExpression: got.ScheduleExpression, StartDate: got.StartDate, EndDate: got.EndDate,
		FlexibleTimeWindow: got.FlexibleTimeWindow, Target: got.Target, State: types.ScheduleStateDisabled,
	})
	noError(t, err)
	noError(t, cloud.Postpone(t.Context(), f, after(5*time.Hour), false))
	if now := janitorOf(t, c, someGroup); now.State != types.ScheduleStateDisabled || !now.StartDate.Equal(*got.StartDate) {
		t.Errorf("%s from %v", now.State, now.StartDate)
	}
}

// An extension puts off what is there, and makes nothing.
func TestOnlyKnownJanitorsArePutOff(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud := layer(t, c)
	const vpc, other = "vpc-0123456789abcdef0", "sg-0fedcba9876543210"
	f := deadline.Furniture{Group: someGroup, VPC: vpc, Gateway: "igw-0123456789abcdef0", Subnets: []string{"subnet-0123456789abcdef0"}}
	noError(t, cloud.PostponeKnown(t.Context(), []string{someGroup}, vpc, first))
	if names := left(t, c); len(names) > 0 {
		t.Errorf("made: %v", names)
	}
	noError(t, cloud.Postpone(t.Context(), f, first, true))
	noError(t, cloud.PostponeKnown(t.Context(), []string{someGroup, other}, vpc, after(3*time.Hour)))
	wantJanitor(t, c, after(3*time.Hour))
	names := left(t, c)
	if len(names) != 5 {
		t.Errorf("there are %v", names)
	}
	for _, name := range names {
		if start := aws.ToTime(janitorOf(t, c, name).StartDate); start.Before(deadline.JanitorFrom(after(3 * time.Hour))) {
			t.Errorf("%s begins at %v", name, start)
		}
	}
	for _, id := range []string{f.Group, f.VPC, f.Gateway, f.Subnets[0]} {
		noError(t, cloud.Dismiss(t.Context(), f, id))
	}
	if names := left(t, c); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
}
