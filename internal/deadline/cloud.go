package deadline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// Schedules is what the cloud's layer calls.
type Schedules interface {
	CreateSchedule(context.Context, *scheduler.CreateScheduleInput, ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error)
	GetSchedule(context.Context, *scheduler.GetScheduleInput, ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error)
	UpdateSchedule(context.Context, *scheduler.UpdateScheduleInput, ...func(*scheduler.Options)) (*scheduler.UpdateScheduleOutput, error)
	DeleteSchedule(context.Context, *scheduler.DeleteScheduleInput, ...func(*scheduler.Options)) (*scheduler.DeleteScheduleOutput, error)
	ListSchedules(context.Context, *scheduler.ListSchedulesInput, ...func(*scheduler.Options)) (*scheduler.ListSchedulesOutput, error)
}

// Clock tells the service's time and waits.
type Clock interface {
	Now() time.Time
	Sleep(context.Context, time.Duration) error
}

// Cloud is the cloud's layer of the deadlines of a region: EventBridge Scheduler
// ends an instance that is stopped, hibernated or hung, with nobody's machine on.
type Cloud struct {
	API   Schedules
	Clock Clock
	Who   func(context.Context) (account.Identity, error) // whose account: asked for when a schedule is written
	// Prepare makes the role and the group when they are found missing. Nil:
	// they were just made, and it is only a matter of seconds until Scheduler
	// sees the role.
	Prepare func(context.Context) error
}

// A new role takes seconds until Scheduler may take it. The same request is sent
// again until then.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
const (
	rolePatience = 60 * time.Second
	firstPause   = time.Second
	lastPause    = 5 * time.Second
)

// Arm lets the cloud end an instance a while after its deadline, and before that
// cancel its persistent Spot request, if it has one. An instance that is armed
// already gets this deadline.
func (c Cloud) Arm(ctx context.Context, instance string, at lifecycle.Deadline, request string) error {
	if err := c.write(ctx, instance, at, request, c.create, c.update); err != nil {
		return fmt.Errorf("let the cloud end %s: %w", instance, err)
	}
	return nil
}

// Move gives what is armed another deadline. What is not armed is armed by it.
func (c Cloud) Move(ctx context.Context, instance string, at lifecycle.Deadline, request string) error {
	if err := c.write(ctx, instance, at, request, c.update, c.create); err != nil {
		return fmt.Errorf("move the cloud's end of %s: %w", instance, err)
	}
	return nil
}

// attempt writes a schedule in one of two ways.
type attempt func(context.Context, schedule) error

// write writes an instance's schedules side by side, each in the way that is
// likely right, then in the other.
func (c Cloud) write(ctx context.Context, instance string, at lifecycle.Deadline, request string, first, second attempt) error {
	who, err := c.Who(ctx)
	if err != nil {
		return err
	}
	role := permissions.SchedulerRoleARN(who.Partition, who.Account)
	all, allCtx := errgroup.WithContext(ctx)
	for _, s := range schedules(instance, request, at, c.Clock.Now(), role) {
		all.Go(func() error { return eitherWay(allCtx, s, first, second) })
	}
	return all.Wait()
}

// errOtherWay says that a schedule must be written in the other way: it is there
// already, or it is not.
var errOtherWay = errors.New("the schedule came or went meanwhile")

// eitherWay takes turns between two ways, because somebody else may be making or
// deleting the same schedule.
func eitherWay(ctx context.Context, s schedule, first, second attempt) error {
	err := errOtherWay
	for _, try := range []attempt{first, second, first, second} {
		if err = try(ctx, s); !errors.Is(err, errOtherWay) {
			return err
		}
	}
	return err
}

// create makes a schedule.
func (c Cloud) create(ctx context.Context, s schedule) error {
	return c.insist(ctx, func() error {
		_, err := c.API.CreateSchedule(ctx, s.create())
		if awserr.IsAlreadyExists(err) {
			return fmt.Errorf("%w: %w", errOtherWay, err)
		}
		return err
	})
}

// update moves a schedule.
func (c Cloud) update(ctx context.Context, s schedule) error {
	return c.insist(ctx, func() error {
		_, err := c.API.UpdateSchedule(ctx, s.update())
		if awserr.IsNotFound(err) || awserr.IsAlreadyExists(err) { // the latter: somebody else is changing it
			return fmt.Errorf("%w: %w", errOtherWay, err)
		}
		return err
	})
}

// insist sends a request until Scheduler may take the role, for a bounded time.
// A role or a group that is not there is made on the way, once. That may be
// refused in part and still be enough, because an administrator made the rest.
func (c Cloud) insist(ctx context.Context, send func() error) error {
	prepared := c.Prepare == nil
	var failed error
	until := c.Clock.Now().Add(rolePatience)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := send()
		unprepared := awserr.IsRoleNotReady(err) || awserr.IsNotFound(err)
		switch {
		case !unprepared || errors.Is(err, errOtherWay):
			return err
		case failed != nil:
			return fmt.Errorf("%w (without it: %w)", failed, err)
		case !prepared:
			prepared, failed = true, c.Prepare(ctx)
			continue
		case !c.Clock.Now().Before(until):
			return err
		}
		if err := c.Clock.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// Disarm removes an instance's schedules; spot says that it came from a Spot
// request, which may have one of its own. What is gone already is no error.
func (c Cloud) Disarm(ctx context.Context, instance string, spot bool) error {
	names := []string{endName(instance)}
	if spot {
		names = append(names, cancelName(instance))
	}
	all, allCtx := errgroup.WithContext(ctx)
	for _, name := range names {
		all.Go(func() error { return c.Delete(allCtx, name) })
	}
	return all.Wait()
}

// Delete removes one schedule, by its name.
func (c Cloud) Delete(ctx context.Context, name string) error {
	_, err := c.API.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{GroupName: aws.String(permissions.ScheduleGroup), Name: aws.String(name)})
	if err = awserr.IgnoreNotFound(err); err != nil {
		return fmt.Errorf("remove the schedule %s: %w", name, err)
	}
	return nil
}

// Armed is what the cloud will do to an instance. One without From is nothing.
type Armed struct {
	From    time.Time // when it begins to end the instance
	Until   time.Time // when it gives up
	Written time.Time // when somebody last wrote it
}

// On tells that the cloud will end the instance, or is at it.
func (a Armed) On(now time.Time) bool { return !a.From.IsZero() && now.Before(a.Until) }

// For tells that it does so for a deadline, and neither earlier nor later; where
// the deadline is past, as soon as that could be arranged.
func (a Armed) For(at lifecycle.Deadline, now time.Time) bool {
	want := at.Time().Add(Grace)
	return a.On(now) && (a.From.Equal(want) || a.From.After(want) && at.Passed(now))
}

// settling is how long who has written a schedule may take to write the tag as
// well, and EC2 to show that.
const settling = 2 * time.Minute

// Settled tells that nobody is at it: whoever extends a deadline writes the
// schedule first and the tag after it. What is nothing, or half, is completed at
// once.
func (a Armed) Settled(now time.Time) bool {
	return a.From.IsZero() || now.Sub(a.Written) >= settling
}

// Read finds out what the cloud will do to an instance; request is its persistent
// Spot request, or "". Half of it, an end without the cancelling before, counts
// as nothing.
func (c Cloud) Read(ctx context.Context, instance, request string) (Armed, error) {
	names := []string{endName(instance)}
	if request != "" {
		names = append(names, cancelName(instance))
	}
	found := make([]Armed, len(names))
	all, allCtx := errgroup.WithContext(ctx)
	for i, name := range names {
		all.Go(func() (err error) {
			found[i], err = c.get(allCtx, name)
			return err
		})
	}
	err := all.Wait()
	whole := found[0]
	for _, a := range found {
		if a.Written.After(whole.Written) {
			whole.Written = a.Written
		}
		if a.From.IsZero() {
			whole.From, whole.Until = time.Time{}, time.Time{}
		}
	}
	return whole, err
}

func (c Cloud) get(ctx context.Context, name string) (Armed, error) {
	out, err := c.read(ctx, name)
	if err != nil || out == nil {
		return Armed{}, err
	}
	a := Armed{Written: aws.ToTime(out.LastModificationDate).UTC()}
	if out.State == types.ScheduleStateEnabled { // somebody may have switched it off
		a.From, a.Until = aws.ToTime(out.StartDate).UTC(), aws.ToTime(out.EndDate).UTC()
	}
	return a, nil
}

// Listed is a schedule of the region's group. It is about an instance or about a
// piece of furniture.
type Listed struct {
	Name      string
	Instance  string // the instance's id; "": it is about furniture
	Furniture string // the furniture's id; "": it is about an instance
	Created   time.Time
}

// List lists the schedules that are about instances. Without a group there are
// none.
func (c Cloud) List(ctx context.Context) ([]Listed, error) { return c.list(ctx, "i-") }

// All lists every schedule of the group.
func (c Cloud) All(ctx context.Context) ([]Listed, error) { return c.list(ctx, "") }

// list lists those whose names begin with a prefix.
func (c Cloud) list(ctx context.Context, prefix string) ([]Listed, error) {
	var all []Listed
	in := &scheduler.ListSchedulesInput{GroupName: aws.String(permissions.ScheduleGroup)}
	if prefix != "" {
		in.NamePrefix = aws.String(prefix)
	}
	pages := scheduler.NewListSchedulesPaginator(c.API, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if awserr.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the schedules: %w", err)
		}
		for _, s := range page.Schedules {
			l := Listed{Name: aws.ToString(s.Name), Created: aws.ToTime(s.CreationDate)}
			if about := aboutOf(l.Name); strings.HasPrefix(about, "i-") {
				l.Instance = about
			} else {
				l.Furniture = about
			}
			all = append(all, l)
		}
	}
	return all, nil
}

// Ask is the policy that the cloud's layer needs, to ask an administrator for.
func (c Cloud) Ask(ctx context.Context) string {
	who, err := c.Who(ctx)
	if err != nil {
		who = account.Identity{Partition: "aws", Account: "<account>"}
	}
	return permissions.Ask(permissions.CloudLayer, who.Partition, who.Account)
}
