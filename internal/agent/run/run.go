// Package run is spored itself: the loop that joins what is sensed, what is
// decided and what is done.
//
// One goroutine watches the clock and does nothing that can block until the
// deadline has come. Everything slow has a goroutine of its own: reading the
// metadata, sensing the machine's use, keeping things on disk, running hooks,
// stopping an idle instance, telling users, the service manager and the log,
// writing the status tag. Between them are slots that hold the latest message
// and never fill up. That is what makes the deadline independent of every
// sensor, hook, disk and network.
//
// run touches nothing by itself: what it may do is handed to it (Options).
package run

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/control"
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
	Stop(context.Context) error
	Hibernate(context.Context) error
	CancelSpot(ctx context.Context, request string) error
	Tell(context.Context, lifecycle.Status) error
}

// Warner reaches whoever uses the machine. *act.Users and act.Journal are
// two.
type Warner interface {
	Warn(ctx context.Context, text string) error
	CallOff(ctx context.Context, text string) error
}

// Server lets the instance ask the agent and command it, until ctx ends.
// *control.Server is the real one.
type Server interface {
	Serve(context.Context, control.Agent)
}

// Options are what an agent is made of. What may be left out says so.
type Options struct {
	Log      *slog.Logger // must not block; package logs makes such ones
	Version  string
	Now      func() time.Time // the wall clock
	Metadata Metadata
	Cloud    func(sense.Identity) Cloud // called once, when the identity is known
	Warner   Warner

	Sensor  Sensor                // nil: the use of the instance is unknown, so it is never idle
	Notices NoticeBoard           // nil: EC2's notices are not read
	Hooks   Hooks                 // nil: there are none
	Sync    func(context.Context) // writes what is in memory to the disks; nil if there are none of this agent's
	Control Server                // nil: nobody can ask

	// PowerOff is the way to end when the API does not. When it returns nil
	// the machine is off, or ctx has ended, and Run returns.
	PowerOff func(context.Context) error

	// Notify tells the service manager; nil if there is none.
	Notify func(state string) error

	PolicyFile   string // the policy that the bootstrap wrote; "" if there is none
	InstanceFile string // the id of the instance that PolicyFile was written for; "" if not recorded
	StateDir     string // where the last good policy is kept; "" to keep none
	ScriptsFile  string // how the user's scripts fared, for whoever asks; "" if nobody writes it
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
	// How late an action may be after a clock jump, once users were warned of
	// an end and before; the deadline itself is met exactly.
	tick   = time.Second
	seldom = 4 * time.Second

	aliveEvery = 20 * time.Second // well within the unit's WatchdogSec

	confirmPatience = 2 * time.Second  // for the last look at the tags before ending
	bootPatience    = 60 * time.Second // the same, for a deadline that had passed before the agent started
)

// agent is a running spored.
type agent struct {
	Options
	started  time.Time // by Now
	begun    time.Time // by the machine's own clock, which stands still while it is suspended
	known    *knowledge
	messages slot[message]      // for the users
	reports  slot[report]       // for the status tag
	states   slot[string]       // for the service manager
	memories slot[sense.Memory] // for the disk
	outcomes slot[outcome]      // of idle actions

	hands    sync.WaitGroup // the goroutines that carry decisions out
	retiring chan struct{}  // held by the one that retires the instance
	hooking  chan struct{}  // held by the one that runs hooks
	finished chan struct{}  // closed when the machine is off
	woken    chan struct{}  // has something in it when there is news for who watches the clock

	// What follows belongs to the goroutine that watches the clock.
	state     core.State
	board     board
	withdraw  context.CancelFunc // takes back the end that is being carried out; nil if there is none
	retired   lifecycle.Phase    // that end's; "" if there is none
	announced report             // the last one that announce made
	failure   string             // why the last idle action failed
	news      string             // why a warning was called off
	kept      time.Time          // the keepalive that was remembered last
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
		begun:    time.Now(),
		known:    newKnowledge(),
		messages: newSlot[message](),
		reports:  newSlot[report](),
		states:   newSlot[string](),
		memories: newSlot[sense.Memory](),
		outcomes: newSlot[outcome](),
		retiring: make(chan struct{}, 1),
		hooking:  make(chan struct{}, 1),
		finished: make(chan struct{}),
		woken:    make(chan struct{}, 1),
	}
	a.load(ctx)
	a.recall(ctx)
	a.messages.put(message{calledOff: true}) // of an earlier life
	a.notify(ctx, "READY=1")

	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	for _, loop := range []func(context.Context){
		a.watch, a.senseUse, a.readNotices, a.warn, a.report, a.tellManager, a.writeMemory, a.serve,
	} {
		others.Go(func() { loop(ctx) })
	}
	a.keepTime(ctx)
	cancel()
	a.hands.Wait()
	others.Wait()
	a.notify(context.WithoutCancel(ctx), "STOPPING=1")
	return nil
}

// wall is the time on the wall. Go's times also carry a monotonic reading,
// which stands still while a machine is suspended: it is taken off.
func (a *agent) wall() time.Time { return a.Now().Round(0) }

// elapsed is for how long the agent runs, time in suspension left out.
func (a *agent) elapsed() time.Duration { return time.Since(a.begun) }

// untilNext is the time until the agent has run for a multiple of so long.
// What is done again and again waits for that, so that it is done at the same
// moments as the rest (all pauses are multiples of four seconds): to wake a
// processor costs more than what it is woken for.
func (a *agent) untilNext(every time.Duration) time.Duration {
	return every - a.elapsed()%every
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
