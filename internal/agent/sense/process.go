package sense

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

// processEvery is the shortest time between two looks at all processes, which
// cost some 20 µs each.
const processEvery = time.Minute

// kernelThreads is the parent of the kernel's own threads, kthreadd.
const kernelThreads = 2

// maxComm is how much of a program's name the kernel keeps.
//
// https://man7.org/linux/man-pages/man5/proc_pid_comm.5.html
const maxComm = 15

// busyProcesses senses the programs whose running says that the instance is
// busy. A program is known by its name, as the kernel keeps it or as the first
// word of its command line has it.
type busyProcesses struct {
	proc string

	looked bool
	at     time.Duration
	names  string // those that were looked for
	found  map[string]bool
}

func (b *busyProcesses) sense(m moment) []core.Signal {
	names := m.idle.BusyWhile.Processes
	if len(names) == 0 {
		b.looked = false
		return nil
	}
	asked := strings.Join(names, "\x00")
	if !b.looked || b.names != asked || m.elapsed >= b.at+processEvery {
		found, err := b.look(names)
		if err != nil {
			b.looked = false
			return []core.Signal{{Name: "process", Active: true, Detail: "processes unknown", Err: fmt.Errorf("look for processes: %w", err)}}
		}
		b.looked, b.at, b.names, b.found = true, m.elapsed, asked, found
	}
	var signals []core.Signal
	for _, name := range names {
		s := core.Signal{Name: "process", Detail: printable(name) + " is not running"}
		if b.found[name] {
			s.Active, s.Detail = true, printable(name)+" is running"
		}
		signals = append(signals, s)
	}
	return signals
}

// look finds the programs that run. A process that ends meanwhile is not an
// error.
func (b *busyProcesses) look(names []string) (map[string]bool, error) {
	found := map[string]bool{}
	err := eachProcess(b.proc, func(p process) error {
		if p.state == 'Z' || p.state == 'X' || p.pid == kernelThreads || p.parent == kernelThreads {
			return nil
		}
		called, err := b.called(p.pid)
		if err != nil {
			return err
		}
		for _, name := range names {
			if p.comm == name[:min(len(name), maxComm)] || called == name {
				found[name] = true
			}
		}
		return nil
	})
	return found, err
}

// called is the program's name in its command line, without folder; "" if it
// has none.
func (b *busyProcesses) called(pid int) (string, error) {
	line, err := (&file{path: filepath.Join(b.proc, strconv.Itoa(pid), "cmdline"), enough: 4096}).read()
	if gone(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	first, _, _ := bytes.Cut(line, []byte{0})
	return string(first[bytes.LastIndexByte(first, '/')+1:]), nil
}

// process is what /proc/<pid>/stat tells of a process.
type process struct {
	pid, parent, session int
	comm                 string
	state                byte
	tty                  uint64 // the number of its terminal's device; 0: none
	started              uint64 // after boot, in clock ticks: with pid it names a process for good
}

// eachProcess visits all processes that there are.
func eachProcess(proc string, visit func(process) error) error {
	dir, err := os.Open(proc)
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	if closing := dir.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	stat := file{enough: 4096}
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		stat.path = filepath.Join(proc, name, "stat")
		p, err := readProcess(&stat)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(p); err != nil {
			return err
		}
	}
	return nil
}

func readProcess(stat *file) (process, error) {
	b, err := stat.read()
	if err != nil {
		return process{}, err
	}
	return parseProcess(b)
}

// gone tells that a process ended while it was looked at.
func gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// parseProcess reads /proc/<pid>/stat. A program's name may hold anything,
// parentheses and line feeds too: what comes after the last one is safe.
//
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func parseProcess(b []byte) (p process, err error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 1 || end < open {
		return process{}, fmt.Errorf("a process has the status %.40q", b)
	}
	p.comm = string(b[open+1 : end])
	var room [20][]byte
	columns := fields(bytes.TrimSpace(b[end+1:]), room[:])
	if len(columns) < len(room) || len(columns[0]) != 1 {
		return process{}, fmt.Errorf("a process has %d columns in its status, not at least %d", len(columns)+2, len(room)+2)
	}
	p.state = columns[0][0]
	if p.pid, err = strconv.Atoi(string(bytes.TrimSpace(b[:open]))); err != nil {
		return process{}, err
	}
	if p.parent, err = strconv.Atoi(string(columns[1])); err != nil {
		return process{}, err
	}
	if p.session, err = strconv.Atoi(string(columns[3])); err != nil {
		return process{}, err
	}
	tty, err := strconv.ParseInt(string(columns[4]), 10, 64) // printed with a sign
	if err != nil {
		return process{}, err
	}
	p.tty = uint64(uint32(tty)) // 32 bits, of which the first may have been taken for the sign
	p.started, err = number(columns[19])
	return p, err
}
