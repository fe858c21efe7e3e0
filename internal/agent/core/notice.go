package core

import (
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	// spotWarning is how long before an interruption EC2 gives notice of it,
	// at most.
	//
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
	spotWarning = 2 * time.Minute
	// syncMargin is what is left of it, after the hooks, for the disks.
	syncMargin = 10 * time.Second
	// unknownWarning is taken for the time left when a notice does not say
	// when.
	unknownWarning = 30 * time.Second
	// maxSeen is how many notices are remembered: more than an instance ever
	// has at once.
	maxSeen = 32
)

// noticeState is what has been decided about EC2's notices.
type noticeState struct {
	seen     []string      // the ids of those that were acted on, the oldest first
	prepared time.Duration // when an interruption was prepared for last, by Input.Elapsed
}

// pause is for how long after an interruption was prepared for there is no
// other: a notice that is reworded while it stands is still the same end.
func (noticeState) pause() time.Duration { return spotWarning + time.Minute }

// Seen are the ids of the notices that were acted on: what an agent must
// remember when it is restarted.
func (s State) Seen() []string { return slices.Clone(s.notices.seen) }

// Remember returns the state of an agent that acted on notices before it was
// restarted.
func (s State) Remember(seen []string) State {
	s.notices.seen = slices.Clone(seen[max(0, len(seen)-maxSeen):])
	return s
}

// readNotices acts on each notice once. After a leap of the clock the machine
// may live again after an interruption: the next one is another.
func (s *step) readNotices(leapt bool) {
	if leapt {
		s.notices.prepared = s.Elapsed - s.notices.pause()
	}
	for _, n := range s.Notices {
		if slices.Contains(s.notices.seen, n.ID) {
			continue
		}
		// A new slice each time: the state before this step may still be looked at.
		s.notices.seen = slices.Concat(s.notices.seen[max(0, len(s.notices.seen)-maxSeen+1):], []string{n.ID})
		s.decide(Decision{Action: Warn, Cause: Cause(n.Kind), Notice: n}, n.At, "%s", n.words(s.Now))
		if n.Kind == SpotInterruption {
			s.prepareInterruption(n)
		}
	}
}

// prepareInterruption runs the hooks within the time that EC2 leaves, and
// leaves the rest to EC2. A hibernation may begin at once and keeps what is in
// memory: nothing is run before it.
func (s *step) prepareInterruption(n Notice) {
	if s.Elapsed-s.notices.prepared < s.notices.pause() {
		return
	}
	s.notices.prepared = s.Elapsed
	s.withdraw("EC2 interrupts this Spot instance")
	left := unknownWarning
	if !n.At.IsZero() {
		left = min(n.At.Sub(s.Now), spotWarning) - syncMargin
	}
	hooks := max(0, left)
	if n.Action == string(lifecycle.Hibernate) || s.completed || s.deadline.prepared {
		hooks = 0
	}
	s.decide(Decision{Action: Prepare, Cause: Cause(n.Kind), Notice: n, Hooks: hooks}, n.At, "%s", n.words(s.Now))
}

// interrupted tells that EC2 is about to interrupt this Spot instance.
func (s *step) interrupted() bool {
	return slices.ContainsFunc(s.Notices, func(n Notice) bool {
		return n.Kind == SpotInterruption && (n.At.IsZero() || s.Now.Before(n.At.Add(s.notices.pause())))
	})
}

// words say in a person's words what EC2 gives notice of.
func (n Notice) words(now time.Time) string {
	when := "at a time that it does not say"
	if !n.At.IsZero() {
		when = "at " + n.At.UTC().Format(time.RFC3339) + ", in " + say(n.At.Sub(now))
	}
	switch n.Kind {
	case SpotInterruption:
		return "EC2 takes this Spot instance back (" + n.Action + ") " + when
	case Rebalance:
		return "EC2 says that a Spot interruption of this instance has become more likely"
	case ScheduledEvent:
		return "EC2 has scheduled for this instance: " + n.Action + " " + when
	default:
		return "EC2 gives notice of " + string(n.Kind) + " " + when
	}
}
