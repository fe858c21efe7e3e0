package status

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

var (
	now   = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)
	ends  = lifecycle.DeadlineAt(now.Add(8 * time.Hour))
	other = lifecycle.DeadlineAt(now.Add(2 * time.Hour))
)

// answers is Scheduler with one answer to every question.
type answers struct {
	deadline.Schedules
	start time.Time
	state types.ScheduleState
	err   error
}

func (a answers) GetSchedule(context.Context, *scheduler.GetScheduleInput, ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error) {
	return &scheduler.GetScheduleOutput{State: a.state, StartDate: aws.Time(a.start), EndDate: aws.Time(a.start.Add(6 * time.Hour))}, a.err
}

func TestTheCloudsLayerIsShownAsFarAsItIsKnown(t *testing.T) {
	on := types.ScheduleStateEnabled
	at := ends.Time().Add(deadline.Grace)
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException"}
	for name, tt := range map[string]struct {
		answers
		in   instance.Instance
		want hold
	}{
		"armed":                         {answers: answers{start: at, state: on}, want: armed},
		"switched off":                  {answers: answers{start: at, state: types.ScheduleStateDisabled}, want: missing},
		"for another deadline":          {answers: answers{start: at.Add(-time.Hour), state: on}, want: behind},
		"given up":                      {answers: answers{start: now.Add(-7 * time.Hour), state: on}, want: missing},
		"not there":                     {answers: answers{err: &smithy.GenericAPIError{Code: "ResourceNotFoundException"}}, want: missing},
		"not permitted to look":         {answers: answers{err: denied}, want: unknown},
		"never permitted to be armed":   {answers: answers{err: denied}, in: instance.Instance{NoBackstop: true}, want: missing},
		"armed later, permitted to see": {answers: answers{start: at, state: on}, in: instance.Instance{NoBackstop: true}, want: armed},
		"no answer":                     {answers: answers{err: errors.New("no")}, want: unknown},
	} {
		tt.in.ID, tt.in.State, tt.in.Tags.Deadline = "i-0123456789abcdef0", lifecycle.StateStopped, ends
		got := readLayers(t.Context(), tt.in, deadline.Cloud{API: tt.answers}, now)
		if got.Cloud.State != tt.want || got.Agent.State != asleep || got.OS.State != asleep {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTheLayersOnTheInstanceAreWhatTheAgentSays(t *testing.T) {
	for name, tt := range map[string]struct {
		state     lifecycle.State
		status    *lifecycle.Status
		agent, os hold
	}{
		"ready":            {lifecycle.StateRunning, &lifecycle.Status{Deadline: ends, OSTimer: true}, armed, armed},
		"without a timer":  {lifecycle.StateRunning, &lifecycle.Status{Deadline: ends}, armed, missing},
		"not acknowledged": {lifecycle.StateRunning, &lifecycle.Status{Deadline: other, OSTimer: true}, behind, armed},
		"silent":           {lifecycle.StateRunning, nil, missing, unknown},
		"stopped":          {lifecycle.StateStopped, &lifecycle.Status{Deadline: ends, OSTimer: true}, asleep, asleep},
	} {
		in := instance.Instance{State: tt.state, Status: tt.status}
		in.Tags.Deadline = ends
		if agent, os := agentLayer(in), osLayer(in); agent.State != tt.agent || os.State != tt.os {
			t.Errorf("%s: %+v, %+v", name, agent, os)
		}
	}
	if ended := readLayers(t.Context(), instance.Instance{State: lifecycle.StateTerminated}, deadline.Cloud{}, now); ended != nil || len(ended.lines(now)) != 0 {
		t.Errorf("of an instance that has ended: %+v", ended)
	}
}

func TestEveryStateHasWords(t *testing.T) {
	for _, state := range []hold{armed, behind, missing, asleep, unknown} {
		if text := (layer{State: state, From: &now, Why: "reason"}).words(now); strings.HasPrefix(text, ",") || !strings.Contains(text, "reason") {
			t.Errorf("%s: %q", state, text)
		}
	}
}
