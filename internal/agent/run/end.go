package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	lastWords         = time.Second            // users and the status tag may hold up the end so long
	terminatePatience = 10 * time.Second       // from the first call until the power is turned off
	terminateTimeout  = 3 * time.Second        // for one call
	firstRetry        = 250 * time.Millisecond // after a refused call; doubled each time
	lastRetry         = 2 * time.Second
)

// laterDeadline takes the last look at the tags before the end: one bounded
// look, and a later deadline wins. No answer proves nothing, so the end comes.
//
// A deadline that had passed before the agent started gets more patience: the
// instance may have been stopped, extended and started, and right after a boot
// the metadata can be late.
func (a *agent) laterDeadline(ctx context.Context, d core.Decision) bool {
	patience := confirmPatience
	if d.Deadline.Passed(a.started) {
		patience = max(patience, bootPatience-a.wall().Sub(a.started))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := a.readMetadata(ctx)
		if err == nil {
			break
		}
		if wait(ctx, firstRetry) != nil {
			a.Log.WarnContext(ctx, "the tags could not be read before the end", "error", err)
			break
		}
	}
	now := a.known.current().Deadline
	return now.IsZero() || now.Later(d.Deadline)
}

// end ends the instance: by the API, then by its power. It returns
// nil when the machine is off, or the error of ctx when that has ended, and
// gives up for nothing else.
func (a *agent) end(ctx context.Context, d core.Decision) error {
	for ctx.Err() == nil {
		err := a.terminate(ctx)
		if ctx.Err() != nil {
			break
		}
		a.Log.ErrorContext(ctx, "the instance was not ended by the API: turning the power off", "reason", err)
		err = a.PowerOff(ctx)
		if err == nil {
			return ctx.Err()
		}
		a.Log.ErrorContext(ctx, "the power could not be turned off: trying all again", "error", err)
		a.reports.put(a.fill(report{phase: lifecycle.PhaseFailed, deadline: d.Deadline, why: "cannot end: " + err.Error()}))
		a.states.put("WATCHDOG=1")
	}
	return ctx.Err()
}

// lastWords tells users and the status tag that the end has come, but waits
// for neither of them longer than a moment.
func (a *agent) lastWords(ctx context.Context, d core.Decision) {
	users, tag := make(chan struct{}), make(chan struct{})
	a.messages.put(message{text: finalText(d), delivered: users})
	a.reports.put(a.fill(report{phase: lifecycle.PhaseEnding, deadline: d.Deadline, why: d.Why, delivered: tag}))
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	for _, delivered := range []chan struct{}{tag, users} {
		select {
		case <-delivered:
		case <-ctx.Done():
			return
		}
	}
}

// terminate asks EC2 to end the instance until it agrees, then waits for that
// to happen. An instance without a role has nothing to ask with. Whenever it
// returns, the agent is still alive, or ctx has ended.
//
// A persistent Spot request is cancelled at the same time, because the deadline
// waits for nothing: a replacement that was started all the same finds the
// deadline past and ends at once.
func (a *agent) terminate(ctx context.Context) error {
	var cancelling sync.WaitGroup
	defer cancelling.Wait()
	cancelling.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, cancelPatience)
		defer cancel()
		if err := a.cancelSpot(bounded); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "the Spot request may start a replacement", "error", err)
		}
	})
	ctx, cancel := context.WithTimeout(ctx, terminatePatience)
	defer cancel()
	select {
	case <-a.known.known:
	case <-ctx.Done():
		return errors.New("it is not known which instance this is")
	}
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := a.terminateOnce(ctx)
		if err == nil {
			a.Log.InfoContext(ctx, "EC2 agreed to end this instance")
			<-ctx.Done()
			return fmt.Errorf("EC2 agreed, but nothing happened for %s", terminatePatience)
		}
		a.Log.WarnContext(ctx, "EC2 was asked to end this instance", "error", err)
		if errors.Is(err, act.ErrNoRole) || wait(ctx, pause) != nil {
			return err
		}
	}
}

func (a *agent) terminateOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, terminateTimeout)
	defer cancel()
	return a.known.reach().Terminate(ctx)
}
