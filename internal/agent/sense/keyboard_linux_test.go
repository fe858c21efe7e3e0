package sense

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// typed makes a terminal of a file that somebody last typed on at a time of the
// wall clock.
func (s *stand) typed(t *testing.T, terminal string, at time.Time) {
	t.Helper()
	path := filepath.Join(s.Dev, terminal)
	if _, err := os.Stat(path); err != nil {
		s.put(t, filepath.Join("dev", terminal), "")
	}
	if err := os.Chtimes(path, at, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// running makes a process of a file.
func (s *stand) running(t *testing.T, pid, parent, session, tty int, comm string) {
	t.Helper()
	s.put(t, fmt.Sprintf("proc/%d/stat", pid),
		fmt.Sprintf("%d (%s) S %d %d %d %d -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 1 1\n", pid, comm, parent, session, session, tty, 100+pid))
	s.put(t, fmt.Sprintf("proc/%d/cmdline", pid), "/opt/bin/"+comm+"\x00-x\x00")
}

const pts0 = majorPTS << 8

func TestKeyboard(t *testing.T) {
	const timeout = time.Hour
	type key struct {
		terminal string
		ago      time.Duration
	}
	tests := map[string]struct {
		keys   []key
		detach bool // pts/1 is a window of tmux
		want   string
	}{
		"nobody":                  {nil, false, "keyboard idle: nobody is logged in"},
		"typing":                  {[]key{{"pts/0", 12 * time.Second}}, false, "keyboard active: the last key was typed 12s ago on pts/0"},
		"the latest counts":       {[]key{{"pts/0", 3 * time.Hour}, {"pts/2", 20 * time.Minute}, {"tty1", 2 * time.Hour}}, false, "keyboard active: the last key was typed 20m ago on pts/2"},
		"long ago":                {[]key{{"pts/0", 61 * time.Minute}}, false, "keyboard idle: the last key was typed 1h1m ago on pts/0"},
		"serial line":             {[]key{{"ttyS0", time.Minute}}, false, "keyboard active: the last key was typed 1m ago on ttyS0"},
		"a window, nobody there":  {[]key{{"pts/1", time.Second}}, true, "keyboard idle: nobody is logged in"},
		"a window, long detached": {[]key{{"pts/0", 2 * time.Hour}, {"pts/1", time.Second}}, true, "keyboard idle: the last key was typed 2h ago on pts/0"},
		"a window, attached":      {[]key{{"pts/0", time.Second}, {"pts/1", time.Second}}, true, "keyboard active: the last key was typed 1s ago on pts/0"},
		"the multiplexer itself":  {[]key{{"ptmx", 0}, {"pts/ptmx", 0}}, false, "keyboard idle: nobody is logged in"},
		"in the future, once":     {[]key{{"pts/0", -5 * time.Hour}}, false, "keyboard active: the last key was typed 0s ago on pts/0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			for _, k := range tt.keys {
				s.typed(t, k.terminal, noon.Add(-k.ago))
			}
			s.running(t, 1, 0, 1, 0, "systemd")
			s.running(t, 80, 1, 80, 0, "sshd")
			s.running(t, 90, 80, 90, pts0, "bash")
			if tt.detach {
				s.running(t, 70, 1, 70, 0, "tmux: server")
				s.running(t, 71, 70, 71, pts0+1, "bash) S 1 1")
				s.running(t, 72, 71, 71, pts0+1, "make")
			}
			got := told(s.sense(t, NewActivity(s.Machine), lifecycle.IdlePolicy{Timeout: timeout})["keyboard"])
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestKeyboardAndTheClock follows one terminal while the wall clock is set: the
// age of the last key is measured by the machine's own clock.
func TestKeyboardAndTheClock(t *testing.T) {
	s := newStand(t)
	a := NewActivity(s.Machine)
	s.typed(t, "pts/0", noon.Add(-time.Minute))
	age := func() time.Duration {
		said := s.sense(t, a, lifecycle.IdlePolicy{Timeout: time.Hour})["keyboard"]
		return noon.Add(s.elapsed + s.skew).Sub(said.Last)
	}
	steps := []struct {
		what string
		do   func()
		want time.Duration
	}{
		{"at first", func() {}, time.Minute},
		{"ten minutes later", func() { s.elapsed += 10 * time.Minute }, 11 * time.Minute},
		{"the clock is set a day forward", func() { s.skew = 24 * time.Hour }, 11 * time.Minute},
		{"the clock is set a year back", func() { s.skew = -365 * 24 * time.Hour }, 11 * time.Minute},
		{"somebody types", func() {
			s.elapsed += time.Minute
			s.typed(t, "pts/0", noon.Add(s.elapsed+s.skew))
		}, 0},
		{"an hour passes", func() { s.elapsed += time.Hour }, time.Hour},
	}
	for _, step := range steps {
		step.do()
		if got := age(); got != step.want {
			t.Errorf("%s: the last key is %s old, want %s", step.what, got, step.want)
		}
	}
}

// TestANewLoginIsAKey, on a terminal whose number was used before.
func TestANewLoginIsAKey(t *testing.T) {
	s := newStand(t)
	a := NewActivity(s.Machine)
	s.typed(t, "pts/0", noon.Add(-5*time.Hour))
	if said := s.sense(t, a, lifecycle.IdlePolicy{Timeout: time.Hour})["keyboard"]; said.Active {
		t.Fatalf("%s", told(said))
	}
	if err := os.Rename(filepath.Join(s.Dev, "pts/0"), filepath.Join(s.Dev, "pts/old")); err != nil {
		t.Fatal(err)
	}
	s.elapsed += time.Minute
	s.typed(t, "pts/0", noon.Add(s.elapsed))
	if said := s.sense(t, a, lifecycle.IdlePolicy{Timeout: time.Hour})["keyboard"]; !said.Active {
		t.Errorf("%s", told(said))
	}
}

// TestRealMultiplexers starts tmux and screen with nobody attached: the
// terminals of their windows, brand new and typed into by a script, do not
// count.
func TestRealMultiplexers(t *testing.T) {
	for name, start := range map[string]func(dir string) (start, stop []string){
		"tmux": func(dir string) (start, stop []string) {
			socket := filepath.Join(dir, "s")
			return []string{"tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", "tty > " + dir + "/tty; exec sleep 60"},
				[]string{"tmux", "-S", socket, "kill-server"}
		},
		"screen": func(dir string) (start, stop []string) {
			return []string{"screen", "-c", "/dev/null", "-dmS", "spored-test", "sh", "-c", "tty > " + dir + "/tty; exec sleep 60"},
				[]string{"screen", "-S", "spored-test", "-X", "quit"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skipf("%s is not installed", name)
			}
			dir := t.TempDir()
			begin, end := start(dir)
			run := func(args []string) {
				cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
				cmd.Env = append(os.Environ(), "HOME="+dir, "SCREENDIR="+dir, "TERM=xterm")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v\n%s", args, err, out)
				}
			}
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			run(begin)
			defer run(end)
			var tty string
			for range 100 {
				b, err := os.ReadFile(filepath.Join(dir, "tty"))
				if tty = strings.TrimSpace(string(b)); err == nil && tty != "" {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			window, err := (&sessions{proc: "/proc"}).isWindow(strings.TrimPrefix(tty, "/dev/"))
			if err != nil || !window {
				t.Errorf("%s with nobody attached: window %v, %v", tty, window, err)
			}
			k := newKeyboards("/dev", &sessions{proc: "/proc"})
			now := time.Now()
			if _, _, err := k.lastKey(moment{now: now, elapsed: time.Hour}); err != nil {
				t.Fatal(err)
			}
			if k.known[strings.TrimPrefix(tty, "/dev/")].counts {
				t.Errorf("%s counts", tty)
			}
		})
	}
}

func TestBusyWhile(t *testing.T) {
	s := newStand(t)
	s.running(t, 1, 0, 1, 0, "systemd")
	s.running(t, 2, 0, 0, 0, "kthreadd")
	s.running(t, 3, 2, 0, 0, "train")
	s.running(t, 500, 1, 500, 0, "python3")
	s.put(t, "proc/501/stat", "501 (ended) Z 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 9 1 1\n")
	s.running(t, 502, 1, 502, 0, "a-very-long-nam")
	s.put(t, "proc/503/stat", "503 (MainThread) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 9 1 1\n")
	s.put(t, "proc/503/cmdline", "/usr/bin/node\x00server.js\x00")
	s.put(t, "busy/lock", "")
	a := NewActivity(s.Machine)
	for _, tt := range []struct {
		what   lifecycle.BusyWhile
		active bool
	}{
		{lifecycle.BusyWhile{Files: []string{filepath.Join(s.root, "busy/lock")}}, true},
		{lifecycle.BusyWhile{Files: []string{filepath.Join(s.root, "busy/none")}}, false},
		{lifecycle.BusyWhile{Files: []string{filepath.Join(s.root, "busy/none"), filepath.Join(s.root, "busy")}}, true},
		{lifecycle.BusyWhile{Processes: []string{"python3"}}, true},
		{lifecycle.BusyWhile{Processes: []string{"a-very-long-name-of-a-program"}}, true},
		{lifecycle.BusyWhile{Processes: []string{"node"}}, true},
		{lifecycle.BusyWhile{Processes: []string{"train"}}, false}, // the kernel's own thread
		{lifecycle.BusyWhile{Processes: []string{"ended"}}, false}, // a zombie
		{lifecycle.BusyWhile{Processes: []string{"none", "python3"}}, true},
	} {
		active := false
		for _, signal := range a.Sense(t.Context(), noon, lifecycle.IdlePolicy{BusyWhile: tt.what}) {
			if signal.Name == "file" || signal.Name == "process" {
				if signal.Err != nil || signal.Detail == "" {
					t.Errorf("%+v: %s %v", tt.what, told(signal), signal.Err)
				}
				active = active || signal.Active
			}
		}
		if active != tt.active {
			t.Errorf("%+v: active is %v", tt.what, active)
		}
	}
}

// TestProcessesComeAndGo: what ends is noticed with the next look at all of
// them, not before.
func TestProcessesComeAndGo(t *testing.T) {
	s := newStand(t)
	a := NewActivity(s.Machine)
	idle := lifecycle.IdlePolicy{BusyWhile: lifecycle.BusyWhile{Processes: []string{"train"}}}
	s.running(t, 500, 1, 500, 0, "train")
	if !s.sense(t, a, idle)["process"].Active {
		t.Error("a running process is not seen")
	}
	if err := os.RemoveAll(filepath.Join(s.Proc, "500")); err != nil {
		t.Fatal(err)
	}
	s.elapsed += processEvery
	if s.sense(t, a, idle)["process"].Active {
		t.Error("a process that ended is still seen")
	}
}
