package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// machine is a booted machine, seen from the host.
type machine struct {
	id     string
	disk   string
	log    *slog.Logger
	link   *link
	cmd    *exec.Cmd
	exited chan error // receives once, when the init was waited for
	done   chan struct{}

	servers []*http.Server
	owned   sync.WaitGroup // the servers' goroutines

	mu    sync.Mutex
	calls map[int]chan event // commands that run inside; nil when the machine is off
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
func (m *machine) handshake(ctx context.Context, s spec, want runtime.Machine) (err error) {
	stop := context.AfterFunc(ctx, m.pullPlug)
	defer func() {
		if !stop() {
			err = errors.Join(ctx.Err(), err)
		}
	}()
	if err := m.link.send(message{Kind: kindMachine, Machine: &s}); err != nil {
		return err
	}
	for {
		msg, fds, err := m.link.receive()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
			return errors.New("the machine died while it was set up")
		case err != nil:
			return err
		case msg.Kind == kindLog:
			m.log.Warn(msg.Text)
		case msg.Kind == kindFailed:
			return errors.New(msg.Text)
		case msg.Kind == kindListeners:
			if err := m.serve(fds, want.Metadata, want.API); err != nil {
				return err
			}
			return m.link.send(message{Kind: kindGo})
		default:
			closeAll(fds)
			return fmt.Errorf("the machine sent %q while it was set up", msg.Kind)
		}
	}
}

// serve answers the handlers on the sockets that the init opened inside.
func (m *machine) serve(fds []int, handlers ...http.Handler) error {
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
		handler := handlers[i]
		if handler == nil {
			handler = http.NotFoundHandler() // net/http would take a global one
		}
		srv := &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          slog.NewLogLogger(m.log.Handler(), slog.LevelDebug),
		}
		m.servers = append(m.servers, srv)
		m.owned.Go(func() { m.answer(srv, l) })
	}
	return nil
}

func (m *machine) answer(srv *http.Server, l net.Listener) {
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		m.log.Error("a service of the machine ended", "error", err)
	}
}

// attend listens to the init until it has gone, then cleans up.
func (m *machine) attend() {
	for {
		msg, fds, err := m.link.receive()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				m.log.Error("the machine cannot be understood, its plug is pulled", "error", err)
				m.pullPlug()
			}
			m.finish()
			return
		}
		switch msg.Kind {
		case kindLog:
			m.log.Warn(msg.Text)
		case kindTerminal, kindExit:
			m.deliver(msg, fds)
		default:
			closeAll(fds)
			m.log.Error("the machine sent something unknown", "kind", msg.Kind)
		}
	}
}

// finish waits for a machine's init, which is at its end, and closes all that
// was open for it.
func (m *machine) finish() {
	m.reportExit(<-m.exited)
	for _, srv := range m.servers {
		if err := srv.Close(); err != nil {
			m.log.Debug("close a service of the machine", "error", err)
		}
	}
	m.owned.Wait()
	if err := m.link.conn.Close(); err != nil {
		m.log.Debug("close the control socket", "error", err)
	}
	if err := openWorkDirs(m.disk); err != nil {
		m.log.Warn("the machine's disk may be hard to delete", "error", err)
	}
	m.mu.Lock()
	for _, c := range m.calls {
		close(c)
	}
	m.calls = nil
	m.mu.Unlock()
	close(m.done)
}

// reportExit says how the machine ended. reboot(2) inside ends the init with
// SIGINT for a power-off and SIGHUP for a restart (pid_namespaces(7)).
func (m *machine) reportExit(exit error) {
	var status *exec.ExitError
	if !errors.As(exit, &status) {
		m.log.Debug("the machine is off", "error", exit)
		return
	}
	ws, ok := status.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() && (ws.Signal() == syscall.SIGINT || ws.Signal() == syscall.SIGHUP) {
		m.log.Debug("the machine called reboot(2) and is off")
		return
	}
	m.log.Warn("the machine is off, and not in order", "error", exit)
}

func (m *machine) Done() <-chan struct{} { return m.done }

// PowerOff asks the init to shut down and pulls the plug when ctx ends before
// it has done so.
func (m *machine) PowerOff(ctx context.Context) {
	if err := m.link.send(message{Kind: kindPowerOff}); err != nil {
		select {
		case <-m.done: // it was off already
			return
		default:
			m.log.Warn("cannot ask the machine to power off, its plug is pulled", "error", err)
			m.pullPlug()
		}
	}
	select {
	case <-m.done:
	case <-ctx.Done():
		m.pullPlug()
		<-m.done
	}
}

// pullPlug kills the init, with which the kernel kills all of the machine.
func (m *machine) pullPlug() {
	if err := m.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		m.log.Error("kill the machine's init", "error", err)
	}
}
