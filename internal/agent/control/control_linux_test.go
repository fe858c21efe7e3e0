package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// agent is one that remembers what it was told.
type agent struct {
	mu        sync.Mutex
	completed []core.Completion
	kept      []time.Duration
	refuse    error
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (a *agent) Status() Status {
	return Status{
		Agent: "1.2.3", Now: noon, Deadline: lifecycle.DeadlineAt(noon.Add(90 * time.Minute)), Phase: lifecycle.PhaseReady,
		Signals: Signals([]core.Signal{{Name: "cpu", Detail: "CPU 1 %"}, {Name: "gpu", Err: errors.New("no answer")}}),
	}
}

func (a *agent) Config() Config {
	return Config{Agent: "1.2.3", Settings: []Setting{{Name: "deadline", Value: "x", From: "the tag spawn:deadline"}}}
}

func (a *agent) Complete(c core.Completion) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.completed = append(a.completed, c)
	return a.refuse
}

func (a *agent) Keepalive(d time.Duration) (time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept = append(a.kept, d)
	return noon.Add(d), a.refuse
}

// told is how often the agent was told to do something.
func (a *agent) told() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.completed) + len(a.kept)
}

// listening starts a server for an agent, in a folder that all can enter.
func listening(t *testing.T, a Agent) Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "spored")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "run", "control.sock")
	s, err := Listen(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Serve(ctx, a); close(done) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Error("the server does not stop")
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
	return Client{Path: path}
}

func TestQuestionsAndCommands(t *testing.T) {
	a := &agent{}
	c := listening(t, a)
	status, err := c.Status(t.Context())
	if err != nil || status.Agent != "1.2.3" || status.Left == nil || *status.Left != 5400 || !status.Signals[1].Active || status.Signals[1].Error != "no answer" || status.Signals[0].Active {
		t.Errorf("status %+v, %v", status, err)
	}
	config, err := c.Config(t.Context())
	if err != nil || len(config.Settings) != 1 || config.Settings[0].From != "the tag spawn:deadline" {
		t.Errorf("config %+v, %v", config, err)
	}
	until, err := c.Keepalive(t.Context(), "30m")
	if err != nil || !until.Equal(noon.Add(30*time.Minute)) || len(a.kept) != 1 || a.kept[0] != 30*time.Minute {
		t.Errorf("kept alive until %s, %v, %v", until, err, a.kept)
	}
	if err := c.Complete(t.Context(), "failed"); err != nil || len(a.completed) != 1 || a.completed[0].Status != "failed" {
		t.Errorf("completed %+v, %v", a.completed, err)
	}
	for _, d := range []string{"", "0s", "-5m", "soon", strings.Repeat("9", 100) + "h"} {
		if _, err := c.Keepalive(t.Context(), d); problem.KindOf(err) != problem.Usage {
			t.Errorf("keep alive for %.20q: %v", d, err)
		}
	}
	if err := c.Complete(t.Context(), "maybe"); problem.KindOf(err) != problem.Usage {
		t.Errorf("complete with a word that does not exist: %v", err)
	}
	if a.told() != 2 {
		t.Errorf("the agent was told %d things", a.told())
	}
	a.refuse = problem.New(problem.Failed, "it is ending already")
	if err := c.Complete(t.Context(), "ok"); err == nil || err.Error() != "it is ending already" {
		t.Errorf("the agent's refusal arrives as %v", err)
	}
}

// asStranger does something as a user who is not root, on a thread of its own.
func asStranger(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can take another user's place: not tried here that a stranger may not command")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		const nobody = 65534
		_, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody)
		if errno != 0 {
			done <- errno
			return
		}
		do()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWhoIsNotRootMayOnlyAsk(t *testing.T) {
	a := &agent{}
	c := listening(t, a)
	asStranger(t, func() {
		if _, err := c.Status(t.Context()); err != nil {
			t.Errorf("status: %v", err)
		}
		if _, err := c.Config(t.Context()); err != nil {
			t.Errorf("config: %v", err)
		}
		if err := c.Complete(t.Context(), "ok"); problem.KindOf(err) != problem.Denied || problem.NextOf(err) == "" {
			t.Errorf("complete: %v", err)
		}
		if _, err := c.Keepalive(t.Context(), "30m"); problem.KindOf(err) != problem.Denied {
			t.Errorf("keepalive: %v", err)
		}
	})
	if a.told() != 0 {
		t.Error("a stranger was obeyed")
	}
}

func dial(t *testing.T, c Client) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", c.Path)
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestAStrangerCannotKeepRootOut hangs on as many connections as a stranger
// likes; root still gets an answer.
func TestAStrangerCannotKeepRootOut(t *testing.T) {
	c := listening(t, &agent{})
	asStranger(t, func() {
		for range 100 {
			dial(t, c)
		}
	})
	begun := time.Now()
	if err := c.Complete(t.Context(), "ok"); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("root waited for %s", took)
	}
}

// TestHostileRequests: none is obeyed, none keeps its connection, and the next
// asker gets an answer.
func TestHostileRequests(t *testing.T) {
	a := &agent{}
	c := listening(t, a)
	for name, bytesSent := range map[string]string{
		"nothing":       "",
		"no end":        `{"do":"complete","status":"ok"}`,
		"huge":          `{"do":"complete","status":"ok","x":"` + strings.Repeat("A", 1<<20) + `"}` + "\n",
		"binary":        "\x00\xff\xfe\x80\n",
		"deep":          strings.Repeat("[", 4000) + "\n",
		"a list":        `[{"do":"complete","status":"ok"}]` + "\n",
		"another type":  `{"do":["complete"],"status":"ok"}` + "\n",
		"unknown":       `{"do":"rm -rf /"}` + "\n",
		"empty":         "\n",
		"shell":         `{"do":"keepalive","duration":"$(reboot)"}` + "\n",
		"two in a line": `{"do":"status"}{"do":"complete","status":"ok"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, c)
			if err := conn.SetDeadline(time.Now().Add(3 * exchangeTimeout)); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, bytesSent) // it may be hung up upon meanwhile
			begun := time.Now()
			back, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is still open after %s", time.Since(begun))
			}
			if len(back) > 4096 || len(back) > 0 && !bytes.Contains(back, []byte(`"error"`)) {
				t.Errorf("answered %.200q", back)
			}
		})
	}
	t.Cleanup(func() {
		if a.told() != 0 {
			t.Error("it was obeyed")
		}
	})
}

// TestOneWhoDoesNotListen asks and does not read the answer.
func TestOneWhoDoesNotListen(t *testing.T) {
	c := listening(t, &agent{})
	for range 20 {
		if conn := dial(t, c); conn != nil {
			_, _ = io.WriteString(conn, `{"do":"status"}`+"\n")
		}
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	_, err := Client{Path: path}.Status(t.Context())
	if problem.KindOf(err) != problem.Partial || problem.NextOf(err) == "" {
		t.Errorf("without a socket: %v", err)
	}
	// An agent that was killed leaves its socket behind.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := (Client{Path: path}).Status(t.Context()); problem.KindOf(err) != problem.Partial {
		t.Errorf("with a dead socket: %v", err)
	}
	s, err := Listen(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("a dead socket is in the way: %v", err)
	}
	defer func() { _ = s.listener.Close() }()
	if _, err := Listen(path, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a second agent took the socket of one that lives")
	}
}

// TestAnAgentThatDoesNotAnswer bounds what the one who asks waits for.
func TestAnAgentThatDoesNotAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := (Client{Path: path}).Status(ctx); err == nil || problem.KindOf(err) != problem.Failed {
		t.Errorf("an agent that hangs answered: %v", err)
	}
}
