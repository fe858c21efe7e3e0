package act

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/files"
)

// stage is a folder of hooks with a place where they leave traces.
type stage struct {
	t     *testing.T
	hooks Hooks
	out   string
	log   bytes.Buffer
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, out: t.TempDir()}
	s.hooks = Hooks{Dir: filepath.Join(t.TempDir(), "hooks.d"), Log: slog.New(slog.NewTextHandler(&s.log, nil))}
	if err := os.Mkdir(s.hooks.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// add writes a hook, in shell; $out is the place for traces.
func (s *stage) add(name, body string) string {
	s.t.Helper()
	path := filepath.Join(s.hooks.Dir, name)
	if err := files.WriteProgram(path, []byte("#!/bin/sh\nout='"+s.out+"'\n"+body+"\n"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *stage) trace(name string) string {
	b, err := os.ReadFile(filepath.Join(s.out, name))
	if err != nil {
		return ""
	}
	return string(b)
}

func (s *stage) run(limit time.Duration, e Ending) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	begun := time.Now()
	err := s.hooks.Run(ctx, e)
	return time.Since(begun), err
}

func TestHooksRunInOrderAndKnowWhy(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	s := newStage(t)
	s.add("20-second", `printf 2 >> "$out/order"; env > "$out/env"`)
	s.add("10-first", `printf 1 >> "$out/order"; echo "said aloud"; echo "and in anger" >&2`)
	at := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	_, err := s.run(10*time.Second, Ending{Reason: "idle for 1h", Action: "stop", At: at, PreStop: "printf 3 >> '" + s.out + "/order'"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.trace("order"); got != "123" {
		t.Errorf("they ran in the order %q", got)
	}
	env := s.trace("env")
	for _, want := range []string{"SPORED_REASON=idle for 1h\n", "SPORED_ACTION=stop\n", "SPORED_DEADLINE=2026-11-23T18:00:00Z\n"} {
		if !strings.Contains(env, want) {
			t.Errorf("no %q in %q", want, env)
		}
	}
	if strings.Contains(env, "NOTIFY_SOCKET") {
		t.Error("a hook could speak to the service manager in the agent's name")
	}
	if log := s.log.String(); !strings.Contains(log, "said aloud") || !strings.Contains(log, "and in anger") {
		t.Errorf("the output is not in the log: %s", log)
	}
}

func TestNoHooks(t *testing.T) {
	s := newStage(t)
	if err := os.Remove(s.hooks.Dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.run(time.Second, Ending{}); err != nil {
		t.Error(err)
	}
}

// TestHooksAreRootsAlone: what another could have written does not run as root.
func TestHooksAreRootsAlone(t *testing.T) {
	s := newStage(t)
	for name, mode := range map[string]os.FileMode{"group": 0o775, "all": 0o757, "text": 0o644} {
		if err := os.Chmod(s.add(name, `: > "$out/`+name+`"`), mode); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "x")
	if err := files.WriteProgram(elsewhere, []byte("#!/bin/sh\n: > '"+s.out+"/link'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(s.hooks.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(s.hooks.Dir, "pipe"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused := []string{"group", "all", "text", "link", "pipe"}
	if os.Geteuid() == 0 {
		if err := os.Chown(s.add("theirs", `: > "$out/theirs"`), stranger, stranger); err != nil {
			t.Fatal(err)
		}
		refused = append(refused, "theirs")
	}
	s.add("good", `: > "$out/good"`)
	_, err := s.run(10*time.Second, Ending{})
	for _, name := range refused {
		if _, statErr := os.Stat(filepath.Join(s.out, name)); statErr == nil {
			t.Errorf("%s ran", name)
		}
		if err == nil || !strings.Contains(err.Error(), "/"+name) {
			t.Errorf("nothing was said of %s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(s.out, "good")); err != nil {
		t.Error("a good hook did not run beside bad ones")
	}

	if err := os.Chmod(s.hooks.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.out, "good")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.run(10*time.Second, Ending{}); err == nil {
		t.Error("nothing was said of a folder that all can write")
	}
	if _, err := os.Stat(filepath.Join(s.out, "good")); err == nil {
		t.Error("a hook ran out of a folder that all can write")
	}
}

// TestHooksThatDoNotEnd: one hangs and is deaf to SIGTERM, one writes without
// end, one fails; the others still have their turn, and all is over in time.
func TestHooksThatDoNotEnd(t *testing.T) {
	s := newStage(t)
	s.add("1-deaf", `trap '' TERM; echo $$ > "$out/deaf"; while :; do sleep 1; done`)
	s.add("2-endless", `echo $$ > "$out/endless"; yes`)
	s.add("3-fails", `echo "could not save"; exit 3`)
	s.add("4-good", `: > "$out/good"`)
	took, err := s.run(4*time.Second, Ending{PreStop: "sleep 60"})
	if took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	for _, name := range []string{"1-deaf", "2-endless", "3-fails: exit status 3", "pre-stop"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("nothing was said of %s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(s.out, "good")); err != nil {
		t.Error("one that hangs took the time of the others")
	}
	for _, name := range []string{"deaf", "endless"} {
		s.wantGone(name)
	}
	if s.log.Len() > 6*maxHookOutput || !strings.Contains(s.log.String(), "could not save") {
		t.Errorf("the log has %d bytes", s.log.Len())
	}
}

// TestWhatAHookLeavesBehind: the hook is done, a child of it holds its output
// open and stays.
func TestWhatAHookLeavesBehind(t *testing.T) {
	s := newStage(t)
	s.add("fork", `(trap '' TERM HUP; while :; do sleep 1; done) & echo $! > "$out/child"`)
	took, err := s.run(20*time.Second, Ending{})
	if err != nil || took > 2*hookGrace {
		t.Errorf("%v after %s", err, took)
	}
	s.wantGone("child")
}

// TestHooksUnderSystemd has a stand-in for systemd-run that keeps what it is
// told and runs the rest, dollar signs expanded as systemd does.
func TestHooksUnderSystemd(t *testing.T) {
	s := newStage(t)
	s.hooks.SystemdRun = filepath.Join(t.TempDir(), "systemd-run")
	body := `#!/bin/bash
while [ "$1" != -- ]; do echo "$1" >> '` + s.out + `/told'; shift; done; shift
exec "${@//\$\$/$}"
`
	if err := files.WriteProgram(s.hooks.SystemdRun, []byte(body), 0o755); err != nil {
		t.Fatal(err)
	}
	s.add("1-hook", `echo "$SPORED_ACTION" > "$out/hook"`)
	_, err := s.run(10*time.Second, Ending{Reason: "50 % idle", Action: "stop", PreStop: `x=1; echo "$x $SPORED_ACTION" > '` + s.out + `/pre-stop'`})
	if err != nil {
		t.Fatal(err)
	}
	if s.trace("hook") != "stop\n" || s.trace("pre-stop") != "1 stop\n" {
		t.Errorf("the hook said %q, the command %q", s.trace("hook"), s.trace("pre-stop"))
	}
	told := s.trace("told")
	for _, want := range []string{"--wait\n", "--pipe\n", "--setenv=SPORED_REASON=50 % idle\n", "--property=RuntimeMaxSec=3", "--property=TimeoutStopSec=1"} {
		if !strings.Contains(told, want) {
			t.Errorf("systemd was not told %q: %s", want, told)
		}
	}

	if err := files.WriteProgram(s.hooks.SystemdRun, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if took, err := s.run(time.Second, Ending{}); err == nil || took > 2*time.Second {
		t.Errorf("a systemd that hangs: %v after %s", err, took)
	}
}

func TestHooksHaveNoTimeWhenThereIsNone(t *testing.T) {
	s := newStage(t)
	s.add("one", `: > "$out/one"`)
	took, err := s.run(-time.Second, Ending{PreStop: "true"})
	if err == nil || took > time.Second {
		t.Errorf("%v after %s", err, took)
	}
	if _, err := os.Stat(filepath.Join(s.out, "one")); err == nil {
		t.Error("it ran")
	}
}

// wantGone fails unless the process whose id is in a trace ends.
func (s *stage) wantGone(name string) {
	s.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(s.trace(name)))
	if err != nil {
		s.t.Fatalf("%s left no process id: %v", name, err)
	}
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	s.t.Errorf("%s is still there", name)
}
