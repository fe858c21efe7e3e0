package sense

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	// patience is how long Sense waits for its sensors.
	patience = 2 * time.Second

	// leap is by how much the wall clock may part from the machine's own clock
	// between two samples. More is a leap: somebody set the clock, or the
	// machine was suspended.
	leap = 30 * time.Second
)

// Machine is where the sensors look.
type Machine struct {
	Proc, Sys, Dev string               // where /proc, /sys and /dev are
	NvidiaSMI      []string             // absolute paths at which nvidia-smi may be
	Own            func() uint64        // bytes that the agent itself has moved over the interfaces, ever growing
	Elapsed        func() time.Duration // a clock that never leaps and stands still while the machine is suspended
}

// ThisMachine is the machine that the agent runs on. own meters the agent's own
// traffic (Metadata.Traffic).
func ThisMachine(own func() uint64) Machine {
	started := time.Now()
	return Machine{
		Proc:      "/proc",
		Sys:       "/sys",
		Dev:       "/dev",
		NvidiaSMI: []string{"/usr/bin/nvidia-smi", "/usr/local/bin/nvidia-smi", "/usr/local/nvidia/bin/nvidia-smi", "/opt/nvidia/bin/nvidia-smi"},
		Own:       own,
		Elapsed:   func() time.Duration { return time.Since(started) },
	}
}

// Activity tells by all of a machine's sensors whether it is in use.
//
// Each sensor has a goroutine of its own while it reads. What a sensor reads
// can hang for ever (a file system whose server is gone, a driver that is
// stuck) and no system call can be called off: Sense then goes on without it
// and says so, and starts no second reading of that sensor until the first has
// come back. So there is never more than one goroutine a sensor.
type Activity struct {
	elapsed  func() time.Duration
	patience time.Duration // what Sense may take
	posts    []*post

	epoch       int // counts the leaps of the clock
	begun       bool
	lastNow     time.Time
	lastElapsed time.Duration
}

// sensor reads one part of the machine. It is not called again before it has
// returned.
type sensor interface {
	sense(m moment) []core.Signal
}

// moment is when and for what a reading is taken.
type moment struct {
	now     time.Time     // on the wall
	elapsed time.Duration // by the machine's own clock
	epoch   int           // a reading of another epoch must not be compared with
	idle    lifecycle.IdlePolicy
}

// NewActivity returns the sensors of a machine. It reads nothing.
func NewActivity(m Machine) *Activity {
	look := sessions{proc: m.Proc}
	return &Activity{
		elapsed:  m.Elapsed,
		patience: patience,
		posts: []*post{
			{name: "cpu", sensor: newProcessors(m.Proc), limit: patience},
			{name: "network", sensor: newNetwork(m.Proc, m.Sys, m.Own), limit: patience},
			{name: "gpu", sensor: newGPUs(m.Sys, m.NvidiaSMI), every: gpuEvery, limit: 2 * gpuTimeout},
			{name: "keyboard", sensor: newKeyboards(m.Dev, &look), limit: patience},
			{name: "file", sensor: busyFiles{}, limit: patience},
			{name: "process", sensor: &busyProcesses{proc: m.Proc}, limit: 5 * time.Second},
		},
	}
}

// Sense takes a sample and returns what the sensors say, those that are not
// there left out. It returns within moments, whatever hangs, and earlier when
// ctx ends. It must not be called twice at the same time.
func (a *Activity) Sense(ctx context.Context, now time.Time, idle lifecycle.IdlePolicy) []core.Signal {
	m := a.moment(now, idle)
	for _, p := range a.posts {
		p.start(m)
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	var signals []core.Signal
	for _, p := range a.posts {
		signals = append(signals, p.collect(ctx, m)...)
	}
	return signals
}

// moment notices leaps of the wall clock: when it parts from the machine's own
// clock, nothing that was counted before is compared with what comes after.
func (a *Activity) moment(now time.Time, idle lifecycle.IdlePolicy) moment {
	now = now.Round(0) // the time on the wall alone
	elapsed := a.elapsed()
	if a.begun {
		parted := now.Sub(a.lastNow) - (elapsed - a.lastElapsed)
		if parted > leap || parted < -leap {
			a.epoch++
		}
	}
	a.begun, a.lastNow, a.lastElapsed = true, now, elapsed
	return moment{now: now, elapsed: elapsed, epoch: a.epoch, idle: idle}
}

// post is a sensor with what is known of its readings.
type post struct {
	name   string
	sensor sensor
	every  time.Duration // the shortest pause between two readings; 0: each sample
	limit  time.Duration // what takes longer hangs

	reading chan []core.Signal // nil: none is under way
	began   time.Duration      // when the one under way, or the last one, did
	last    []core.Signal
	done    bool // there is a last one
}

// start begins a reading if one is due and none is under way.
func (p *post) start(m moment) {
	p.take()
	if p.reading != nil || p.done && p.every > 0 && m.elapsed < p.began+p.every {
		return
	}
	reading := make(chan []core.Signal, 1) // a reading that comes late blocks nobody
	p.reading, p.began = reading, m.elapsed
	go func() { reading <- p.sensor.sense(m) }()
}

// take takes the result of a reading that is over.
func (p *post) take() {
	select {
	case p.last = <-p.reading:
		p.reading, p.done = nil, true
	default:
	}
}

// collect waits for the reading under way and returns what the sensor says.
// While a slow sensor reads, its last word holds.
func (p *post) collect(ctx context.Context, m moment) []core.Signal {
	if p.reading != nil {
		select {
		case p.last = <-p.reading:
			p.reading, p.done = nil, true
		case <-ctx.Done():
			p.take() // it may have come while another was waited for
		}
	}
	since := m.elapsed - p.began
	switch {
	case p.reading == nil:
		return p.last
	case p.every > 0 && since < p.limit && p.done:
		return p.last
	case p.every > 0 && since < p.limit:
		return []core.Signal{{Name: p.name, Active: true, Detail: p.name + ": no reading yet"}}
	default:
		return []core.Signal{{
			Name: p.name, Active: true, Detail: p.name + " unknown",
			Err: fmt.Errorf("the sensor hangs: its reading has not come back for %s", lifecycle.FormatDuration(max(since, patience))),
		}}
	}
}
