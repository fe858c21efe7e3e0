package deadline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// When the cloud's layer acts.
const (
	// Grace is how long after the deadline the cloud waits for the layers on
	// the instance, which act in time and let the user's hooks run.
	Grace = 10 * time.Minute
	// span is how long it goes on: a call that is refused once is not tried
	// again by itself, and a schedule with only one time would be gone then.
	// Without an end it would never delete itself.
	span = 6 * time.Hour
	// lead is how much earlier a persistent Spot request is cancelled. A
	// request that is still open when its instance ends makes another one, and
	// Scheduler is up to a minute late and knows no order within that.
	lead = 5 * time.Minute
	// again is how often each is called.
	again = "rate(10 minutes)"
)

// The targets of the schedules. What they are called with is only looked at when
// they are called, so a test holds it to the letter.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
const (
	endTarget    = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
	cancelTarget = "arn:aws:scheduler:::aws-sdk:ec2:cancelSpotInstanceRequests"
)

// schedule is one schedule of the cloud's layer.
type schedule struct {
	name   string
	about  string // for who reads it in a console
	target string
	input  string // of the target's operation, JSON
	start  time.Time
	every  string // a rate
	role   string // an ARN
}

// names of an instance's schedules. Nothing else says whose they are: schedules
// have no tags.
func endName(instance string) string    { return instance }
func cancelName(instance string) string { return instance + cancelSuffix }

const cancelSuffix = ".request"

// from is when the cloud begins to end an instance. Scheduler refuses what
// should have begun a while ago, so a deadline long past is acted on now; with a
// request to cancel before, as much later as that needs.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func from(at lifecycle.Deadline, request string, now time.Time) time.Time {
	start, soonest := at.Time().Add(Grace), now
	if request != "" {
		soonest = now.Add(lead)
	}
	if start.Before(soonest) {
		start = soonest
	}
	return start.UTC().Truncate(time.Second)
}

// schedules are those of an instance; request is its persistent Spot request,
// or "".
func schedules(instance, request string, at lifecycle.Deadline, now time.Time, role string) []schedule {
	start := from(at, request, now)
	all := []schedule{{
		name:   endName(instance),
		about:  fmt.Sprintf("ends %s, whose deadline is %s", instance, at),
		target: endTarget,
		input:  input("InstanceIds", instance),
		start:  start,
		every:  again,
		role:   role,
	}}
	if request != "" {
		all = append(all, schedule{
			name:   cancelName(instance),
			about:  fmt.Sprintf("cancels %s before %s ends, whose deadline is %s", request, instance, at),
			target: cancelTarget,
			input:  input("SpotInstanceRequestIds", request),
			start:  start.Add(-lead),
			every:  again,
			role:   role,
		})
	}
	return all
}

func input(member, id string) string {
	b, err := json.Marshal(map[string][]string{member: {id}})
	if err != nil {
		panic(fmt.Sprintf("a list of one id cannot be encoded: %v", err)) // it holds only strings
	}
	return string(b)
}

// create is the request that makes a schedule.
func (s schedule) create() *scheduler.CreateScheduleInput {
	return &scheduler.CreateScheduleInput{
		GroupName:             aws.String(permissions.ScheduleGroup),
		Name:                  aws.String(s.name),
		Description:           aws.String(s.about),
		ScheduleExpression:    aws.String(s.every),
		StartDate:             aws.Time(s.start),
		EndDate:               aws.Time(s.start.Add(span)),
		State:                 types.ScheduleStateEnabled,
		ActionAfterCompletion: types.ActionAfterCompletionDelete,
		FlexibleTimeWindow:    &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target:                &types.Target{Arn: aws.String(s.target), RoleArn: aws.String(s.role), Input: aws.String(s.input)},
	}
}

// update is the request that moves it: all of it again, because what an update
// leaves out goes back to its default.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
func (s schedule) update() *scheduler.UpdateScheduleInput {
	c := s.create()
	return &scheduler.UpdateScheduleInput{
		GroupName:             c.GroupName,
		Name:                  c.Name,
		Description:           c.Description,
		ScheduleExpression:    c.ScheduleExpression,
		StartDate:             c.StartDate,
		EndDate:               c.EndDate,
		State:                 c.State,
		ActionAfterCompletion: c.ActionAfterCompletion,
		FlexibleTimeWindow:    c.FlexibleTimeWindow,
		Target:                c.Target,
	}
}
