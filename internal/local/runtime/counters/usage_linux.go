package counters

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is the unit of times in /proc, which the kernel shows to every
// program as hundredths (USER_HZ, time(7)) on all of Go's Linux systems.
const ticksPerSecond = 100

// ticks are CPU time, in hundredths of a second.
type ticks struct{ user, system int64 }

func (t ticks) plus(o ticks) ticks  { return ticks{t.user + o.user, t.system + o.system} }
func (t ticks) minus(o ticks) ticks { return ticks{t.user - o.user, t.system - o.system} }
func (t ticks) positive() ticks     { return ticks{max(t.user, 0), max(t.system, 0)} }
func (t ticks) sum() int64          { return t.user + t.system }

// process is what /proc tells of one.
type process struct {
	state byte
	own   ticks // its threads', those that have ended among them
	dead  ticks // of descendants that were waited for (proc_pid_stat(5): cutime, cstime)
}

// identity is a process for good: numbers are used again.
type identity struct {
	pid   int
	begun int64 // in ticks since the host's boot
}

// census is everything that runs in a machine at one moment.
type census map[identity]process

// usage sums what a machine's processes use of the CPU. A control group would
// know, but a plain user has none to give.
//
// What a process used moves to whoever waits for it when it ends, so time is
// never lost with a process that was too short-lived to be seen. Only of the
// children of a program that ignores SIGCHLD the kernel forgets what they used
// since they were last seen.
type usage struct {
	last census
	// Time that was counted of processes which have ended, and that did not come
	// up at whoever waited for them. It may still: a process can end while the
	// processes are looked at. After one more look it is lost.
	unclaimed ticks
}

// add returns what was used since the last call, up to now. The init's own time
// is not the machine's doing.
func (u *usage) add(now census) ticks {
	var used, risen, gone ticks
	for id, p := range now {
		before := u.last[id] // zero for one that is new
		if id.pid != 1 {
			used = used.plus(p.own.minus(before.own).positive())
		}
		risen = risen.plus(p.dead.minus(before.dead).positive())
	}
	for id, p := range u.last {
		if _, lives := now[id]; !lives {
			gone = gone.plus(p.own).plus(p.dead)
		}
	}
	fresh := risen.minus(gone).minus(u.unclaimed)
	u.unclaimed = gone.minus(risen.minus(u.unclaimed).positive()).positive()
	u.last = now
	return used.plus(fresh.positive())
}

// counter counts the processes in a machine's own /proc.
type counter struct {
	proc *os.File
	buf  [1024]byte // of one process; names have 15 bytes at most, numbers 20
}

func newCounter(path string) (*counter, error) {
	proc, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("look at the processes: %w", err)
	}
	return &counter{proc: proc}, nil
}

func (c *counter) close() error { return c.proc.Close() }

func (c *counter) census() (census, error) {
	if _, err := c.proc.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("look at the processes: %w", err)
	}
	names, err := c.proc.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("look at the processes: %w", err)
	}
	all := make(census, 8)
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue // no process is called so
		}
		if text := c.read(name); text != nil {
			begun, p, err := parseProcess(text)
			if err != nil {
				return nil, fmt.Errorf("look at process %d: %w", pid, err)
			}
			all[identity{pid, begun}] = p
		}
	}
	return all, nil
}

// read reads the stat file of a process, or nothing if it has gone. It does so
// without os.File, which would tell the network poller of each.
func (c *counter) read(pid string) []byte {
	fd, err := unix.Openat(int(c.proc.Fd()), pid+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd) //nolint:errcheck // it was only read
	n, err := unix.Read(fd, c.buf[:])
	if err != nil || n <= 0 {
		return nil
	}
	return c.buf[:n]
}

// parseProcess reads a line of /proc/[pid]/stat.
//
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func parseProcess(text []byte) (begun int64, p process, err error) {
	// The second field is a name in brackets, which may contain any byte.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const first = 3 // the number of the field that fields begins with
	if len(fields) <= 22-first || len(fields[0]) != 1 {
		return 0, process{}, fmt.Errorf("%q is not understood", text)
	}
	p.state = fields[0][0]
	for field, into := range map[int]*int64{
		14: &p.own.user, 15: &p.own.system, 16: &p.dead.user, 17: &p.dead.system, 22: &begun,
	} {
		if *into, err = strconv.ParseInt(string(fields[field-first]), 10, 64); err != nil {
			return 0, process{}, fmt.Errorf("field %d: %w", field, err)
		}
	}
	return begun, p, nil
}
