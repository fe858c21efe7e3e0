package core

import (
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	// readingHolds is how old a sample may be. An older one says nothing about
	// now, and unknown is never idle.
	readingHolds = 30 * time.Second

	firstRetry = 10 * time.Minute // after a stop or hibernation that failed; doubled each time
	lastRetry  = time.Hour
)

// idleLeads are the times before an idle action at which users are warned: as
// before the deadline, but of a short timeout the larger part is still silent.
func idleLeads(timeout time.Duration) [2]time.Duration {
	return [2]time.Duration{min(5*time.Minute, timeout/2), min(time.Minute, timeout/4)}
}

// idleState is what has been decided about idleness. All its times are by
// Input.Elapsed.
type idleState struct {
	fresh    time.Duration // samples begun before are about another life
	active   time.Duration // the last known activity
	why      string        // what that was
	warnings int           // how many were given and not called off
	warned   time.Duration // when the first of them was
	retry    time.Duration // a failure holds the action back until then
	failures int           // in a row
	pending  bool          // the action was decided and is being carried out
	since    time.Duration // when that was
}

// Failed returns the state after an idle action could not be carried out: the
// instance runs on, and it is tried again later, each time later than before,
// with warnings of its own.
func (s State) Failed(elapsed time.Duration) State {
	pause := lastRetry
	if s.idle.failures < 3 {
		pause = firstRetry << s.idle.failures
	}
	s.idle.failures++
	s.idle.pending, s.idle.warnings = false, 0
	s.idle.retry = elapsed + pause
	return s
}

// Withdrawn returns the state after an idle action was not carried out because
// something new was learnt just before: all is decided again.
func (s State) Withdrawn() State {
	s.idle.pending = false
	return s
}

// watchUse follows the use of the instance and acts on its lack.
func (s *step) watchUse(leapt bool, by time.Duration) {
	i := &s.idle
	switch {
	case leapt:
		// A new life, or a clock that was wrong until now: nothing that was
		// measured across the leap means anything.
		s.withdraw("the clock leapt by %s: the machine was suspended, or its clock was set", by.Round(time.Second))
		i.fresh, i.retry, i.failures = s.Elapsed, 0, 0
		s.used(s.Elapsed, fmt.Sprintf("the clock leapt by %s", by.Round(time.Second)))
	case i.why == "":
		s.used(s.Elapsed, "the agent has just started")
	}
	said := s.listen()
	policy := s.Policy.Idle
	switch {
	case !i.pending:
	case !policy.On():
		s.withdraw("idleness does not end this instance any more")
	case said > i.since:
		s.withdraw("%s", i.why)
	default:
		return // it is being carried out
	}
	if !policy.On() || s.completed {
		s.idleCallOff("idleness does not end this instance any more")
		return
	}
	s.warnIdle(policy)
}

// warnIdle warns before an idle action, and decides it once a sample proves
// that nobody used the instance until it was due.
func (s *step) warnIdle(policy lifecycle.IdlePolicy) {
	i, leads := &s.idle, idleLeads(policy.Timeout)
	if max(i.active+policy.Timeout, i.retry)-s.Elapsed > leads[0] {
		s.idleCallOff("in use: " + i.why)
		return
	}
	about := Decision{Cause: Idle, Does: policy.Does()}
	if i.warnings == 0 {
		i.warned = s.Elapsed
	}
	left := s.idleDue(policy) - s.Elapsed
	if due := warningsDue(left, leads); due > i.warnings {
		i.warnings = due
		about.Action = Warn
		s.decide(about, s.Now.Add(left), "idle since %s (%s), and it may be so for %s",
			s.wall(i.active), i.why, lifecycle.FormatDuration(policy.Timeout))
	}
	if s.reading() == "" && s.Sampled >= s.idleDue(policy) {
		i.pending, i.since = true, s.Elapsed
		about.Action, about.Hooks = End, s.hookTime()
		s.decide(about, s.Now, "idle since %s (%s), longer than %s",
			s.wall(i.active), i.why, lifecycle.FormatDuration(policy.Timeout))
	}
}

// idleDue is when the idle action comes, by Input.Elapsed. However short the
// timeout has become, it comes no sooner after the first warning, or after now,
// than people were to be warned.
func (s *step) idleDue(policy lifecycle.IdlePolicy) time.Duration {
	warned := s.Elapsed
	if s.idle.warnings > 0 {
		warned = s.idle.warned
	}
	return max(s.idle.active+policy.Timeout, warned+idleLeads(policy.Timeout)[0], s.idle.retry)
}

// listen takes note of all activity. It returns when a person last gave a sign
// of life, which even an action that is being carried out is taken back for:
// the load of its own hooks is none.
func (s *step) listen() (said time.Duration) {
	said = -1
	if !s.KeepaliveUntil.IsZero() {
		said = s.Elapsed - max(0, s.Now.Sub(s.KeepaliveUntil))
		s.used(said, s.asked())
	}
	if s.interrupted() {
		s.used(s.Elapsed, "EC2 is about to interrupt this Spot instance")
	}
	if unknown := s.reading(); unknown != "" {
		s.used(s.Elapsed, unknown)
		return said
	}
	for _, signal := range s.Signals {
		switch {
		case signal.Err != nil:
			s.used(s.Sampled, signal.words())
		case !signal.Last.IsZero():
			at := s.Elapsed - max(0, s.Now.Sub(signal.Last))
			said = max(said, at)
			s.used(at, signal.words())
		case signal.Active:
			s.used(s.Sampled, signal.words())
		}
	}
	return said
}

// asked says what somebody asked for.
func (s *step) asked() string {
	return "asked to keep it alive until " + s.KeepaliveUntil.UTC().Format(time.RFC3339)
}

// reading is why the sample says nothing about now, or "" if it does.
func (s *step) reading() string {
	switch age := s.Elapsed - s.Sampled; {
	case len(s.Signals) == 0, s.Sampled < s.idle.fresh:
		return "no reading yet"
	case age > readingHolds:
		return "no reading for longer than " + say(readingHolds)
	default:
		return ""
	}
}

// used takes note of activity.
func (s *step) used(at time.Duration, why string) {
	if i := &s.idle; at > i.active || i.why == "" {
		i.active, i.why = at, why
	}
}

// withdraw takes an idle action back that is being carried out.
func (s *step) withdraw(format string, args ...any) {
	if s.idle.pending {
		s.idle.pending = false
		s.decide(Decision{Action: Withdraw, Cause: Idle, Does: s.Policy.Idle.Does()}, time.Time{}, format, args...)
	}
	s.idleCallOff(fmt.Sprintf(format, args...))
}

// idleCallOff takes the warnings of an idle action back.
func (s *step) idleCallOff(why string) {
	if s.idle.warnings > 0 {
		s.idle.warnings = 0
		s.decide(Decision{Action: CallOff, Cause: Idle, Does: s.Policy.Idle.Does()}, time.Time{}, "%s", why)
	}
}

// hookTime is how long the hooks of an end other than the deadline may take:
// never beyond the deadline.
func (s *step) hookTime() time.Duration {
	if s.deadline.armed.IsZero() {
		return HookTime
	}
	return max(0, min(HookTime, s.deadline.armed.Left(s.Now)))
}

// wall is a time by Input.Elapsed as the wall clock shows it.
func (s *step) wall(elapsed time.Duration) string {
	return s.Now.Add(elapsed - s.Elapsed).UTC().Format(time.RFC3339)
}

// words are what a signal says, in a person's words.
func (g Signal) words() string {
	switch {
	case g.Err != nil:
		return g.Name + " cannot be read, which counts as use: " + g.Err.Error()
	case g.Detail == "":
		return g.Name
	default:
		return g.Detail
	}
}
