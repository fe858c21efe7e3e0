package run

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// message is something to tell the users of the machine.
type message struct {
	text      string        // all that stands; with calledOff, what no longer does
	calledOff bool          // nothing stands any more
	delivered chan struct{} // closed when they were told, or could not be; nil if nobody waits
}

// report is something to tell whoever looks at the instance's status tag.
type report struct {
	phase     lifecycle.Phase
	deadline  lifecycle.Deadline
	idle      lifecycle.IdleWatch
	next      time.Time // of an end that users were warned of and that is not the deadline
	script    lifecycle.ScriptFate
	why       string
	delivered chan struct{} // closed when the tag was written; nil if nobody waits
}

// sameAs tells that r says nothing that other did not.
func (r report) sameAs(other report) bool {
	return r.phase == other.phase && r.deadline == other.deadline && r.idle == other.idle &&
		r.next.Equal(other.next) && r.script == other.script && r.why == other.why
}

const (
	tellTimeout    = 5 * time.Second // for one try to write the status tag
	firstTellRetry = time.Second     // after a failed try; doubled each time
	lastTellRetry  = time.Minute     // the longest pause between two tries
	warnTimeout    = 10 * time.Second
)

// warningText is what users read. It says what will happen and when, and what
// they can do about it.
func warningText(d core.Decision) string {
	at, left := lifecycle.DeadlineAt(d.At), lifecycle.FormatDuration(max(d.Left.Round(time.Second), 0))
	switch d.Cause {
	case core.Deadline:
		return fmt.Sprintf("spawn: this instance ENDS at %s, in %s. Its disk will be gone. To keep it longer, run `spawn extend` where you launched it.", at, left)
	case core.Idle:
		return fmt.Sprintf("spawn: this instance %s at %s, in %s, because nobody uses it: %s. To keep it, type something, or run `sudo spored keepalive 30m`.",
			fate(d.Does), at, left, d.Why)
	case core.Completed:
		return fmt.Sprintf("spawn: this instance ENDS in at most %s: %s. Its disk will be gone.", left, d.Why)
	default:
		return "spawn: " + d.Why + "."
	}
}

// fate is what an action means for an instance, in capitals where work is lost.
func fate(does lifecycle.IdleAction) string {
	switch does {
	case lifecycle.Stop:
		return "STOPS (its disk is kept, what runs is not)"
	case lifecycle.Hibernate:
		return "hibernates (its disk and memory are kept)"
	default:
		return "ENDS (its disk will be gone)"
	}
}

// finalText is what users read when there is nothing left to be done.
func finalText(d core.Decision) string {
	if d.Cause == core.Deadline {
		return fmt.Sprintf("spawn: this instance ends NOW: its deadline %s has come.", d.Deadline)
	}
	return fmt.Sprintf("spawn: this instance now %s: %s.", fate(d.Does), d.Why)
}

// warn tells users, in a goroutine of its own because terminals and disks can
// hang.
func (a *agent) warn(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-a.messages.c:
			a.deliver(ctx, m)
		}
	}
}

func (a *agent) deliver(ctx context.Context, m message) {
	ctx, cancel := context.WithTimeout(ctx, warnTimeout)
	defer cancel()
	tell := a.Warner.Warn
	if m.calledOff {
		tell = a.Warner.CallOff
	}
	if err := tell(ctx, m.text); err != nil {
		a.Log.ErrorContext(ctx, "users were not all told", "text", m.text, "error", err)
	}
	if m.delivered != nil {
		close(m.delivered)
	}
}

// report writes the status tag, in a goroutine of its own. It goes on trying
// until the tag is written or there is something newer to write.
func (a *agent) report(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-a.known.known: // before that there is nothing to write to
	}
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-a.reports.c:
			a.tellUntilWritten(ctx, r)
		}
	}
}

// tellUntilWritten writes r, or what came after it. Of a row of failures the
// first is logged. It gives up only when ctx ends.
func (a *agent) tellUntilWritten(ctx context.Context, r report) {
	pause := firstTellRetry
	for {
		err := a.tell(ctx, r)
		if err == nil || ctx.Err() != nil {
			return
		}
		if pause == firstTellRetry {
			a.Log.WarnContext(ctx, "the status tag cannot be written: trying on", "phase", r.phase, "error", err)
		}
		newer := a.newerReport(ctx, pause)
		pause = min(2*pause, lastTellRetry)
		if newer != nil {
			r, pause = *newer, firstTellRetry
		}
	}
}

// newerReport waits for a pause and returns the report that came meanwhile, or
// nil.
func (a *agent) newerReport(ctx context.Context, pause time.Duration) *report {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case r := <-a.reports.c:
		return &r
	case <-ctx.Done():
	case <-timer.C:
	}
	return nil
}

// tell tries once to write the status tag.
func (a *agent) tell(ctx context.Context, r report) error {
	bounded, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	status := lifecycle.Status{
		Phase:    r.phase,
		Deadline: r.deadline,
		OSTimer:  a.osTimerSeen(),
		Agent:    a.Version,
		At:       a.wall(),
		Idle:     r.idle,
		Next:     r.next,
		Script:   r.script,
		Why:      r.why,
	}
	if err := a.known.reach().Tell(bounded, status); err != nil {
		a.known.locked(func() { a.known.told.err = err.Error() })
		return err
	}
	a.known.locked(func() { a.known.told = told{value: status.String(), at: status.At} })
	a.Log.InfoContext(ctx, "the status tag was written", "phase", r.phase, "deadline", r.deadline)
	if r.delivered != nil {
		close(r.delivered)
	}
	return nil
}

// osTimerSeen tells that the operating system's own timer is armed.
func (a *agent) osTimerSeen() bool { return a.OSTimerMark != "" && sense.Exists(a.OSTimerMark) }
