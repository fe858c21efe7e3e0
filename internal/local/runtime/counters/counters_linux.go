package counters

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"
)

const (
	refresh = 250 * time.Millisecond
	// A machine that used no time in so many refreshes is looked at less often,
	// until it does: looking around is nearly all that an idle init costs.
	calm        = 4
	calmRefresh = 500 * time.Millisecond // who looks every second still sees time go by
	// paceFactor bounds what refreshing costs: a refresh of a machine with
	// thousands of processes is followed by a pause this many times as long.
	paceFactor = 100
)

// Counters are the files of /proc that would show the host's work and age, and
// show the machine's instead.
//
// They are ordinary files of a tmpfs, each written in one go. A reader could in
// principle meet one half written: the two copies would have to overlap, which
// are less than a microsecond each.
type Counters struct {
	cpus   cpus
	begun  time.Time
	stat   *os.File
	uptime *os.File
	load   *os.File
}

// Create makes the files, with these names of /proc, in a folder that is seen in
// the machine: stat, uptime and loadavg. They may lose their names once they are
// laid over.
func Create(dir string, vcpus int) (*Counters, error) {
	c := &Counters{begun: time.Now(), cpus: newCPUs(vcpus)}
	for _, name := range Names() {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		switch name {
		case "stat":
			c.stat = f
		case "uptime":
			c.uptime = f
		default:
			c.load = f
		}
		if err := f.Chmod(0o444); err != nil { // as the kernel has it
			return nil, errors.Join(err, c.Close())
		}
	}
	if err := c.write(nil); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Names are what the files are called, in /proc as in the folder of Create.
func Names() []string { return []string{"stat", "uptime", "loadavg"} }

// Close gives the files up. The machine keeps them, as they are.
func (c *Counters) Close() (err error) {
	for _, f := range []*os.File{c.stat, c.uptime, c.load} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// Run refreshes the files until ctx ends. proc is where the machine's own /proc
// is seen from here.
func (c *Counters) Run(ctx context.Context, proc string) error {
	look, err := newCounter(proc)
	if err != nil {
		return err
	}
	defer look.close() //nolint:errcheck // it was only read
	used := &usage{}
	t := time.NewTimer(refresh)
	defer t.Stop()
	for still := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		begun := time.Now()
		now, err := look.census()
		if err != nil {
			return err
		}
		spent := used.add(now)
		c.cpus.pass(int64(time.Since(c.begun)/(time.Second/ticksPerSecond)), spent, now)
		if still++; spent.sum() > 0 {
			still = 0
		}
		if err := c.write(now); err != nil {
			return err
		}
		t.Reset(max(pause(still), paceFactor*time.Since(begun)))
	}
}

// pause is how long the figures stand after so many refreshes in which the
// machine used no time.
func pause(still int) time.Duration {
	if still < calm {
		return refresh
	}
	return calmRefresh
}

// write writes the files anew.
func (c *Counters) write(now census) error {
	running, blocked, newest := 0, 0, 1
	for id, p := range now {
		newest = max(newest, id.pid)
		switch {
		case id.pid == 1: // it looks around, and so it runs
		case p.state == 'R':
			running++
		case p.state == 'D':
			blocked++
		}
	}
	var b bytes.Buffer
	c.cpus.print(&b)
	// The machine has no interrupts of its own.
	fmt.Fprintf(&b, "intr 0\nctxt 0\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked %d\nsoftirq 0\n",
		c.begun.Unix(), newest, running, blocked)
	if err := replace(c.stat, b.Bytes()); err != nil {
		return err
	}
	b.Reset()
	fmt.Fprintf(&b, "%.2f %.2f\n", seconds(c.cpus.elapsed), seconds(c.cpus.idle()))
	if err := replace(c.uptime, b.Bytes()); err != nil {
		return err
	}
	b.Reset()
	l := c.cpus.load
	fmt.Fprintf(&b, "%.2f %.2f %.2f %d/%d %d\n", l[0], l[1], l[2], running, max(len(now), 1), newest)
	return replace(c.load, b.Bytes())
}

func seconds(t int64) float64 { return float64(t) / ticksPerSecond }

// replace overwrites a file in one go.
func replace(f *os.File, text []byte) error {
	if _, err := f.WriteAt(text, 0); err != nil {
		return fmt.Errorf("refresh /proc/%s: %w", filepath.Base(f.Name()), err)
	}
	if info, err := f.Stat(); err != nil || info.Size() > int64(len(text)) {
		return f.Truncate(int64(len(text)))
	}
	return nil
}

// cpus are a machine's virtual processors, and how busy each has been.
type cpus struct {
	elapsed int64   // ticks since the boot
	busy    []ticks // of each
	excess  ticks   // used beyond what the processors could have given
	load    [3]float64
}

func newCPUs(n int) cpus { return cpus{busy: make([]ticks, max(n, 1))} }

// pass counts what was used up to elapsed. One busy thread makes one processor
// busy, the first: on which of the host's it ran says nothing here. What is
// more than all of them have to give, as when ticks were rounded, is kept for
// the next time, but not for long.
func (c *cpus) pass(elapsed int64, used ticks, now census) {
	room := elapsed - c.elapsed
	if room <= 0 {
		c.excess = c.excess.plus(used)
		return
	}
	c.elapsed = elapsed
	left := c.excess.plus(used)
	c.average(room, left, now)
	for i := range c.busy {
		var give ticks
		give.user = min(left.user, room)
		give.system = min(left.system, room-give.user)
		c.busy[i], left = c.busy[i].plus(give), left.minus(give)
	}
	atMost := int64(len(c.busy)) * ticksPerSecond
	c.excess = ticks{min(left.user, atMost), min(left.system, atMost)}
}

// average moves the load averages as the kernel does: towards the number of
// processes that run or wait for a disk, with time constants of 1, 5 and 15
// minutes. Threads of one process are seen by what they use.
//
// https://man7.org/linux/man-pages/man5/proc_loadavg.5.html
func (c *cpus) average(room int64, used ticks, now census) {
	active := 0.0
	for id, p := range now {
		if id.pid != 1 && (p.state == 'R' || p.state == 'D') {
			active++
		}
	}
	active = max(active, float64(used.sum())/float64(room))
	for i, minutes := range []float64{1, 5, 15} {
		keep := math.Exp(-seconds(room) / (60 * minutes))
		c.load[i] = c.load[i]*keep + active*(1-keep)
	}
}

// idle is the time that the processors had nothing to do, all together.
func (c *cpus) idle() int64 { return c.elapsed*int64(len(c.busy)) - c.total().sum() }

func (c *cpus) total() (all ticks) {
	for _, b := range c.busy {
		all = all.plus(b)
	}
	return all
}

// print prints the lines of /proc/stat that are about processors.
//
// https://man7.org/linux/man-pages/man5/proc_stat.5.html
func (c *cpus) print(b *bytes.Buffer) {
	line := func(name string, busy ticks, idle int64) {
		fmt.Fprintf(b, "%s %d 0 %d %d 0 0 0 0 0 0\n", name, busy.user, busy.system, idle)
	}
	line("cpu ", c.total(), c.idle())
	for i, busy := range c.busy {
		line(fmt.Sprintf("cpu%d", i), busy, c.elapsed-busy.sum())
	}
}
