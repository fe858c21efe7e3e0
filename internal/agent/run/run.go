// Package run is spored itself: the loop that joins what is sensed, what is
// decided and what is done.
//
// One goroutine watches the clock and does nothing that can block until the
// deadline has come. Everything slow has a goroutine of its own: reading the
// metadata, keeping the policy on disk, telling users, writing the status tag.
// Between them are slots that hold the latest message and never fill up. That
// is what makes the deadline independent of every sensor, disk and network.
//
// run touches nothing by itself: what it may do is handed to it (Options).
package run

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Metadata is what the agent reads from the metadata service. *sense.Metadata
// is the real one.
type Metadata interface {
	Identity(context.Context) (sense.Identity, error)
	Tags(context.Context) (map[string]string, error)
}

// Cloud is what the agent can ask EC2 to do with its own instance.
// *act.Instance is the real one.
type Cloud interface {
	Terminate(context.Context) error
	Tell(context.Context, lifecycle.Status) error
}

// Warner reaches whoever uses the machine. *act.Users and act.Journal are
// two.
type Warner interface {
	Warn(ctx context.Context, text string) error
	CallOff(ctx context.Context, text string) error
}

// Options are what an agent is made of. All but Notify, WatchdogEvery and the
// files are needed.
type Options struct {
	Log      *slog.Logger
	Version  string
	Now      func() time.Time // the wall clock
	Metadata Metadata
	Cloud    func(sense.Identity) Cloud // called once, when the identity is known
	Warner   Warner

	// PowerOff is the way to end when the API does not. When it returns nil
	// the machine is off, or ctx has ended, and Run returns.
	PowerOff func(context.Context) error

	// Notify tells the service manager; nil if there is none.
	Notify func(state string) error

	PolicyFile   string // the policy that the bootstrap wrote; "" if there is none
	InstanceFile string // the id of the instance that PolicyFile was written for; "" if not recorded
	StateDir     string // where the last good policy is kept; "" to keep none
	OSTimerMark  string // the file that the operating system's timer leaves when it is armed; "" if there is none
}

// Validate names what is missing.
func (o Options) Validate() error {
	if o.Log == nil || o.Now == nil || o.Metadata == nil || o.Cloud == nil || o.Warner == nil || o.PowerOff == nil {
		return errors.New("the agent needs a log, a clock, metadata, a cloud, a warner and a way to power off")
	}
	return nil
}

const (
	tick = time.Second // how late an action may be after a clock jump; the deadline itself is met exactly

	aliveEvery = 20 * time.Second // well within the unit's WatchdogSec

	confirmPatience = 2 * time.Second  // for the last look at the tags before ending
	bootPatience    = 60 * time.Second // the same, for a deadline that had passed before the agent started
)

// agent is a running spored.
type agent struct {
	Options
	started  time.Time
	known    *knowledge
	messages slot[message] // for the users
	reports  slot[report]  // for the status tag

	// What follows belongs to the goroutine that watches the clock.
	state     core.State
	announced report // the last one that announce made
	lastAlive time.Time
}

// Run runs the agent until ctx ends, which ends nothing else: it returns nil
// and leaves the instance running, with the operating system's timer to end
// it. It also returns once PowerOff has done its work.
func Run(ctx context.Context, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	a := &agent{
		Options:  o,
		started:  o.Now(),
		known:    newKnowledge(),
		messages: newSlot[message](),
		reports:  newSlot[report](),
	}
	a.load(ctx)

	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	others.Go(func() { a.watch(ctx) })
	others.Go(func() { a.warn(ctx) })
	others.Go(func() { a.report(ctx) })
	a.notify(ctx, "READY=1")
	a.keepTime(ctx)
	a.notify(ctx, "STOPPING=1")
	cancel()
	others.Wait()
	return nil
}

// keepTime is the goroutine that watches the clock. It returns when ctx ends
// or the machine is off.
func (a *agent) keepTime(ctx context.Context) {
	for {
		if a.tick(ctx) {
			return
		}
		a.alive(ctx)
		pause := tick
		if d := a.state.Deadline(); !d.IsZero() {
			if left := d.Left(a.wall()); left > 0 {
				pause = min(pause, left)
			}
		}
		if wait(ctx, pause) != nil {
			return
		}
	}
}

// tick decides and acts once; it tells whether the agent is done.
func (a *agent) tick(ctx context.Context) (done bool) {
	if a.known.takeForeign() {
		a.state = core.State{}
	}
	state, decisions := a.state.Decide(a.known.current(), a.wall())
	for _, d := range decisions {
		if d.Action == core.End && a.laterDeadline(ctx, d) {
			return false // nothing of this tick holds: the next one sees the new deadline
		}
	}
	a.state = state
	for _, d := range decisions {
		a.Log.InfoContext(ctx, "decided", "action", d.Action, "why", d.Why, "deadline", d.Deadline, "left", d.Left)
		switch d.Action {
		case core.Warn:
			a.messages.put(message{text: warningText(d)})
		case core.CallOff:
			a.messages.put(message{text: "spawn: the end of this instance was put off: " + d.Why, calledOff: true})
		case core.End:
			a.notify(ctx, "WATCHDOG=1") // from here it may take a while
			a.end(ctx, d)
			return true
		}
	}
	a.announce()
	return false
}

// announce reports the armed deadline, or that users were warned of it, when
// that is news. It is the acknowledgement that spawn waits for; the first word
// is always that the agent is ready, however near the end is.
func (a *agent) announce() {
	r := report{phase: lifecycle.PhaseReady, deadline: a.state.Deadline()}
	if a.state.Warned() && a.announced != (report{}) {
		r.phase = lifecycle.PhaseWarned
	}
	if r.deadline.IsZero() || r == a.announced {
		return
	}
	a.announced = r
	a.reports.put(r)
}

// wall is the time on the wall. Go's times also carry a monotonic reading,
// which stands still while a machine is suspended: it is taken off.
func (a *agent) wall() time.Time { return a.Now().Round(0) }

// alive tells the service manager's watchdog, now and then, that the clock is
// being watched.
func (a *agent) alive(ctx context.Context) {
	if since := a.wall().Sub(a.lastAlive); since < aliveEvery && since >= 0 {
		return
	}
	a.lastAlive = a.wall()
	a.notify(ctx, "WATCHDOG=1")
}

func (a *agent) notify(ctx context.Context, state string) {
	if a.Notify == nil {
		return
	}
	if err := a.Notify(state); err != nil {
		a.Log.WarnContext(ctx, "the service manager was not told", "state", state, "error", err)
	}
}

// wait waits, or returns the error of a context that ended before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// slot holds the latest message of a kind. Putting one never blocks: it takes
// the place of an older one that nobody has fetched yet.
type slot[T any] struct{ c chan T }

func newSlot[T any]() slot[T] { return slot[T]{make(chan T, 1)} }

func (s slot[T]) put(v T) {
	for {
		select {
		case s.c <- v:
			return
		default:
		}
		select {
		case <-s.c:
		default:
		}
	}
}
