package status

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/term"
)

// hold is whether a layer of the deadline holds.
type hold string

const (
	armed   hold = "armed"
	behind  hold = "other-deadline" // it is armed for another deadline
	missing hold = "missing"
	asleep  hold = "asleep" // it is on the instance, which does not run
	unknown hold = "unknown"
)

// layer is one of the layers that end the instance.
type layer struct {
	State hold       `json:"state"`
	From  *time.Time `json:"from,omitempty"` // when it acts, where that is known
	Why   string     `json:"why,omitempty"`
}

// layers are the three of them.
type layers struct {
	Agent layer `json:"agent"`
	OS    layer `json:"os_timer"`
	Cloud layer `json:"cloud"`
}

// readLayers finds out which layers hold. An instance that has ended needs none.
func readLayers(ctx context.Context, in instance.Instance, cloud deadline.Cloud, now time.Time) *layers {
	if in.State.Ended() {
		return nil
	}
	return &layers{Agent: agentLayer(in), OS: osLayer(in), Cloud: cloudLayer(ctx, in, cloud, now)}
}

func agentLayer(in instance.Instance) layer {
	switch {
	case in.State != lifecycle.StateRunning:
		return layer{State: asleep, Why: "the instance is " + string(in.State)}
	case in.Status == nil:
		return layer{State: missing, Why: "it has said nothing"}
	case in.Status.Deadline != in.Tags.Deadline:
		return layer{State: behind, Why: "it has not acknowledged the deadline", From: moment(in.Status.Deadline.Time())}
	default:
		return layer{State: armed, From: moment(in.Status.Deadline.Time())}
	}
}

// osLayer is what the agent sees of the timer: nobody else can look.
func osLayer(in instance.Instance) layer {
	switch {
	case in.State != lifecycle.StateRunning:
		return layer{State: asleep, Why: "the instance is " + string(in.State)}
	case in.Status == nil:
		return layer{State: unknown, Why: "only the agent could tell"}
	case !in.Status.OSTimer:
		return layer{State: missing, Why: "the agent does not see it"}
	default:
		return layer{State: armed}
	}
}

func cloudLayer(ctx context.Context, in instance.Instance, cloud deadline.Cloud, now time.Time) layer {
	have, err := cloud.Read(ctx, in.ID, in.Persistent)
	switch {
	case awserr.IsDenied(err) && in.NoBackstop:
		return layer{State: missing, Why: "its launch was not permitted to arm it"}
	case awserr.IsDenied(err):
		return layer{State: unknown, Why: "not permitted to look: ask for scheduler:GetSchedule"}
	case err != nil:
		return layer{State: unknown, Why: awsx.Explain(err).Error()}
	case !have.On(now):
		return layer{State: missing, Why: "arm it with: spawn cleanup"}
	case in.Tags.Deadline.IsZero() || have.For(in.Tags.Deadline, now):
		return layer{State: armed, From: &have.From}
	default:
		return layer{State: behind, From: &have.From}
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// lines are the layers as a person reads them.
func (l *layers) lines(now time.Time) [][2]string {
	if l == nil {
		return nil
	}
	return [][2]string{
		{"ended by", "the agent: " + l.Agent.words(now)},
		{"", "the operating system's timer: " + l.OS.words(now)},
		{"", "the cloud, should it be stopped or hung: " + l.Cloud.words(now)},
	}
}

func (l layer) words(now time.Time) string {
	text := map[hold]string{armed: "armed", behind: "armed for another deadline", missing: "not armed", asleep: "asleep", unknown: term.Unknown}[l.State]
	if l.From != nil {
		text += fmt.Sprintf(", from %s on", term.Moment(*l.From, now))
	}
	if l.Why != "" {
		text += " (" + l.Why + ")"
	}
	return text
}
