package sense

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	// userHz is how often a second the counters of /proc/stat count, on every
	// architecture that EC2 has.
	//
	// https://man7.org/linux/man-pages/man5/proc_stat.5.html
	userHz = 100

	// fewProcessors is the size of the largest machine whose share of all
	// processors says whether it is in use. On a larger one a single busy
	// thread is lost in the share (1.6 % of 64), and it is work all the same:
	// it is judged as if it had this many. With the default of 5 % that is 0.4
	// of a processor. The daemons of an idle machine need some hundredths of
	// one; a busy thread is a whole one.
	fewProcessors = 8

	// movingDisks is what disks move, in bytes a minute, when something waits
	// for them. The slowest disk that somebody waits for moves a hundred times
	// as much, the log of an idle machine a tenth.
	movingDisks = 1 << 20
)

// processors senses the use of the processors. What counts as use:
//
//   - user, nice, system and interrupt time. Guests and containers are in it.
//   - stolen time: the instance had work and the host did not run it. That is
//     what a burstable instance without credits shows, whose own time is then
//     held down to its baseline (5 % for the smallest: idle, by its own time
//     alone).
//   - time waiting for disks, as long as the disks move something. Else it is
//     not: programs that wait for the network by io_uring count as waiting for
//     a disk on many kernels, for ever.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
// https://github.com/axboe/liburing/issues/943
type processors struct {
	stat, vmstat file

	epoch int // of the clock that the rest was measured with
	read  bool
	at    time.Duration // of the last reading
	last  cpuTimes
	paged uint64 // KiB moved to and from disks until then
	steps []cpuStep
}

func newProcessors(proc string) *processors {
	return &processors{
		stat:   file{path: filepath.Join(proc, "stat"), enough: 256 << 10}, // 1500 processors
		vmstat: file{path: filepath.Join(proc, "vmstat"), enough: 64 << 10},
	}
}

// cpuStep is what was counted between two readings, in seconds of one
// processor.
type cpuStep struct {
	step
	work, stolen, waiting float64
	moved                 float64 // bytes to and from disks
	movedUnknown          bool
}

func (s cpuStep) span() step { return s.step }

func (p *processors) sense(m moment) []core.Signal {
	err := p.measure(m)
	if err != nil {
		p.read, p.steps = false, p.steps[:0] // the next reading is a first one
		err = fmt.Errorf("read the use of the processors: %w", err)
	}
	var over time.Duration
	p.steps, over = within(p.steps, m.elapsed)
	return judged("CPU", err, over, func() (bool, string) { return p.judge(m.idle, over) })
}

// measure takes a reading and adds the step from the last one to it. Counters
// that do not fit the time that went by, which happens when a machine is
// resumed or moved to another host, start the measurement afresh.
func (p *processors) measure(m moment) error {
	b, err := p.stat.read()
	if err != nil {
		return err
	}
	now, err := parseStat(b)
	if err != nil {
		return err
	}
	paged, movedUnknown, err := p.disks()
	if err != nil {
		return err
	}
	before, pagedBefore, at := p.last, p.paged, p.at
	first := !p.read || p.epoch != m.epoch
	p.read, p.epoch, p.last, p.paged, p.at = true, m.epoch, now, paged, m.elapsed
	if first {
		p.steps = p.steps[:0]
		return nil
	}
	took := m.elapsed - at
	if took <= 0 {
		return nil
	}
	next, ok := now.since(before, took)
	if !ok {
		p.steps = p.steps[:0]
		return nil
	}
	next.step = step{at, m.elapsed}
	kib, ok := advance(pagedBefore, paged)
	next.moved, next.movedUnknown = float64(kib)*1024, movedUnknown || !ok
	p.steps = append(p.steps, next)
	return nil
}

// disks is how much was moved to and from disks since boot, in KiB. A kernel
// that does not count it leaves it unknown.
func (p *processors) disks() (kib uint64, unknown bool, err error) {
	b, err := p.vmstat.read()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, true, nil
	}
	if err != nil {
		return 0, true, err
	}
	kib, err = parseVMStat(b)
	return kib, err != nil, err
}

// judge tells whether the processors are in use, and in what words.
func (p *processors) judge(idle lifecycle.IdlePolicy, over time.Duration) (active bool, detail string) {
	var work, stolen, waiting, moved float64
	movedUnknown := false
	for _, s := range p.steps {
		work, stolen, waiting, moved = work+s.work, stolen+s.stolen, waiting+s.waiting, moved+s.moved
		movedUnknown = movedUnknown || s.movedUnknown
	}
	if !movedUnknown && perMinute(moved, over) < movingDisks {
		waiting = 0
	}
	count := max(p.last.processors, 1)
	used := (work + stolen + waiting) / over.Seconds() // processors
	share := func(processors float64) float64 { return 100 * processors / float64(count) }
	limit := idle.Threshold() / 100 * float64(min(count, fewProcessors))

	var words strings.Builder
	fmt.Fprintf(&words, "CPU %s %% of %s over %s", short(share(used)), counted(count, "processor"), lifecycle.FormatDuration(over))
	for _, part := range []struct {
		seconds float64
		what    string
	}{{stolen, "withheld by the host"}, {waiting, "waiting for disks"}} {
		if of := share(part.seconds / over.Seconds()); of >= 1 {
			fmt.Fprintf(&words, ", %s %% of them %s", short(of), part.what)
		}
	}
	if count > fewProcessors {
		fmt.Fprintf(&words, ": %s in use (idle below %s)", hundredths(used), hundredths(limit))
	} else {
		fmt.Fprintf(&words, " (idle below %s %%)", short(idle.Threshold()))
	}
	return used >= limit, words.String()
}

// cpuTimes are the counters of all processors together, in 1/userHz seconds.
type cpuTimes struct {
	user, nice, system, idle, iowait, irq, softirq, steal uint64
	processors                                            int
}

// since is what was counted in a time; false if that cannot be. Idle time and
// waiting for disks are documented to go back a little at times; nothing else
// does.
func (t cpuTimes) since(before cpuTimes, took time.Duration) (s cpuStep, ok bool) {
	ok = true
	count := func(before, now uint64, mayGoBack bool) float64 {
		d, forward := advance(before, now)
		ok = ok && (forward || mayGoBack)
		return float64(d) / userHz
	}
	s.work = count(before.user, t.user, false) + count(before.nice, t.nice, false) + count(before.system, t.system, false) +
		count(before.irq, t.irq, false) + count(before.softirq, t.softirq, false)
	s.stolen = count(before.steal, t.steal, false)
	s.waiting = count(before.iowait, t.iowait, true)
	all := s.work + s.stolen + s.waiting + count(before.idle, t.idle, true)
	possible := took.Seconds() * float64(max(t.processors, before.processors, 1))
	return s, ok && all <= 2*possible+1
}

// parseStat reads the processors' lines of /proc/stat; b may end anywhere after
// them.
func parseStat(b []byte) (t cpuTimes, err error) {
	found := false
	for line := range bytes.Lines(b) {
		if !bytes.HasPrefix(line, []byte("cpu")) {
			break
		}
		line = bytes.TrimRight(line, "\n")
		if len(line) > len("cpu") && line[len("cpu")] != ' ' {
			t.processors++
			continue
		}
		var room [9][]byte
		columns := fields(line, room[:])
		if len(columns) < 5 {
			return cpuTimes{}, fmt.Errorf("/proc/stat has %d columns, not at least 5", len(columns))
		}
		for i, into := range []*uint64{&t.user, &t.nice, &t.system, &t.idle, &t.iowait, &t.irq, &t.softirq, &t.steal} {
			if i+1 >= len(columns) {
				break
			}
			if *into, err = number(columns[i+1]); err != nil {
				return cpuTimes{}, fmt.Errorf("/proc/stat: %w", err)
			}
		}
		found = true
	}
	if !found || t.processors == 0 {
		return cpuTimes{}, errors.New("/proc/stat has no line for the processors")
	}
	return t, nil
}

// parseVMStat reads from /proc/vmstat how much was moved to and from disks
// since boot, in KiB.
func parseVMStat(b []byte) (kib uint64, err error) {
	found := 0
	for line := range bytes.Lines(b) {
		in, isIn := bytes.CutPrefix(line, []byte("pgpgin "))
		out, isOut := bytes.CutPrefix(line, []byte("pgpgout "))
		if !isIn && !isOut {
			continue
		}
		digits := in
		if isOut {
			digits = out
		}
		n, err := number(bytes.TrimSpace(digits))
		if err != nil {
			return 0, fmt.Errorf("/proc/vmstat: %w", err)
		}
		kib += n
		if found++; found == 2 {
			return kib, nil
		}
	}
	return 0, errors.New("/proc/vmstat does not tell what was moved to and from disks")
}
