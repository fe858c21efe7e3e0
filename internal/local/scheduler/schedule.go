package scheduler

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// precision is within what time after its moment a schedule fires.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
const precision = 60 // seconds

// Schedule is a schedule; its key in the table is its ARN.
type Schedule struct {
	ARN      string
	Region   string
	Group    string
	Name     string
	Created  time.Time
	Modified time.Time
	Settings settings
	Next     time.Time // when it runs next; zero: never
}

// settings are what an update replaces as a whole.
type settings struct {
	Description string
	Expression  string
	Timezone    string
	Start       *time.Time
	End         *time.Time
	State       string
	After       string // the action after completion
	Target      Target
}

// due is when the schedule fires: some seconds after Next, for each schedule
// its own number, so that nobody counts on an order.
func (x Schedule) due() time.Time {
	sum := sha256.Sum256([]byte(x.ARN))
	return x.Next.Add(time.Duration(binary.BigEndian.Uint32(sum[:4])%precision) * time.Second)
}

type flexibleWindow struct {
	Mode                   string
	MaximumWindowInMinutes *int `json:",omitempty"`
}

// scheduleInput is what making and updating a schedule take.
type scheduleInput struct {
	Name                       string `path:"Name"`
	GroupName                  string
	ClientToken                string
	Description                string
	ScheduleExpression         string
	ScheduleExpressionTimezone string
	StartDate                  *time.Time
	EndDate                    *time.Time
	State                      string
	ActionAfterCompletion      string
	FlexibleTimeWindow         *flexibleWindow
	Target                     *Target
}

type scheduleOutput struct {
	ScheduleArn string
}

// createSchedule makes a schedule in a group that exists.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func (s *Service) createSchedule(tx *store.Tx, c *call.Caller, in *scheduleInput) (*scheduleOutput, error) {
	x, again, err := s.admit(tx, c, "CreateSchedule", in)
	if err != nil || again {
		return &scheduleOutput{x.ARN}, err
	}
	g, found := s.group(tx, c.Region, x.Group)
	switch {
	case !found:
		return nil, errNoGroup(x.Group)
	case !g.Gone.IsZero():
		return nil, errConflict("Schedule group %s is being deleted.", x.Group)
	}
	if _, exists := s.schedules.Get(tx, x.ARN); exists {
		return nil, errConflict("Schedule %s already exists.", x.Name)
	}
	x.Created = tx.Now()
	return s.put(tx, c, x, in)
}

// updateSchedule replaces all of a schedule: what the request leaves out goes
// back to its default.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
func (s *Service) updateSchedule(tx *store.Tx, c *call.Caller, in *scheduleInput) (*scheduleOutput, error) {
	x, again, err := s.admit(tx, c, "UpdateSchedule", in)
	if err != nil || again {
		return &scheduleOutput{x.ARN}, err
	}
	old, found := s.schedules.Get(tx, x.ARN)
	if !found {
		return nil, errNoSchedule(x.Name)
	}
	x.Created = old.Created
	out, err := s.put(tx, c, x, in)
	if err == nil {
		s.fireLate(tx, old)
	}
	return out, err
}

// settled is how long before a schedule runs an update comes too late to keep
// it from doing so. AWS gives no such time; that an update takes effect at once
// is nowhere promised, and here it never does.
const settled = time.Minute

// fireLate sends the invocation of a schedule off that an update comes too late
// for. It is made at its own time, to the old target, whatever the update said.
func (s *Service) fireLate(tx *store.Tx, old Schedule) {
	if old.Next.IsZero() || old.Next.Sub(tx.Now()) >= settled {
		return
	}
	d := old.delivery()
	d.Due = old.due()
	s.deliveries.Put(tx, d.ID, d)
}

// admit names the schedule that a request is about and asks for permission.
// again is true for a request that was done before.
func (s *Service) admit(tx *store.Tx, c *call.Caller, action string, in *scheduleInput) (x Schedule, again bool, err error) {
	if in.GroupName == "" {
		in.GroupName = defaultGroup
	}
	if err := checkName("name", in.Name); err != nil {
		return Schedule{}, false, err
	}
	if err := checkName("groupName", in.GroupName); err != nil {
		return Schedule{}, false, err
	}
	x = Schedule{ARN: s.scheduleARN(c.Region, in.GroupName, in.Name), Region: c.Region, Group: in.GroupName, Name: in.Name}
	if err := c.Require("scheduler:"+action, x.ARN, nil); err != nil {
		return Schedule{}, false, err
	}
	again, err = s.replayed(tx, c, action, in.ClientToken, in)
	return x, again, err
}

// put checks what a request says of a schedule and stores it.
func (s *Service) put(tx *store.Tx, c *call.Caller, x Schedule, in *scheduleInput) (*scheduleOutput, error) {
	set, t, err := read(in, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := s.checkTarget(tx, c, x.Group, set.Target); err != nil {
		return nil, err
	}
	x.Modified, x.Settings, x.Next = tx.Now(), set, time.Time{}
	if next, comes := t.next(tx.Now(), anchor(set, tx.Now()), set.End); comes && set.State == "ENABLED" {
		x.Next = next
	}
	s.schedules.Put(tx, x.ARN, x)
	tx.AfterCommit(s.Resume)
	return &scheduleOutput{x.ARN}, nil
}

// anchor is where a repeating schedule begins to count: its StartDate, or when
// it was last written.
func anchor(set settings, written time.Time) time.Time {
	if set.Start != nil {
		return *set.Start
	}
	return written
}

// read checks the settings in a request.
//
// That a repeating schedule's StartDate cannot be more than five minutes ago:
// https://github.com/getmoto/moto/pull/8172
func read(in *scheduleInput, now time.Time) (settings, timing, error) {
	set := settings{
		Description: in.Description, Expression: in.ScheduleExpression, Timezone: in.ScheduleExpressionTimezone,
		Start: in.StartDate, End: in.EndDate, State: in.State, After: in.ActionAfterCompletion,
	}
	if set.Timezone == "" {
		set.Timezone = "UTC"
	}
	if set.State == "" {
		set.State = "ENABLED"
	}
	if set.After == "" {
		set.After = "NONE"
	}
	t, err := parseExpression(set.Expression, set.Timezone)
	repeats := t.every > 0
	switch {
	case err != nil:
		return settings{}, timing{}, err
	case len(set.Description) > 512:
		return settings{}, timing{}, errValidation("A description has 512 characters at most")
	case set.State != "ENABLED" && set.State != "DISABLED":
		return settings{}, timing{}, errValidation("The state must be ENABLED or DISABLED, not %q", set.State)
	case set.After != "NONE" && set.After != "DELETE":
		return settings{}, timing{}, errValidation("The action after completion must be NONE or DELETE, not %q", set.After)
	case in.FlexibleTimeWindow == nil || in.Target == nil:
		return settings{}, timing{}, errValidation("A schedule needs a FlexibleTimeWindow and a Target")
	case in.FlexibleTimeWindow.Mode != "OFF" || in.FlexibleTimeWindow.MaximumWindowInMinutes != nil:
		return settings{}, timing{}, errValidation("This cloud has no flexible time windows: the mode must be OFF, without a window")
	case repeats && set.Start != nil && set.Start.Before(now.Add(-5*time.Minute)):
		return settings{}, timing{}, errValidation("The StartDate you specify cannot be earlier than 5 minutes ago.")
	case repeats && set.End != nil && !set.End.After(now):
		return settings{}, timing{}, errValidation("The EndDate you specify must be in the future.")
	case repeats && set.End != nil && set.Start != nil && !set.End.After(*set.Start):
		return settings{}, timing{}, errValidation("The EndDate you specify must be after the StartDate.")
	}
	set.Target = *in.Target
	return set, t, nil
}
