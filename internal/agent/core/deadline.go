package core

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// deadlineLeads are the times before the deadline at which users are warned.
// What is nearer than a warning when it becomes known is warned of at once,
// and once.
func deadlineLeads() [2]time.Duration { return [2]time.Duration{5 * time.Minute, time.Minute} }

// deadlineState is what has been decided about the deadline.
type deadlineState struct {
	armed    lifecycle.Deadline // the deadline that the rest is about
	passed   int                // how many of deadlineLeads are behind us
	warned   bool               // a warning was given and not called off
	prepared bool               // the hooks were sent on their way
	ended    bool               // End was decided
}

// deadlineDue arms, warns and ends, and tells that the deadline has
// come. It looks at nothing but the deadline and the clock.
//
// A policy without a deadline takes none away: the armed one holds.
func (s *step) deadlineDue() (over bool) {
	d := &s.deadline
	moved := !s.Policy.Deadline.IsZero() && s.Policy.Deadline != d.armed
	if moved {
		*d = deadlineState{armed: s.Policy.Deadline, warned: d.warned, prepared: d.prepared}
	}
	if d.armed.IsZero() {
		return false
	}
	left, about := d.armed.Left(s.Now), Decision{Cause: Deadline, Does: lifecycle.Terminate}
	if left > HookTime {
		d.prepared = false
	}

	switch due := warningsDue(left, deadlineLeads()); {
	case due > d.passed:
		d.passed, d.warned = due, true
		about.Action = Warn
		s.decide(about, d.armed.Time(), "%s left until the deadline %s", say(left), d.armed)
	case due == 0 && moved && d.warned:
		d.warned = false
		about.Action = CallOff
		s.decide(about, d.armed.Time(), "the deadline was moved to %s, %s from now", d.armed, say(left))
	}
	if !d.armed.Passed(s.Now) {
		return false
	}
	if !d.ended {
		d.ended = true
		about.Action = End
		s.decide(about, d.armed.Time(), "the deadline %s has come", d.armed)
	}
	return true
}

// prepareDeadline sends the hooks on their way shortly before the deadline,
// unless those of another end are: they are run once.
func (s *step) prepareDeadline() {
	d := &s.deadline
	left := d.armed.Left(s.Now)
	if d.armed.IsZero() || left > HookTime || d.prepared || s.completed || s.idle.pending || s.interrupted() {
		return
	}
	d.prepared = true
	s.decide(Decision{Action: Prepare, Cause: Deadline, Does: lifecycle.Terminate, Hooks: left}, d.armed.Time(),
		"%s left until the deadline %s, which does not wait for hooks", say(left), d.armed)
}
