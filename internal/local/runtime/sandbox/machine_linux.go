package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/network"
)

// boot is one boot of a machine, seen from the host.
type boot struct {
	id     string
	disk   string
	log    *slog.Logger
	link   *link
	cmd    *exec.Cmd
	exited chan error    // receives once, when the init was waited for
	gone   chan struct{} // closed when everything of this boot has gone
	reset  atomic.Bool   // its plug is pulled for a reboot

	services network.Services

	mu    sync.Mutex
	calls map[int]chan event // commands that run inside; nil when the init has gone
	next  int
}

// event is what the init says about a command.
type event struct {
	terminal int // descriptor of the terminal's host side, if kind is terminal
	kind     string
	code     int
	text     string
}

// handshake tells the init what to be and serves its sockets. When ctx ends
// first, the plug is pulled, and the init's silence ends the wait.
func (b *boot) handshake(ctx context.Context, s spec, want runtime.Machine) (err error) {
	stop := context.AfterFunc(ctx, b.pullPlug)
	defer func() {
		if !stop() {
			err = errors.Join(ctx.Err(), err)
		}
	}()
	if err := b.link.send(message{Kind: kindMachine, Machine: &s}); err != nil {
		return err
	}
	for {
		msg, fds, err := b.link.receive()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
			return errors.New("the machine died while it was set up")
		case err != nil:
			return err
		case msg.Kind == kindLog:
			b.log.Warn(msg.Text)
		case msg.Kind == kindFailed:
			return errors.New(msg.Text)
		case msg.Kind == kindListeners:
			if err := b.serve(fds, want.Metadata, want.API); err != nil {
				return err
			}
			return b.link.send(message{Kind: kindGo})
		default:
			closeAll(fds)
			return fmt.Errorf("the machine sent %q while it was set up", msg.Kind)
		}
	}
}

// serve answers the handlers on the sockets that the init opened inside.
func (b *boot) serve(fds []int, handlers ...http.Handler) error {
	if len(fds) > len(handlers) {
		closeAll(fds)
		return fmt.Errorf("the machine sent %d sockets", len(fds))
	}
	for i, fd := range fds {
		l, err := listener(fd)
		if err != nil {
			closeAll(fds[i+1:])
			return err
		}
		b.services.Serve(l, handlers[i])
	}
	return nil
}

// Attend listens to the init until it has gone, then cleans up.
func (b *boot) Attend() (again bool) {
	for {
		msg, fds, err := b.link.receive()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				b.log.Error("the machine cannot be understood, its plug is pulled", "error", err)
				b.pullPlug()
			}
			return b.finish()
		}
		switch msg.Kind {
		case kindLog:
			b.log.Warn(msg.Text)
		case kindTerminal, kindExit:
			b.deliver(msg, fds)
		default:
			closeAll(fds)
			b.log.Error("the machine sent something unknown", "kind", msg.Kind)
		}
	}
}

// finish waits for a machine's init, which is at its end, and closes all that
// was open for it. It says whether the machine is to boot again.
func (b *boot) finish() (again bool) {
	again = b.reportExit(<-b.exited) || b.reset.Load()
	b.services.Close()
	if err := b.link.conn.Close(); err != nil {
		b.log.Debug("close the control socket", "error", err)
	}
	if err := openWorkDirs(b.disk); err != nil {
		b.log.Warn("the machine's disk may be hard to delete", "error", err)
	}
	b.mu.Lock()
	for _, c := range b.calls {
		close(c)
	}
	b.calls = nil
	b.mu.Unlock()
	close(b.gone)
	return again
}

// reportExit says how the machine ended, and whether by a reboot. reboot(2)
// inside ends the init with SIGINT for a power-off and SIGHUP for a restart
// (pid_namespaces(7)).
func (b *boot) reportExit(exit error) (restart bool) {
	var status *exec.ExitError
	if !errors.As(exit, &status) {
		b.log.Debug("the machine is off", "error", exit)
		return false
	}
	ws, ok := status.Sys().(syscall.WaitStatus)
	switch {
	case ok && (ws.Signaled() && ws.Signal() == syscall.SIGHUP || ws.Exited() && ws.ExitStatus() == restartExit):
		b.log.Debug("the machine restarts")
		return true
	case ok && ws.Signaled() && ws.Signal() == syscall.SIGINT:
		b.log.Debug("the machine called reboot(2) and is off")
	default:
		b.log.Warn("the machine is off, and not in order", "error", exit)
	}
	return false
}

// pullPlug kills the init, with which the kernel kills all of the machine.
func (b *boot) pullPlug() {
	if err := b.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		b.log.Error("kill the machine's init", "error", err)
	}
}
