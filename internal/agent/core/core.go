// Package core decides what spored does and says why. It is a pure function
// of what is known and what time it is: it reads nothing, writes nothing,
// starts nothing and has no clock, so a month of an instance's life can be
// tried in milliseconds.
//
// Today it knows the deadline. Idleness and Spot notices will be further
// inputs to Decide and further Actions from it.
package core

import (
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Action is something that spored does.
type Action int

// The actions. Each is decided at most once for a deadline; a deadline that
// moves starts afresh.
const (
	// Warn tells whoever uses the instance when it ends.
	Warn Action = iota + 1
	// CallOff takes a warning back: the deadline was moved far away.
	CallOff
	// End ends the instance.
	End
)

// String names the action for the log.
func (a Action) String() string {
	switch a {
	case Warn:
		return "warn"
	case CallOff:
		return "call off"
	case End:
		return "end"
	default:
		return fmt.Sprintf("action %d", int(a))
	}
}

// Decision is an action together with all that led to it.
type Decision struct {
	Action   Action
	Why      string             // in a person's words
	Deadline lifecycle.Deadline // the deadline it was decided for
	Now      time.Time          // the time it was decided at
	Left     time.Duration      // until the deadline; negative once it has passed
}

// warnAt are the times before the deadline at which users are warned, the
// earliest first. What is nearer than a warning when it becomes known is warned
// of at once, and once.
func warnAt() []time.Duration { return []time.Duration{5 * time.Minute, time.Minute} }

// State is what has been decided so far. The zero State is that of an agent
// that has just started.
type State struct {
	armed  lifecycle.Deadline // the deadline that the rest is about
	passed int                // how many of warnAt are behind us
	warned bool               // a warning was given and not called off
	ended  bool               // End was decided
}

// Deadline is the deadline that is armed; zero if none is known yet.
func (s State) Deadline() lifecycle.Deadline { return s.armed }

// Warned tells that users were warned of the armed deadline.
func (s State) Warned() bool { return s.warned }

// Decide returns what is to be done now and the state after it. The decisions
// are in the order in which they are to be carried out: an instance is never
// ended before its users were warned, at the latest in the same breath.
//
// A policy without a deadline takes none away: the armed one holds.
func (s State) Decide(p lifecycle.Policy, now time.Time) (State, []Decision) {
	moved := !p.Deadline.IsZero() && p.Deadline != s.armed
	if moved {
		s = State{armed: p.Deadline, warned: s.warned}
	}
	if s.armed.IsZero() {
		return s, nil
	}

	left := s.armed.Left(now)
	var decisions []Decision
	decide := func(a Action, format string, args ...any) {
		decisions = append(decisions, Decision{
			Action: a, Why: fmt.Sprintf(format, args...), Deadline: s.armed, Now: now, Left: left,
		})
	}

	switch due := warningsDue(left); {
	case due > s.passed:
		s.passed, s.warned = due, true
		decide(Warn, "%s left until the deadline %s", roundLeft(left), s.armed)
	case due == 0 && moved && s.warned:
		s.warned = false
		decide(CallOff, "the deadline was moved to %s, %s from now", s.armed, roundLeft(left))
	}
	if s.armed.Passed(now) && !s.ended {
		s.ended = true
		decide(End, "the deadline %s has come", s.armed)
	}
	return s, decisions
}

// warningsDue counts the warnings that should have been given with so much
// time left.
func warningsDue(left time.Duration) (due int) {
	for _, before := range warnAt() {
		if left <= before {
			due++
		}
	}
	return due
}

// roundLeft is a time left as people are told it: whole seconds, never less
// than none.
func roundLeft(left time.Duration) time.Duration {
	return max(0, left).Round(time.Second)
}
