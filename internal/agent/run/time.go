package run

import (
	"context"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// keepTime is the goroutine that watches the clock. It returns when ctx ends
// or the machine is off.
func (a *agent) keepTime(ctx context.Context) {
	for {
		if a.tick(ctx) {
			return
		}
		a.alive()
		timer := time.NewTimer(a.pause())
		select {
		case <-timer.C:
		case <-a.woken:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		case <-a.finished:
			timer.Stop()
			return
		}
	}
}

// pause is the time until the next tick. The deadline is always met exactly;
// the ticks between are for leaps of the clock and for idleness, and each costs
// the processor a wake-up, so they are rare while nothing is near. What others
// learn wakes the clock's goroutine at once.
func (a *agent) pause() time.Duration {
	pause := a.untilNext(seldom)
	if a.state.Warned() {
		pause = tick
	}
	if d := a.state.Deadline(); !d.IsZero() {
		if left := d.Left(a.wall()); left > 0 {
			pause = min(pause, left)
		} else {
			pause = tick
		}
	}
	return pause
}

// wake lets the goroutine that watches the clock see what is new. It never
// blocks.
func (a *agent) wake() {
	select {
	case a.woken <- struct{}{}:
	default:
	}
}

// tick decides and acts once; it tells whether the agent is done.
func (a *agent) tick(ctx context.Context) (done bool) {
	if a.known.takeForeign() {
		a.state = core.State{}.Remember(a.state.Seen())
	}
	a.hearOutcome(ctx)
	in := a.known.input(a.wall(), a.elapsed())
	state, decisions := a.state.Decide(in)
	for _, d := range decisions {
		if isLast(d) && a.laterDeadline(ctx, d) {
			return false // nothing of this tick holds: the next one sees the new deadline
		}
	}
	a.state = state
	noticed := false
	for _, d := range decisions {
		a.Log.InfoContext(ctx, "decided", "action", d.Action, "cause", d.Cause, "why", d.Why, "deadline", d.Deadline, "left", d.Left)
		noticed = noticed || d.Notice.ID != ""
		if isLast(d) {
			a.known.locked(func() { a.known.phase = lifecycle.PhaseEnding })
			a.takeBack()
			a.states.put("WATCHDOG=1") // from here it may take a while
			a.lastWords(ctx, d)
			if err := a.end(ctx, d); err != nil && ctx.Err() == nil {
				a.Log.ErrorContext(ctx, "the instance was not ended", "error", err)
			}
			return true
		}
		a.carryOut(ctx, d)
	}
	if a.board.prune(in.Notices) {
		a.tellUsers("")
	}
	a.remember(in.KeepaliveUntil, noticed)
	a.announce(in)
	return false
}

// isLast tells the decision that ends all: the deadline's.
func isLast(d core.Decision) bool { return d.Action == core.End && d.Cause == core.Deadline }

// carryOut does what was decided, or has it done: it never waits.
func (a *agent) carryOut(ctx context.Context, d core.Decision) {
	switch d.Action {
	case core.Warn:
		a.failure, a.news = "", ""
		a.board.put(d, warningText(d))
		a.tellUsers("")
	case core.CallOff:
		a.news = d.Why
		if a.board.remove(d.Cause) {
			a.tellUsers("spawn: a warning no longer holds: " + d.Why + ".")
		}
	case core.Prepare:
		a.hands.Go(func() { a.prepare(ctx, d) })
	case core.Withdraw:
		a.takeBack()
	case core.End:
		retired, cancel := context.WithCancel(ctx)
		a.withdraw, a.retired = cancel, phaseOf(d.Does)
		a.hands.Go(func() { defer cancel(); a.retire(retired, d) })
	}
}

// takeBack withdraws the end that is being carried out, if there is one.
func (a *agent) takeBack() {
	if a.withdraw != nil {
		a.withdraw()
		a.withdraw, a.retired = nil, ""
	}
}

// hearOutcome learns that an idle action was not carried out.
func (a *agent) hearOutcome(ctx context.Context) {
	select {
	case o := <-a.outcomes.c:
		a.takeBack()
		if o.err == nil {
			a.state = a.state.Withdrawn()
			return
		}
		a.Log.ErrorContext(ctx, "the idle action failed: the instance runs on, and its deadline holds", "error", o.err)
		a.state, a.failure = a.state.Failed(a.elapsed()), o.err.Error()
		a.board.remove(core.Idle)
		a.tellUsers("spawn: this instance runs on: it could not be retired: " + o.err.Error() + ". Its deadline holds.")
	default:
	}
}

// tellUsers tells users all that stands, after what no longer does.
func (a *agent) tellUsers(gone string) {
	standing := a.board.text()
	switch {
	case standing == "":
		a.messages.put(message{text: gone, calledOff: true})
	case gone == "":
		a.messages.put(message{text: standing})
	default:
		a.messages.put(message{text: gone + "\n" + standing})
	}
}

// announce reports what is armed, what users were warned of and what went
// wrong, when that is news. It is the acknowledgement that spawn waits for; the
// first word is always that the agent is ready, however near the end is.
func (a *agent) announce(in core.Input) {
	r := a.standing(in)
	a.known.locked(func() { a.known.state, a.known.decidedOn, a.known.phase = a.state, in, r.phase })
	switch {
	case r.deadline.IsZero() && r.idle.Timeout == 0, r.sameAs(a.announced):
	case a.retired != "":
		// The one who carries the end out reports.
	default:
		a.announced = r
		a.reports.put(r)
	}
}

// standing is what there is to report.
func (a *agent) standing(in core.Input) report {
	r := report{phase: lifecycle.PhaseReady, deadline: a.state.Deadline(), idle: in.Policy.Idle.Watch(), script: a.known.scriptFate(), why: a.news}
	end := a.board.end()
	switch {
	case a.announced.phase == "":
	case a.retired != "":
		r.phase = a.retired
	case a.failure != "":
		r.phase, r.why = lifecycle.PhaseFailed, a.failure
	case end != nil && end.cause == core.Deadline:
		r.phase = lifecycle.PhaseWarned
	case end != nil:
		r.phase, r.why, r.next = lifecycle.PhaseWarned, end.why, end.at
	case len(a.board) > 0:
		r.why = a.board[len(a.board)-1].why
	}
	return r
}

// fill adds to a report what all reports say.
func (a *agent) fill(r report) report {
	r.idle, r.script = a.known.current().Idle.Watch(), a.known.scriptFate()
	return r
}
