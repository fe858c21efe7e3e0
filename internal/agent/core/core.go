// Package core decides what spored does and says why. It is a pure function
// of what is known and what time it is: it reads nothing, writes nothing,
// starts nothing and has no clock, so a month of an instance's life can be
// tried in milliseconds.
//
// Its rules, in the order of their rank:
//
//   - The deadline ends the instance, on time, whatever else is going on.
//   - The workload's own word that it is done ends it.
//   - A Spot interruption is prepared for, once.
//   - An instance that nobody used for longer than its idle timeout is
//     terminated, stopped or hibernated. Unknown is never idle.
//
// Users are warned before any of them.
package core

import (
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Action is something that spored does.
type Action int

// The actions.
const (
	// Warn tells whoever uses the instance what will happen to it, and when.
	Warn Action = iota + 1
	// CallOff takes the warnings of a cause back.
	CallOff
	// Prepare runs the hooks for at most Decision.Hooks, ahead of an end that
	// waits for nothing.
	Prepare
	// End ends the instance as Decision.Does says, after its hooks had
	// Decision.Hooks to run. For the deadline that is none.
	End
	// Withdraw takes an End back that was decided for a cause other than the
	// deadline, if it was not carried out yet.
	Withdraw
)

// String names the action for the log.
func (a Action) String() string {
	switch a {
	case Warn:
		return "warn"
	case CallOff:
		return "call off"
	case Prepare:
		return "prepare"
	case End:
		return "end"
	case Withdraw:
		return "withdraw"
	default:
		return fmt.Sprintf("action %d", int(a))
	}
}

// Cause is what a decision is about.
type Cause string

// The causes, apart from those that a notice has: its kind.
const (
	Deadline  Cause = "deadline"
	Idle      Cause = "idle"
	Completed Cause = "completed"
)

// Decision is an action together with all that led to it.
type Decision struct {
	Action   Action
	Cause    Cause
	Why      string               // in a person's words
	Does     lifecycle.IdleAction // what End does, and what a warning is about; "" where EC2 does something else
	Hooks    time.Duration        // how long the hooks may take; 0: they are not run
	Notice   Notice               // the one it is about, if it is about one
	Deadline lifecycle.Deadline   // the deadline that was armed
	Now      time.Time            // the time it was decided at
	At       time.Time            // when what it is about happens; zero: unknown
	Left     time.Duration        // until At; negative once it has passed
	Policy   lifecycle.Policy     // the policy it was decided by
	Signals  []Signal             // the sample it was decided by
}

// HookTime is how long hooks may take before an end.
const HookTime = 2 * time.Minute

// State is what has been decided so far. The zero State is that of an agent
// that has just started.
type State struct {
	deadline  deadlineState
	idle      idleState
	completed bool // the end was decided because the workload is done
	notices   noticeState

	begun   bool          // there was a Decide before
	now     time.Time     // of the last Decide
	elapsed time.Duration // of the last Decide
}

// Deadline is the deadline that is armed; zero if none is known yet.
func (s State) Deadline() lifecycle.Deadline { return s.deadline.armed }

// Warned tells that users were warned of an end that is still to come.
func (s State) Warned() bool { return s.deadline.warned || s.idle.warnings > 0 || s.completed }

// Completed tells that the instance ends because its workload is done.
func (s State) Completed() bool { return s.completed }

// step is a decision in the making: a state on its way from one moment to the
// next.
type step struct {
	State
	Input
	decisions []Decision
}

// Decide returns what is to be done now and the state after it. The decisions
// are in the order in which they are to be carried out: an instance is never
// ended before its users were warned, at the latest in the same breath. None
// of them waits for a sample, a notice or a hook but the one that is about it.
func (s State) Decide(in Input) (State, []Decision) {
	st := step{State: s, Input: in}
	leapt, by := st.clock()
	if st.deadlineDue() {
		// Nothing else matters any more. If a later deadline is proved after all,
		// idleness begins afresh: nobody listened meanwhile.
		st.used(st.Elapsed, "the deadline had come")
		return st.State, st.decisions
	}
	st.complete()
	st.readNotices(leapt)
	st.watchUse(leapt, by)
	st.prepareDeadline()
	return st.State, st.decisions
}

// leapTolerance is by how much the two clocks may part between two decisions
// before the machine counts as suspended and resumed, or its clock as set.
// chrony steps a clock that is wrong by more than a second only in its first
// updates, and slews it from then on.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-ec2-ntp.html
const leapTolerance = 10 * time.Second

// clock takes note of the time and tells whether the wall clock leapt since
// the last decision, and by how much.
func (s *step) clock() (leapt bool, by time.Duration) {
	if s.begun {
		by = s.Now.Sub(s.now) - (s.Elapsed - s.elapsed)
		leapt = by.Abs() > leapTolerance
	} else {
		s.notices.prepared = -s.notices.pause()
	}
	s.begun, s.now, s.elapsed = true, s.Now, s.Elapsed
	return leapt, by
}

// decide adds a decision about something that happens at a time; d holds what
// is particular to it.
func (s *step) decide(d Decision, at time.Time, format string, args ...any) {
	d.Why = fmt.Sprintf(format, args...)
	d.Deadline, d.Now, d.At = s.deadline.armed, s.Now, at
	if !at.IsZero() {
		d.Left = at.Sub(s.Now)
	}
	d.Policy, d.Signals = s.Policy, s.Signals
	s.decisions = append(s.decisions, d)
}

// warningsDue counts the warnings that should have been given with so much
// time left; leads are their times before the end, the longest first.
func warningsDue(left time.Duration, leads [2]time.Duration) (due int) {
	for _, lead := range leads {
		if left <= lead {
			due++
		}
	}
	return due
}

// say is a length of time as people are told it: whole seconds, never less
// than none.
func say(d time.Duration) string {
	return lifecycle.FormatDuration(max(0, d).Round(time.Second))
}
