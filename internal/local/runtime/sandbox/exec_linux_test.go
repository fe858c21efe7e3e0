package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

func TestExec(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, "")
	var out, errs bytes.Buffer
	code, err := m.Exec(t.Context(), runtime.Command{
		Args: []string{"sh", "-c", "cat; pwd; echo oh >&2; exit 3"}, Stdin: strings.NewReader("in "), Stdout: &out, Stderr: &errs,
	})
	if err != nil || code != 3 || out.String() != "in /root\n" || errs.String() != "oh\n" {
		t.Errorf("%d, %v, %q, %q", code, err, &out, &errs)
	}
	if _, code := inside(t, m, "kill -KILL $$"); code != 128+9 {
		t.Errorf("a killed command: %d", code)
	}
	if code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"no-such-command"}}); code != 127 || err == nil {
		t.Errorf("no such command: %d, %v", code, err)
	}
	if code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"/etc/passwd"}}); code != 126 || err == nil {
		t.Errorf("no command: %d, %v", code, err)
	}
	begun := time.Now()
	if out, code := inside(t, m, "sleep 30 & echo left"); out != "left" || code != 0 || time.Since(begun) > 10*time.Second {
		t.Errorf("left something in the background: %q, %d, %v", out, code, time.Since(begun))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := m.Exec(ctx, runtime.Command{Args: []string{"sleep", "1000"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
	m.PowerOff(t.Context())
	off(t, m, console)
	if _, err := m.Exec(t.Context(), runtime.Command{Args: []string{"true"}}); err == nil {
		t.Error("a command ran in a machine that is off")
	}
}

func TestExecOfPowerOffEnds(t *testing.T) {
	needSandbox(t)
	m, console := boot(t, "")
	// It may be told its exit code or that the machine is off: it must return.
	_, _ = m.Exec(t.Context(), runtime.Command{Args: []string{"sh", "-c", "poweroff; sleep 1000"}})
	off(t, m, console)
}

func TestTerminal(t *testing.T) {
	needSandbox(t)
	m, _ := boot(t, "")
	var out bytes.Buffer
	code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"sh", "-c", "tty; stty size; exit 5"}, TTY: true, Rows: 33, Cols: 111, Stdout: &out})
	if err != nil || code != 5 || !strings.HasPrefix(out.String(), "/dev/pts/") || !strings.Contains(out.String(), "33 111") {
		t.Errorf("%d, %v, %q", code, err, &out)
	}
	out.Reset()
	code, err = m.Exec(t.Context(), runtime.Command{TTY: true, Stdin: strings.NewReader("echo a$((1+1))b; exit 4\n"), Stdout: &out})
	if err != nil || code != 4 || !strings.Contains(out.String(), "a2b") {
		t.Errorf("login shell: %d, %v, %q", code, err, &out)
	}
}

func TestTerminalIsResized(t *testing.T) {
	needSandbox(t)
	m, _ := boot(t, "")
	sizes := make(chan runtime.Size)
	out := &screen{}
	script := "trap 'stty size; exit 6' WINCH; echo ready; while :; do sleep 0.05; done"
	ended := make(chan int, 1)
	go func() {
		code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"sh", "-c", script}, TTY: true, Rows: 20, Cols: 80, Resize: sizes, Stdout: out})
		if err != nil {
			t.Error(err)
		}
		ended <- code
	}()
	out.waitFor(t, "ready")
	sizes <- runtime.Size{Rows: 41, Cols: 131}
	if code := <-ended; code != 6 || !strings.Contains(out.String(), "41 131") {
		t.Errorf("%d, %q", code, out)
	}
}

func TestEnvironment(t *testing.T) {
	needSandbox(t)
	m, _ := boot(t, "")
	var out bytes.Buffer
	for _, c := range []struct {
		tty  bool
		env  []string
		want string
	}{
		{false, []string{"A=1 2", "LANG=de_DE.UTF-8"}, "1 2 de_DE.UTF-8 none 1"},
		{true, nil, "- C.UTF-8 xterm-256color 1"},
		{true, []string{"TERM=vt100"}, "- C.UTF-8 vt100 1"},
	} {
		out.Reset()
		script := `echo "${A:--} $LANG ${TERM:-none} $(env | grep -c ^LANG=)"`
		code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"sh", "-c", script}, Env: c.env, TTY: c.tty, Stdout: &out})
		if got := strings.TrimSpace(out.String()); err != nil || code != 0 || got != c.want {
			t.Errorf("%v: %d, %v, %q, want %q", c.env, code, err, got, c.want)
		}
	}
}
