package sense

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// busyTraffic is the traffic, in bytes a minute, from which on the network is
// in use.
const busyTraffic = 10_000

// network senses the traffic of every interface but loopback.
//
// What leaves the machine passes its own interfaces once, and they are summed.
// What containers, tunnels and virtual machines send passes a virtual interface
// or several and then, if it leaves the machine, its own as well: to sum those
// too would count it up to three times, and to leave them out would hide what
// containers say to each other. So each virtual interface is judged alone, and
// the busiest of all is the reading.
//
// The agent's own talk with the metadata service goes over the first interface
// of an EC2 instance, several times the limit of it. It is metered as it is
// made (Metadata.Traffic) and subtracted, its calls to EC2's API too.
type network struct {
	dev file
	sys string        // /sys/class/net
	own func() uint64 // bytes that the agent itself has moved over the interfaces

	epoch   int
	read    bool
	at      time.Duration
	last    map[string]traffic // of each interface
	lastOwn uint64
	steps   []netStep
	devices map[string]bool // of each interface, whether it has a device
	bare    bool            // none has: the machine is a container, and all count as its own
}

func newNetwork(proc, sys string, own func() uint64) *network {
	return &network{
		dev: file{path: filepath.Join(proc, "net", "dev"), enough: 256 << 10}, // 2000 interfaces
		sys: filepath.Join(sys, "class", "net"),
		own: own,
	}
}

// netStep is what was moved between two readings, in bytes.
type netStep struct {
	step
	physical, own float64
	virtual       map[string]float64 // only what moved
}

func (s netStep) span() step { return s.step }

func (n *network) sense(m moment) []core.Signal {
	err := n.measure(m)
	if err != nil {
		n.read, n.steps = false, n.steps[:0] // the next reading is a first one
		err = fmt.Errorf("read the network's traffic: %w", err)
	}
	var over time.Duration
	n.steps, over = within(n.steps, m.elapsed)
	return judged("network", err, over, func() (bool, string) { return n.judge(over) })
}

// judge tells whether the network is in use, and in what words.
func (n *network) judge(over time.Duration) (active bool, detail string) {
	busiest, where := n.busiest()
	rate := perMinute(busiest, over)
	return rate >= busyTraffic, fmt.Sprintf("network %s a minute%s over %s (idle below %s a minute)",
		bytesWords(rate), where, lifecycle.FormatDuration(over), bytesWords(busyTraffic))
}

// measure takes a reading and adds the step from the last one to it. An
// interface that is new, or whose counter started afresh, has moved at least
// what it counted since.
func (n *network) measure(m moment) error {
	b, err := n.dev.read()
	if err != nil {
		return err
	}
	now, err := parseNetDev(b)
	if err != nil {
		return err
	}
	if err := n.classify(now); err != nil {
		return err
	}
	own := n.own()
	before, ownBefore, at := n.last, n.lastOwn, n.at
	first := !n.read || n.epoch != m.epoch
	n.read, n.epoch, n.last, n.lastOwn, n.at = true, m.epoch, now, own, m.elapsed
	if first {
		n.steps = n.steps[:0]
		return nil
	}
	if m.elapsed <= at {
		return nil
	}
	next := netStep{step: step{at, m.elapsed}, own: float64(own - ownBefore), virtual: map[string]float64{}}
	for name, count := range now {
		moved := count.since(before[name])
		switch {
		case n.bare || n.devices[name]:
			next.physical += float64(moved)
		case moved > 0:
			next.virtual[name] = float64(moved)
		}
	}
	n.steps = append(n.steps, next)
	return nil
}

// classify finds out which interfaces are the machine's own: those that have a
// device.
//
// https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-class-net
func (n *network) classify(now map[string]traffic) error {
	devices := make(map[string]bool, len(now))
	n.bare = true
	for name := range now {
		device, known := n.devices[name]
		if !known {
			_, err := os.Stat(filepath.Join(n.sys, name, "device"))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			device = err == nil
		}
		devices[name] = device
		n.bare = n.bare && !device
	}
	n.devices = devices
	return nil
}

// busiest is the most that was moved in one place in the period, in bytes, and
// where, if that is not the machine's own interfaces.
func (n *network) busiest() (moved float64, where string) {
	var physical, own float64
	virtual := map[string]float64{}
	for _, s := range n.steps {
		physical, own = physical+s.physical, own+s.own
		for name, bytes := range s.virtual {
			virtual[name] += bytes
		}
	}
	moved = max(physical-own, 0)
	for name, bytes := range virtual {
		if bytes > moved {
			moved, where = bytes, " on "+printable(name)
		}
	}
	return moved, where
}

// traffic are the counters of an interface, in bytes since it was made.
type traffic struct{ in, out uint64 }

// since is what was moved since an earlier reading, in both directions.
func (t traffic) since(before traffic) uint64 {
	in, ok := advance(before.in, t.in)
	if !ok {
		in = t.in
	}
	out, ok := advance(before.out, t.out)
	if !ok {
		out = t.out
	}
	return in + out
}

// parseNetDev reads /proc/net/dev: the counters of each interface but loopback.
//
// https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
func parseNetDev(b []byte) (map[string]traffic, error) {
	interfaces := map[string]traffic{}
	lines, header := 0, false
	for line := range bytes.Lines(b) {
		if lines++; lines <= 2 {
			header = bytes.Contains(line, []byte("bytes"))
			continue
		}
		name, counters, found := bytes.Cut(bytes.TrimRight(line, "\n"), []byte(":"))
		name = bytes.TrimSpace(name)
		if !found || len(name) == 0 {
			return nil, fmt.Errorf("/proc/net/dev has the line %.40q", line)
		}
		var room [16][]byte
		columns := fields(counters, room[:])
		if len(columns) < 9 {
			return nil, fmt.Errorf("/proc/net/dev has %d columns, not 16", len(columns))
		}
		in, err := number(columns[0])
		if err != nil {
			return nil, fmt.Errorf("/proc/net/dev: %w", err)
		}
		out, err := number(columns[8])
		if err != nil {
			return nil, fmt.Errorf("/proc/net/dev: %w", err)
		}
		if string(name) != "lo" {
			interfaces[string(name)] = traffic{in, out}
		}
	}
	if !header {
		return nil, errors.New("/proc/net/dev is not what it is documented to be")
	}
	return interfaces, nil
}
