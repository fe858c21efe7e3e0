package core

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Signal is what one sensor says about the use of the instance.
type Signal struct {
	Name   string    // cpu, network, gpu, keyboard, process, file, keepalive, containers: a word that a person knows
	Active bool      // the instance is in use, as far as this sensor can tell
	Detail string    // the reading and its limit, in a person's words: "CPU 43 % of 2 processors over 5m (idle below 5 %)"
	Last   time.Time // when the activity was, for sensors that know (keyboard); zero: now, if Active
	Err    error     // the sensor failed: that counts as activity, and is said
}

// NoticeKind is what EC2 gives notice of.
type NoticeKind string

// The kinds of notices.
const (
	SpotInterruption NoticeKind = "spot interruption" // EC2 takes a Spot instance back
	Rebalance        NoticeKind = "rebalance"         // a Spot interruption has become more likely
	ScheduledEvent   NoticeKind = "scheduled event"   // maintenance: a reboot, a stop, a retirement
)

// Notice is word from EC2 that something will happen to the instance.
type Notice struct {
	Kind   NoticeKind
	ID     string    // the same notice read twice has the same
	Action string    // terminate, stop, hibernate; reboot, …
	At     time.Time // when; zero: unknown
}

// Completion is the workload's word that it is done.
type Completion struct {
	Status string // ok or failed
}

// Input is all that a decision is made from.
//
// Two clocks run through it. Now is the time on the wall, which deadlines are
// about and which can leap. Elapsed runs steadily while the machine runs and
// stands still while it is suspended; idleness is measured by it, so that no
// leap of the wall clock makes an instance idle.
type Input struct {
	Now            time.Time
	Elapsed        time.Duration // since the agent started
	Policy         lifecycle.Policy
	Signals        []Signal      // the latest sample; nil: none yet
	Sampled        time.Duration // when that sample was begun, as Elapsed was then
	Notices        []Notice      // those that stand now
	KeepaliveUntil time.Time     // a person asked for the instance to be left alone until then; zero: nobody did
	Completed      *Completion   // nil: the workload did not say that it is done
}
