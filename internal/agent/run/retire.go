package run

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Hooks are what runs before an end. act.Hooks is the real one.
type Hooks interface {
	Run(context.Context, act.Ending) error
}

// restPatience is the time from EC2's word that it stops or hibernates the
// instance until the machine rests.
const restPatience = 3 * time.Minute

// outcome is what became of an end that was decided for idleness.
type outcome struct {
	err error // nil: it was not carried out because something new was learnt
}

// retire carries out an end for another cause than the deadline, in a
// goroutine of its own. It is called off by its context.
func (a *agent) retire(ctx context.Context, d core.Decision) {
	select {
	case a.retiring <- struct{}{}:
		defer func() { <-a.retiring }()
	case <-ctx.Done():
		return
	}
	if d.Cause == core.Idle && a.learntBetter(ctx, d) {
		a.outcomes.put(outcome{})
		a.wake()
		return
	}
	a.messages.put(message{text: finalText(d)})
	a.reports.put(a.fill(report{phase: phaseOf(d.Does), deadline: d.Deadline, why: d.Why}))
	a.runHooks(ctx, d)
	if ctx.Err() != nil {
		return
	}
	var err error
	switch d.Does {
	case lifecycle.Stop:
		err = a.rest(ctx, "stop", Cloud.Stop)
	case lifecycle.Hibernate:
		err = a.rest(ctx, "hibernate", Cloud.Hibernate)
	default:
		err = a.terminateForGood(ctx, d)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.outcomes.put(outcome{err: err})
		a.wake()
	default:
		close(a.finished)
	}
}

// learntBetter takes the last look at the tags before an idle action: a policy
// that was changed a moment ago wins. No answer changes nothing.
func (a *agent) learntBetter(ctx context.Context, d core.Decision) bool {
	bounded, cancel := context.WithTimeout(ctx, confirmPatience)
	defer cancel()
	if err := a.readMetadata(bounded); err != nil {
		a.Log.WarnContext(ctx, "the tags could not be read before the idle action", "error", err)
	}
	return !a.known.current().Idle.Equal(d.Policy.Idle)
}

// runHooks gives the hooks of an end their time, all hooks of this agent one
// after the other.
func (a *agent) runHooks(ctx context.Context, d core.Decision) {
	if a.Hooks == nil || d.Hooks <= 0 {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, d.Hooks)
	defer cancel()
	select {
	case a.hooking <- struct{}{}:
		defer func() { <-a.hooking }()
	case <-bounded.Done():
		return
	}
	action := string(d.Does)
	if d.Notice.Action != "" {
		action = d.Notice.Action
	}
	end := act.Ending{Reason: d.Why, Action: action, PreStop: d.Policy.PreStop}
	end.At, _ = bounded.Deadline()
	if d.Cause == core.Deadline {
		end.At = d.At
	}
	if err := a.Hooks.Run(bounded, end); err != nil {
		a.Log.ErrorContext(ctx, "not all hooks did their work", "cause", d.Cause, "error", err)
	}
}

// prepare gets ready for an end that waits for nothing, in a goroutine of its
// own: the hooks, and before an interruption the disks.
func (a *agent) prepare(ctx context.Context, d core.Decision) {
	a.runHooks(ctx, d)
	if d.Cause == core.Cause(core.SpotInterruption) && a.Sync != nil {
		a.Sync(ctx)
		a.Log.InfoContext(ctx, "ready for the interruption: the rest is EC2's", "action", d.Notice.Action, "at", d.Notice.At)
	}
}

// rest asks EC2 to stop or hibernate the instance and waits for that to
// happen. When it returns, the instance runs on, and the error says why. It is
// never turned into a power-off, which would terminate the instance.
func (a *agent) rest(ctx context.Context, what string, ask func(Cloud, context.Context) error) error {
	cloud := a.known.reach()
	if cloud == nil {
		return fmt.Errorf("%s: it is not known which instance this is", what)
	}
	if a.Sync != nil {
		a.Sync(ctx)
	}
	if err := ask(cloud, ctx); err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "EC2 agreed to "+what+" this instance")
	if err := wait(ctx, restPatience); err != nil {
		return err
	}
	return fmt.Errorf("%s: EC2 agreed, but nothing happened for %s", what, restPatience)
}

// phaseOf is the phase of an instance to which this is being done.
func phaseOf(does lifecycle.IdleAction) lifecycle.Phase {
	switch does {
	case lifecycle.Stop:
		return lifecycle.PhaseStopping
	case lifecycle.Hibernate:
		return lifecycle.PhaseHibernating
	default:
		return lifecycle.PhaseEnding
	}
}
