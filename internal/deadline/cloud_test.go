package deadline_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// quick is a clock that only counts how long it was waited.
type quick struct {
	now    func() time.Time
	waited time.Duration
}

func (q *quick) Now() time.Time { return q.now().Add(q.waited) }
func (q *quick) Sleep(ctx context.Context, d time.Duration) error {
	q.waited += d
	return ctx.Err()
}

// layer is the cloud's layer in a cloud, by that cloud's own time.
func layer(t *testing.T, c cloudtest.Cloud) deadline.Cloud {
	t.Helper()
	who := func(ctx context.Context) (account.Identity, error) {
		return account.Identify(ctx, account.STSOf(c.Target))
	}
	now := time.Now
	if c.Local != nil {
		now = c.Local.Clock().Now
	}
	api := account.SchedulerOf(c.Target)
	return deadline.Cloud{
		API: api, Who: who, Clock: &quick{now: now},
		Prepare: func(ctx context.Context) error {
			me, err := who(ctx)
			if err != nil {
				return err
			}
			return account.EnsureScheduler(ctx, account.IAMOf(c.Target), api, me, func() lifecycle.Origin { return lifecycle.Origin{Owner: me.ARN} }, func(account.Kind, string) {})
		},
	}
}

func advance(t *testing.T, c cloudtest.Cloud, to time.Time) {
	t.Helper()
	if err := c.Local.Clock().Advance(to.Sub(c.Local.Clock().Now())); err != nil {
		t.Fatal(err)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stateOf(t *testing.T, c cloudtest.Cloud, id string) lifecycle.State {
	t.Helper()
	in, err := instance.Get(t.Context(), c.Target.EC2(), id)
	noError(t, err)
	return in.State
}

func await(t *testing.T, c cloudtest.Cloud, id string, want lifecycle.State) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if in, err := instance.Wait(ctx, c.Target.EC2(), id, instance.In(want)); err != nil {
		t.Fatalf("%s is %s, not %s: %v", id, in.State, want, err)
	}
}

// left are the schedules of every group.
func left(t *testing.T, c cloudtest.Cloud) (names []string) {
	t.Helper()
	out, err := account.SchedulerOf(c.Target).ListSchedules(t.Context(), &scheduler.ListSchedulesInput{})
	noError(t, err)
	for _, s := range out.Schedules {
		names = append(names, aws.ToString(s.Name))
	}
	return names
}

// TestTheCloudEndsWhatCannotEndItself has instances with nobody inside who could
// end them: stopped, hibernated, and running with neither an agent nor a timer,
// as one that hangs or whose clock is a day behind.
func TestTheCloudEndsWhatCannotEndItself(t *testing.T) {
	tests := map[string]struct {
		rests, hibernates bool
		in                lifecycle.State
	}{
		"stopped":    {rests: true, in: lifecycle.StateStopped},
		"hibernated": {rests: true, hibernates: true, in: lifecycle.StateStopped},
		"hung":       {in: lifecycle.StateRunning},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			in, cloud := launch(t, c.Target.EC2(), "", hibernates), layer(t, c)
			noError(t, cloud.Arm(t.Context(), in.ID, first, ""))
			have, err := cloud.Read(t.Context(), in.ID, "")
			if err != nil || !have.For(first, time.Now()) {
				t.Errorf("armed: %+v, %v", have, err)
			}
			advance(t, c, c.Local.Clock().Now().Add(3*time.Minute)) // one that has just started cannot hibernate
			if tt.rests {
				_, err := c.Target.EC2().StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{in.ID}, Hibernate: aws.Bool(tt.hibernates)})
				noError(t, err)
			}
			await(t, c, in.ID, tt.in)
			advance(t, c, first.Time().Add(deadline.Grace-time.Second))
			if s := stateOf(t, c, in.ID); s != tt.in {
				t.Fatalf("%s before its time", s)
			}
			advance(t, c, first.Time().Add(deadline.Grace+time.Minute))
			await(t, c, in.ID, lifecycle.StateTerminated)
			advance(t, c, first.Time().Add(7*time.Hour))
			if names := left(t, c); len(names) > 0 {
				t.Errorf("left: %v", names)
			}
		})
	}
}

// hibernates asks for an instance that can.
func hibernates(in *ec2.RunInstancesInput) {
	in.InstanceType, in.HibernationOptions = types.InstanceTypeM5Large, &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
	in.BlockDeviceMappings = []types.BlockDeviceMapping{{
		DeviceName: aws.String("/dev/xvda"),
		Ebs:        &types.EbsBlockDevice{VolumeSize: aws.Int32(20), VolumeType: types.VolumeTypeGp3, Encrypted: aws.Bool(true)},
	}}
}

// TestBothCloudsTakeOurRequests: moto, which nobody here wrote, judges too.
func TestBothCloudsTakeOurRequests(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		const id, request = "i-0123456789abcdef0", "sir-abcdefgh"
		cloud, later := layer(t, c), lifecycle.DeadlineAt(first.Time().Add(time.Hour))
		noError(t, cloud.Prepare(t.Context()))
		noError(t, cloud.Arm(t.Context(), id, first, request))
		noError(t, cloud.Arm(t.Context(), id, first, request))
		noError(t, cloud.Move(t.Context(), id, later, request))
		if have, err := cloud.Read(t.Context(), id, request); err != nil || !have.For(later, time.Now()) {
			t.Errorf("armed: %+v, %v", have, err)
		}
		if all, err := cloud.List(t.Context()); err != nil || len(all) != 2 {
			t.Errorf("%+v, %v", all, err)
		}
		noError(t, cloud.Disarm(t.Context(), id, true))
		noError(t, cloud.Disarm(t.Context(), id, true))
		if have, err := cloud.Read(t.Context(), id, request); err != nil || have.On(time.Now()) {
			t.Errorf("disarmed: %+v, %v", have, err)
		}
	})
}

func TestArmingAgainMovesAndTenAtOnceMakeOne(t *testing.T) {
	c := cloudtest.Local(t, nil)
	in := launch(t, c.Target.EC2(), "")
	cloud, later := layer(t, c), lifecycle.DeadlineAt(first.Time().Add(time.Hour))
	var all sync.WaitGroup
	for range 10 {
		mine := layer(t, c) // as ten processes would
		all.Go(func() {
			if err := mine.Arm(t.Context(), in.ID, first, ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if names := left(t, c); len(names) != 1 || names[0] != in.ID {
		t.Errorf("schedules: %v", names)
	}
	noError(t, cloud.Arm(t.Context(), in.ID, later, ""))
	if have, err := cloud.Read(t.Context(), in.ID, ""); err != nil || !have.For(later, time.Now()) {
		t.Errorf("armed: %+v, %v", have, err)
	}
	noError(t, cloud.Disarm(t.Context(), in.ID, true))
	noError(t, cloud.Disarm(t.Context(), in.ID, true))
	if have, err := cloud.Read(t.Context(), in.ID, ""); err != nil || have.On(time.Now()) || len(left(t, c)) > 0 {
		t.Errorf("disarmed: %+v, %v", have, err)
	}
}

func TestAnExtensionMovesTheCloud(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, cloud := c.Target.EC2(), layer(t, c)
	in := launch(t, api, "")
	noError(t, cloud.Arm(t.Context(), in.ID, first, ""))
	later := lifecycle.DeadlineAt(first.Time().Add(2 * time.Hour))
	moved, err := deadline.Move(t.Context(), api, cloud, in, later)
	if err != nil || !moved.Tag || !moved.Cloud || moved.Late {
		t.Fatalf("%+v, %v", moved, err)
	}
	advance(t, c, first.Time().Add(deadline.Grace+20*time.Minute))
	if s := stateOf(t, c, in.ID); s != lifecycle.StateRunning {
		t.Fatalf("%s after its old deadline", s)
	}
	advance(t, c, later.Time().Add(deadline.Grace+time.Minute))
	await(t, c, in.ID, lifecycle.StateTerminated)
}

// TestAPersistentRequestIsCancelledFirst: otherwise its instance would be
// replaced as soon as the cloud ended it.
func TestAPersistentRequestIsCancelledFirst(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, cloud := c.Target.EC2(), layer(t, c)
	managed := lifecycle.Origin{Owner: "o", Launch: "l"}.Tags()
	in := launch(t, api, "", func(in *ec2.RunInstancesInput) {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{
			SpotInstanceType: types.SpotInstanceTypePersistent, InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop,
		}}
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: types.ResourceTypeSpotInstancesRequest, Tags: account.EC2Tags(managed)})
	})
	noError(t, cloud.Arm(t.Context(), in.ID, first, in.SpotRequest))
	if names := left(t, c); len(names) != 2 {
		t.Fatalf("schedules: %v", names)
	}
	noError(t, cloud.Move(t.Context(), in.ID, lifecycle.DeadlineAt(first.Time().Add(time.Hour)), in.SpotRequest))
	ends := first.Time().Add(time.Hour + deadline.Grace)
	advance(t, c, ends.Add(-2*time.Minute))
	if s := stateOf(t, c, in.ID); s != lifecycle.StateRunning {
		t.Errorf("the instance is %s before its time", s)
	}
	if s := requestState(t, c, in.SpotRequest); s != types.SpotInstanceStateCancelled {
		t.Errorf("the request is %s before its instance ends", s)
	}
	advance(t, c, ends.Add(time.Minute))
	await(t, c, in.ID, lifecycle.StateTerminated)
	advance(t, c, ends.Add(30*time.Minute))
	out, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	noError(t, err)
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if i.State.Name != types.InstanceStateNameTerminated {
				t.Errorf("%s, a replacement, is %s", aws.ToString(i.InstanceId), i.State.Name)
			}
		}
	}
}

func requestState(t *testing.T, c cloudtest.Cloud, id string) types.SpotInstanceState {
	t.Helper()
	out, err := c.Target.EC2().DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{id}})
	noError(t, err)
	return out.SpotInstanceRequests[0].State
}

func TestTheCloudEndsNothingThatIsNotManaged(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud := layer(t, c)
	foreign := launch(t, c.Target.EC2(), "", func(in *ec2.RunInstancesInput) { in.TagSpecifications = nil })
	ours := launch(t, c.Target.EC2(), "")
	for _, in := range []instance.Instance{foreign, ours} {
		noError(t, cloud.Arm(t.Context(), in.ID, first, ""))
	}
	advance(t, c, first.Time().Add(deadline.Grace+time.Minute))
	await(t, c, ours.ID, lifecycle.StateTerminated)
	if s := stateOf(t, c, foreign.ID); s != lifecycle.StateRunning {
		t.Errorf("what is not managed is %s", s)
	}
}

// TestTheRoleServesOurGroupAlone: who may pass the role cannot use it for a
// schedule of another group, on which the permissions do not look.
func TestTheRoleServesOurGroupAlone(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud := layer(t, c)
	noError(t, cloud.Arm(t.Context(), "i-0123456789abcdef0", first, ""))
	api := account.SchedulerOf(c.Target)
	have, err := api.GetSchedule(t.Context(), &scheduler.GetScheduleInput{GroupName: aws.String("spawn"), Name: aws.String("i-0123456789abcdef0")})
	noError(t, err)
	_, err = api.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
		Name: aws.String("x"), GroupName: aws.String("default"), ScheduleExpression: have.ScheduleExpression, FlexibleTimeWindow: have.FlexibleTimeWindow, Target: have.Target,
	})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" {
		t.Errorf("the default group got %v", err)
	}
}

// unkind is Scheduler with answers of the test's own.
type unkind struct {
	deadline.Schedules
	create func() error
	update func(*scheduler.UpdateScheduleInput) error
	get    func() error
}

func (u unkind) CreateSchedule(ctx context.Context, in *scheduler.CreateScheduleInput, o ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	if u.create != nil {
		if err := u.create(); err != nil {
			return nil, err
		}
	}
	return u.Schedules.CreateSchedule(ctx, in, o...)
}

func (u unkind) UpdateSchedule(ctx context.Context, in *scheduler.UpdateScheduleInput, o ...func(*scheduler.Options)) (*scheduler.UpdateScheduleOutput, error) {
	if u.update != nil {
		if err := u.update(in); err != nil {
			return nil, err
		}
	}
	return u.Schedules.UpdateSchedule(ctx, in, o...)
}

func (u unkind) GetSchedule(ctx context.Context, in *scheduler.GetScheduleInput, o ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error) {
	if u.get != nil {
		if err := u.get(); err != nil {
			return nil, err
		}
	}
	return u.Schedules.GetSchedule(ctx, in, o...)
}

var (
	errFreshRole = &smithy.GenericAPIError{Code: "ValidationException", Message: "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."}
	errDenied    = &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
	errBroken    = &smithy.GenericAPIError{Code: "InternalServerException", Message: "no"}
)

func TestAFreshRoleIsWaitedForInBounds(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud := layer(t, c)
	noError(t, cloud.Prepare(t.Context()))
	cloud.Prepare = nil
	asked, clock := 0, &quick{now: c.Local.Clock().Now}
	until := func(tries int) deadline.Cloud {
		asked, clock.waited = 0, 0
		fresh := cloud
		fresh.Clock = clock
		fresh.API = unkind{Schedules: cloud.API, create: func() error {
			if asked++; asked <= tries {
				return errFreshRole
			}
			return nil
		}}
		return fresh
	}
	if err := until(4).Arm(t.Context(), "i-0123456789abcdef0", first, ""); err != nil || asked != 5 || clock.waited == 0 {
		t.Errorf("%d requests, waited %v, %v", asked, clock.waited, err)
	}
	err := until(1000).Arm(t.Context(), "i-0123456789abcdef1", first, "")
	if !errors.Is(err, errFreshRole) || clock.waited < 50*time.Second || clock.waited > 70*time.Second {
		t.Errorf("%d requests, waited %v, %v", asked, clock.waited, err)
	}
}

func TestWhoMayNotPrepareIsNotKeptWaiting(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud, clock := layer(t, c), &quick{now: c.Local.Clock().Now}
	cloud.Clock, cloud.Prepare = clock, func(context.Context) error { return errDenied }
	if err := cloud.Arm(t.Context(), "i-0123456789abcdef0", first, ""); !errors.Is(err, errDenied) || clock.waited > 0 {
		t.Errorf("waited %v, %v", clock.waited, err)
	}
}

// noTags is EC2 that writes no tags.
type noTags struct{ *ec2.Client }

func (noTags) CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error) {
	return nil, errDenied
}

// TestWhatFailsLeavesOneDeadline moves deadlines where a layer refuses: what the
// tag says is what the cloud does, or later.
func TestWhatFailsLeavesOneDeadline(t *testing.T) {
	later, sooner := lifecycle.DeadlineAt(first.Time().Add(2*time.Hour)), lifecycle.DeadlineAt(first.Time().Add(-30*time.Minute))
	deny := func(*scheduler.UpdateScheduleInput) error { return errDenied }
	denied := func() error { return errDenied }
	fail := func(*scheduler.UpdateScheduleInput) error { return errBroken }
	tests := map[string]struct {
		armed, noBackstop, noTags bool
		broken                    unkind
		to                        lifecycle.Deadline
		refused                   bool
		tag, cloud                lifecycle.Deadline // afterwards; zero: not armed
	}{
		"later, the cloud refuses":                         {armed: true, broken: unkind{update: deny}, to: later, refused: true, tag: first, cloud: first},
		"later, the cloud breaks":                          {armed: true, broken: unkind{update: fail}, to: later, refused: true, tag: first, cloud: first},
		"later, the cloud refuses to tell":                 {broken: unkind{update: deny, get: denied}, to: later, refused: true, tag: first},
		"later, it refuses to tell what never was":         {noBackstop: true, broken: unkind{update: deny, get: denied}, to: later, tag: later},
		"later, the cloud refuses and nothing is there":    {broken: unkind{update: deny}, to: later, tag: later},
		"later by less than what the cloud waits":          {armed: true, broken: unkind{update: deny}, to: lifecycle.DeadlineAt(first.Time().Add(5 * time.Minute)), tag: lifecycle.DeadlineAt(first.Time().Add(5 * time.Minute)), cloud: first},
		"later, the tag refuses":                           {armed: true, noTags: true, to: later, refused: true, tag: first, cloud: first},
		"sooner, the cloud refuses":                        {armed: true, broken: unkind{update: deny}, to: sooner, tag: sooner, cloud: first},
		"sooner, the tag refuses":                          {armed: true, noTags: true, to: sooner, refused: true, tag: first, cloud: first},
		"sooner, nothing was there":                        {to: sooner, tag: sooner, cloud: sooner},
		"later, nothing was there, and it can be made now": {to: later, tag: later, cloud: later},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cloudtest.Local(t, nil)
			api, honest := c.Target.EC2(), layer(t, c)
			in := launch(t, api, "")
			in.NoBackstop = tt.noBackstop
			if tt.armed {
				noError(t, honest.Arm(t.Context(), in.ID, first, ""))
			}
			cloud := honest
			tt.broken.Schedules = honest.API
			cloud.API = tt.broken
			var writer deadline.API = api
			if tt.noTags {
				writer = noTags{api}
			}
			moved, err := deadline.Move(t.Context(), writer, cloud, in, tt.to)
			if (err != nil) != tt.refused {
				t.Errorf("%+v, %v", moved, err)
			}
			if now, err := instance.Get(t.Context(), api, in.ID); err != nil || now.Tags.Deadline != tt.tag {
				t.Errorf("the tag says %v, want %v (%v)", now.Tags.Deadline, tt.tag, err)
			}
			have, err := honest.Read(t.Context(), in.ID, "")
			noError(t, err)
			if tt.cloud.IsZero() != have.From.IsZero() || !tt.cloud.IsZero() && !have.For(tt.cloud, time.Now()) {
				t.Errorf("the cloud acts from %v, for the deadline %v", have.From, tt.cloud)
			}
			if moved.Tag == tt.refused || !tt.refused && moved.Cloud != (tt.cloud == tt.to) {
				t.Errorf("reported %+v", moved)
			}
		})
	}
}

// TestAMoveThatComesTooLateSaysSo: within a minute of its time a schedule may
// still do what it was to do.
func TestAMoveThatComesTooLateSaysSo(t *testing.T) {
	c := cloudtest.Local(t, nil)
	api, cloud := c.Target.EC2(), layer(t, c)
	in := launch(t, api, "")
	noError(t, cloud.Arm(t.Context(), in.ID, first, ""))
	advance(t, c, first.Time().Add(deadline.Grace-time.Minute))
	moved, err := deadline.Move(t.Context(), api, cloud, in, lifecycle.DeadlineAt(first.Time().Add(2*time.Hour)))
	if err != nil || !moved.Late {
		t.Errorf("%+v, %v", moved, err)
	}
}

func TestListNamesTheInstance(t *testing.T) {
	c := cloudtest.Local(t, nil)
	cloud := layer(t, c)
	if all, err := cloud.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("without a group: %v, %v", all, err)
	}
	noError(t, cloud.Arm(t.Context(), "i-0123456789abcdef0", first, "sir-abcdefgh"))
	all, err := cloud.List(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, s := range all {
		if s.Instance != "i-0123456789abcdef0" || !strings.HasPrefix(s.Name, s.Instance) || s.Created.IsZero() {
			t.Errorf("%+v", s)
		}
	}
}
