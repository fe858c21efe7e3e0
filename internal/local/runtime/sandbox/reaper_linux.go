package sandbox

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// errShuttingDown refuses a start during power-off.
var errShuttingDown = errors.New("the machine is powering off")

// reaper starts the init's children and waits for every process that comes to
// be its child, orphans included. os/exec must not be used beside it: both
// would wait for the same process.
type reaper struct {
	sigchld chan os.Signal

	// mu is held over every fork, wait and kill, so that a child is known before
	// it can be reaped and a number is never signalled that belongs to another.
	mu       sync.Mutex
	children map[int]*child
	closed   bool
	alone    chan struct{} // closed when there is no child left during power-off
}

// child is a process that the init started.
type child struct {
	pid    int
	status syscall.WaitStatus
	ended  chan struct{} // closed once status is there
}

func newReaper() *reaper {
	r := &reaper{sigchld: make(chan os.Signal, 1), children: map[int]*child{}, alone: make(chan struct{})}
	signal.Notify(r.sigchld, syscall.SIGCHLD)
	return r
}

// run reaps until ctx ends.
func (r *reaper) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.sigchld: // one signal may stand for many deaths
			r.sweep()
		}
	}
}

func (r *reaper) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweepLocked()
}

func (r *reaper) sweepLocked() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.ECHILD):
			if r.closed {
				closeOnce(r.alone)
			}
			return
		case err != nil || pid == 0:
			return
		}
		if c, ours := r.children[pid]; ours {
			c.status = status
			close(c.ended)
			delete(r.children, pid)
		}
	}
}

// closeOnce closes c; its caller holds the lock that makes this safe.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// start executes a program. The files and the rest of attr are as for
// syscall.ForkExec.
func (r *reaper) start(path string, argv []string, attr *syscall.ProcAttr) (*child, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errShuttingDown
	}
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return nil, err
	}
	c := &child{pid: pid, ended: make(chan struct{})}
	r.children[pid] = c
	return c, nil
}

// kill kills the session that c leads, if c has not ended.
func (r *reaper) kill(c *child) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.children[c.pid] != c {
		return nil
	}
	return syscall.Kill(-c.pid, syscall.SIGKILL)
}

// shutDown ends every process of the machine but the caller: it asks first,
// and kills what is left after the grace. Nothing can be started any more. It
// says whether all have gone.
func (r *reaper) shutDown(grace time.Duration) bool {
	r.signalAll(syscall.SIGTERM)
	r.signalAll(syscall.SIGCONT) // a stopped process does not hear SIGTERM
	if r.wait(grace) {
		return true
	}
	r.signalAll(syscall.SIGKILL)
	// What sleeps in the kernel does not hear even that; it dies with the
	// namespace, when the init ends.
	return r.wait(grace)
}

// signalAll sends to everything in the pid namespace but its init.
func (r *reaper) signalAll(s syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	_ = syscall.Kill(-1, s) // an error means that there is nobody
	r.sweepLocked()
}

// wait waits until no process is left and says whether that came to be.
func (r *reaper) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.alone:
		return true
	case <-t.C:
		return false
	}
}

// exitCode is a shell's idea of a status: 128+n for a death by signal n.
func exitCode(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}
