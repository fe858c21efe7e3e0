package local_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

const (
	terminateTarget = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
	groupARN        = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/ends"
	mayTerminate    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"*",
		"Condition":{"StringEquals":{"ec2:ResourceTag/x:managed":"true"}}}]}`
)

func (w *world) scheduler(c who) *scheduler.Client { return scheduler.NewFromConfig(w.config(c)) }

// scheduleGroup makes the schedule group that these tests use.
func (w *world) scheduleGroup() {
	w.t.Helper()
	_, err := w.scheduler(w.admin()).CreateScheduleGroup(w.t.Context(), &scheduler.CreateScheduleGroupInput{
		Name: aws.String("ends"), Tags: []schedulertypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	noError(w.t, err)
}

// schedulerRole makes a role that Scheduler may assume for a group, and returns
// its ARN.
func (w *world) schedulerRole(name, group, policy string) string {
	w.t.Helper()
	trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},
		"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceArn":%q,"aws:SourceAccount":"123456789012"}}}]}`, group)
	api := w.iam(w.admin())
	role, err := api.CreateRole(w.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	noError(w.t, err)
	_, err = api.PutRolePolicy(w.t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
	noError(w.t, err)
	return *role.Role.Arn
}

// ending is a schedule that ends an instance: again and again from start on, for
// six hours.
func (w *world) ending(name, role, instance string, start time.Time) *scheduler.CreateScheduleInput {
	return &scheduler.CreateScheduleInput{
		Name: &name, GroupName: aws.String("ends"), ScheduleExpression: aws.String("rate(10 minutes)"),
		StartDate: &start, EndDate: aws.Time(start.Add(6 * time.Hour)),
		ActionAfterCompletion: schedulertypes.ActionAfterCompletionDelete,
		FlexibleTimeWindow:    &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		Target: &schedulertypes.Target{
			Arn: aws.String(terminateTarget), RoleArn: &role,
			Input: aws.String(fmt.Sprintf(`{"InstanceIds":[%q]}`, instance)),
		},
	}
}

// managed launches an instance that the role's policy covers.
func (w *world) managed() string {
	w.t.Helper()
	id := *w.run(func(in *ec2.RunInstancesInput) {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("x:managed"), Value: aws.String("true")}}}}
	}).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	return id
}

func (w *world) create(in *scheduler.CreateScheduleInput) error {
	_, err := w.scheduler(w.admin()).CreateSchedule(w.t.Context(), in)
	return err
}

func (w *world) scheduled(name string) (*scheduler.GetScheduleOutput, error) {
	return w.scheduler(w.admin()).GetSchedule(w.t.Context(), &scheduler.GetScheduleInput{Name: &name, GroupName: aws.String("ends")})
}

// fired are the calls that schedules made.
func (w *world) fired() []tape.Call {
	return slices.DeleteFunc(w.Tape().Calls(0), func(c tape.Call) bool {
		return c.Action != "TerminateInstances" || !strings.Contains(c.Principal, ":assumed-role/")
	})
}

func TestAScheduleEndsAnInstanceWithNobodyThere(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	role := w.schedulerRole("ends", groupARN, mayTerminate)
	id := w.managed()
	deadline := w.clock.Now().Add(8 * time.Hour)
	noError(t, w.create(w.ending("end-"+id, role, id, deadline.Add(10*time.Minute))))

	noError(t, w.clock.Advance(8*time.Hour+9*time.Minute))
	if s := w.describe(id).State.Name; s != types.InstanceStateNameRunning {
		t.Fatalf("it is %s before its time", s)
	}
	noError(t, w.clock.Advance(2*time.Minute))
	w.await(id, types.InstanceStateNameTerminated)
	calls := w.fired()
	if len(calls) != 1 || calls[0].Status != 200 || calls[0].Region != region ||
		!strings.HasPrefix(calls[0].Principal, "arn:aws:sts::123456789012:assumed-role/ends/") {
		t.Fatalf("the tape has %+v", calls)
	}
	if late := calls[0].Time.Sub(deadline.Add(10 * time.Minute)); late < 0 || late >= time.Minute {
		t.Errorf("it fired %s after its time", late)
	}

	// It goes on, for a call that was refused must not be the only one, and then
	// it is gone. What has ended is no longer described after an hour, and
	// ending it again is refused: that is final for each invocation.
	noError(t, w.clock.Advance(7*time.Hour))
	calls = w.fired()
	if len(calls) != 36 {
		t.Errorf("it fired %d times in six hours, not 36", len(calls))
	}
	if last := calls[len(calls)-1]; last.Error != "InvalidInstanceID.NotFound" {
		t.Errorf("the last call ended in %q", last.Error)
	}
	_, err := w.scheduled("end-" + id)
	wantCode(t, err, "ResourceNotFoundException")
}

func TestAScheduleMayNoMoreThanItsRole(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	may := w.schedulerRole("ends", groupARN, mayTerminate)
	none := w.schedulerRole("none", groupARN, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:StopInstances","Resource":"*"}]}`)
	id := w.managed()
	unmanaged := *w.run(nil).InstanceId
	w.await(unmanaged, types.InstanceStateNameRunning)
	at := w.clock.Now().Add(time.Hour)
	once := func(name, role, instance string) *scheduler.CreateScheduleInput {
		in := w.ending(name, role, instance, at)
		in.ScheduleExpression = aws.String("at(" + at.Format("2006-01-02T15:04:05") + ")")
		return in
	}
	noError(t, w.create(once("not-permitted", none, id)))
	noError(t, w.create(once("not-ours", may, unmanaged)))
	stays := once("stays", none, id)
	stays.ActionAfterCompletion = schedulertypes.ActionAfterCompletionNone
	noError(t, w.create(stays))
	garbage := once("garbage", may, id)
	garbage.Target.Input = aws.String(`{"instanceIds":["` + id + `"]}`) // a wrong name is found only when it fires
	noError(t, w.create(garbage))

	noError(t, w.clock.Advance(48*time.Hour))
	for _, instance := range []string{id, unmanaged} {
		if s := w.describe(instance).State.Name; s != types.InstanceStateNameRunning {
			t.Errorf("%s is %s", instance, s)
		}
	}
	calls := w.fired()
	for _, c := range calls {
		if c.Error != "UnauthorizedOperation" || c.Status != 403 {
			t.Errorf("a call ended in %d %s", c.Status, c.Error)
		}
	}
	if len(calls) != 3 {
		t.Errorf("%d calls were made, not one each: a refusal is final", len(calls))
	}
	for _, name := range []string{"not-permitted", "not-ours", "garbage"} {
		_, err := w.scheduled(name)
		wantCode(t, err, "ResourceNotFoundException")
	}
	_, err := w.scheduled("stays")
	noError(t, err)
}

func TestThrottledTargetsAreTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	role := w.schedulerRole("ends", groupARN, mayTerminate)
	id := w.managed()
	in := w.ending("end", role, id, w.clock.Now().Add(time.Hour))
	in.ScheduleExpression = aws.String("at(" + in.StartDate.Format("2006-01-02T15:04:05") + ")")
	noError(t, w.create(in))
	_, err := w.Faults().Add(fault.Rule{Kind: fault.Error, Service: "ec2", Action: "TerminateInstances", Code: "RequestLimitExceeded", Times: 3})
	noError(t, err)
	noError(t, w.clock.Advance(time.Hour+5*time.Minute))
	w.await(id, types.InstanceStateNameTerminated)
	if n := len(w.fired()); n != 4 {
		t.Errorf("%d calls, not three that were throttled and one", n)
	}
}

func TestUpdateScheduleResetsWhatIsLeftOut(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	role := w.schedulerRole("ends", groupARN, mayTerminate)
	id := w.managed()
	start := w.clock.Now().Add(time.Hour).Truncate(time.Millisecond)
	in := w.ending("end", role, id, start)
	in.Description = aws.String("words")
	noError(t, w.create(in))
	got, err := w.scheduled("end")
	noError(t, err)
	if !got.StartDate.Equal(start) || *got.Description != "words" || got.ActionAfterCompletion != "DELETE" || *got.ScheduleExpressionTimezone != "UTC" ||
		*got.Target.Input != *in.Target.Input || got.State != "ENABLED" || !got.EndDate.Equal(start.Add(6*time.Hour)) {
		t.Errorf("it is %+v", got)
	}
	later := start.Add(5 * time.Hour)
	_, err = w.scheduler(w.admin()).UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
		Name: in.Name, GroupName: in.GroupName, ScheduleExpression: in.ScheduleExpression, StartDate: &later,
		FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target,
	})
	noError(t, err)
	got, err = w.scheduled("end")
	noError(t, err)
	if got.Description != nil || got.EndDate != nil || got.ActionAfterCompletion != "NONE" || !got.StartDate.Equal(later) {
		t.Errorf("it is %+v", got)
	}
	noError(t, w.clock.Advance(5*time.Hour))
	if n := len(w.fired()); n != 0 {
		t.Errorf("the old time fired %d times", n)
	}
	noError(t, w.clock.Advance(time.Hour+time.Minute))
	w.await(id, types.InstanceStateNameTerminated)
}

func TestCreateScheduleIsIdempotentByToken(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	role := w.schedulerRole("ends", groupARN, mayTerminate)
	in := w.ending("end", role, "i-1", w.clock.Now().Add(time.Hour))
	in.ClientToken = aws.String("token")
	noError(t, w.create(in))
	noError(t, w.create(in))
	in.Description = aws.String("another")
	wantCode(t, w.create(in), "ConflictException")
	in.ClientToken = nil // the SDK draws one
	wantCode(t, w.create(in), "ConflictException")
}

func TestCreateScheduleRefuses(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	role := w.schedulerRole("ends", groupARN, mayTerminate)
	other := w.schedulerRole("other", strings.Replace(groupARN, "ends", "others", 1), mayTerminate)
	w.role("forec2", agentPolicy)
	now := w.clock.Now()
	for name, c := range map[string]struct {
		edit func(*scheduler.CreateScheduleInput)
		code string
	}{
		"role of EC2": {func(in *scheduler.CreateScheduleInput) {
			in.Target.RoleArn = aws.String("arn:aws:iam::123456789012:role/forec2")
		}, "ValidationException"},
		"role of no one": {func(in *scheduler.CreateScheduleInput) {
			in.Target.RoleArn = aws.String("arn:aws:iam::123456789012:role/x")
		}, "ValidationException"},
		"of another group": {func(in *scheduler.CreateScheduleInput) { in.Target.RoleArn = &other }, "ValidationException"},
		"no group":         {func(in *scheduler.CreateScheduleInput) { in.GroupName = aws.String("none") }, "ResourceNotFoundException"},
		"name too long":    {func(in *scheduler.CreateScheduleInput) { in.Name = aws.String(strings.Repeat("n", 65)) }, "ValidationException"},
		"at with Z": {func(in *scheduler.CreateScheduleInput) {
			in.ScheduleExpression = aws.String("at(2030-01-01T00:00:00Z)")
		}, "ValidationException"},
		"no such day":      {func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = aws.String("at(2030-02-30T00:00:00)") }, "ValidationException"},
		"rate of nothing":  {func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = aws.String("rate(0 minutes)") }, "ValidationException"},
		"rate in seconds":  {func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = aws.String("rate(30 seconds)") }, "ValidationException"},
		"cron":             {func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = aws.String("cron(0 0 * * ? *)") }, "ValidationException"},
		"time zone":        {func(in *scheduler.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("Mars/Olympus") }, "ValidationException"},
		"start long ago":   {func(in *scheduler.CreateScheduleInput) { in.StartDate = aws.Time(now.Add(-6 * time.Minute)) }, "ValidationException"},
		"end before start": {func(in *scheduler.CreateScheduleInput) { in.EndDate = aws.Time(in.StartDate.Add(-time.Minute)) }, "ValidationException"},
		"flexible":         {func(in *scheduler.CreateScheduleInput) { in.FlexibleTimeWindow.Mode = "FLEXIBLE" }, "ValidationException"},
		"reading target": {func(in *scheduler.CreateScheduleInput) {
			in.Target.Arn = aws.String("arn:aws:scheduler:::aws-sdk:ec2:describeInstances")
		}, "ValidationException"},
		"dead-letter queue": {func(in *scheduler.CreateScheduleInput) {
			in.Target.DeadLetterConfig = &schedulertypes.DeadLetterConfig{}
		}, "ValidationException"},
		"a retry too many": {func(in *scheduler.CreateScheduleInput) {
			in.Target.RetryPolicy = &schedulertypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)}
		}, "ValidationException"},
		"action of no known": {func(in *scheduler.CreateScheduleInput) { in.ActionAfterCompletion = "KEEP" }, "ValidationException"},
	} {
		in := w.ending("end", role, "i-1", now.Add(time.Hour))
		c.edit(in)
		err := w.create(in)
		var api interface{ ErrorCode() string }
		if !errors.As(err, &api) || api.ErrorCode() != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	pass := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"scheduler:CreateSchedule","Resource":"arn:aws:scheduler:*:*:schedule/ends/*"}%s]}`
	in := w.ending("end", role, "i-1", now.Add(time.Hour))
	_, err := w.scheduler(w.user("nopass", fmt.Sprintf(pass, ""))).CreateSchedule(t.Context(), in)
	wantCode(t, err, "AccessDeniedException")
	passes := w.user("passes", fmt.Sprintf(pass, `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"`+role+`","Condition":{"StringEquals":{"iam:PassedToService":"scheduler.amazonaws.com"}}}`))
	_, err = w.scheduler(passes).CreateSchedule(t.Context(), in)
	noError(t, err)
}

func TestScheduleGroups(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	api, ctx, name := w.scheduler(w.admin()), t.Context(), aws.String("ends")
	role := w.schedulerRole("ends", groupARN, mayTerminate)
	_, err := api.CreateScheduleGroup(ctx, &scheduler.CreateScheduleGroupInput{Name: name})
	wantCode(t, err, "ConflictException")
	_, err = api.TagResource(ctx, &scheduler.TagResourceInput{ResourceArn: aws.String(groupARN), Tags: []schedulertypes.Tag{{Key: aws.String("l"), Value: aws.String("w")}}})
	noError(t, err)
	tags, err := api.ListTagsForResource(ctx, &scheduler.ListTagsForResourceInput{ResourceArn: aws.String(groupARN)})
	noError(t, err)
	if len(tags.Tags) != 2 || *tags.Tags[0].Key != "k" || *tags.Tags[1].Value != "w" {
		t.Errorf("the tags are %+v", tags.Tags)
	}
	for i := range 5 {
		noError(t, w.create(w.ending(fmt.Sprint("end-", i), role, "i-1", w.clock.Now().Add(time.Hour))))
	}
	var names []string
	pages := scheduler.NewListSchedulesPaginator(api, &scheduler.ListSchedulesInput{GroupName: name, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		noError(t, err)
		for _, s := range page.Schedules {
			names = append(names, *s.Name)
		}
	}
	if strings.Join(names, " ") != "end-0 end-1 end-2 end-3 end-4" {
		t.Errorf("listed are %s", names)
	}
	_, err = api.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: aws.String("end-0"), GroupName: name})
	noError(t, err)
	_, err = api.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: aws.String("end-0"), GroupName: name})
	wantCode(t, err, "ResourceNotFoundException")

	_, err = api.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: aws.String("default")})
	wantCode(t, err, "ValidationException")
	_, err = api.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: name})
	noError(t, err)
	group, err := api.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: name})
	if err != nil || group.State != schedulertypes.ScheduleGroupStateDeleting {
		t.Errorf("the group is %+v, %v", group, err)
	}
	wantCode(t, w.create(w.ending("late", role, "i-1", w.clock.Now().Add(time.Hour))), "ConflictException")
	noError(t, w.clock.Advance(2*time.Minute))
	_, err = api.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: name})
	wantCode(t, err, "ResourceNotFoundException")
	_, err = w.scheduled("end-1")
	wantCode(t, err, "ResourceNotFoundException")
	groups, err := api.ListScheduleGroups(ctx, &scheduler.ListScheduleGroupsInput{})
	if err != nil || len(groups.ScheduleGroups) != 1 || *groups.ScheduleGroups[0].Name != "default" {
		t.Errorf("the groups are %+v, %v", groups, err)
	}
}
