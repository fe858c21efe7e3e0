package sense

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// stand is a machine made of files, with a clock of its own.
type stand struct {
	Machine
	root    string
	elapsed time.Duration
	skew    time.Duration // of the wall clock
	own     uint64
}

// newStand is a machine of nothing but what its parts need not to fail.
func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{root: t.TempDir()}
	s.Machine = Machine{
		Proc: filepath.Join(s.root, "proc"), Sys: filepath.Join(s.root, "sys"), Dev: filepath.Join(s.root, "dev"),
		NvidiaSMI: []string{filepath.Join(s.root, "nvidia-smi")},
		Own:       func() uint64 { return s.own },
		Elapsed:   func() time.Duration { return s.elapsed },
	}
	s.put(t, "proc/stat", "cpu  1 0 1 100 0 0 0 0 0 0\ncpu0 1 0 1 100 0 0 0 0 0 0\n")
	s.put(t, "proc/vmstat", "pgpgin 0\npgpgout 0\n")
	s.put(t, "proc/net/dev", "Inter-|   Receive  |  Transmit\n face |bytes\n")
	return s
}

func (s *stand) put(t testing.TB, path, content string) {
	t.Helper()
	path = filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// program makes a file that can be executed.
func (s *stand) program(t testing.TB, path, script string) {
	t.Helper()
	if err := files.WriteProgram(filepath.Join(s.root, path), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (s *stand) sense(t testing.TB, a *Activity, idle lifecycle.IdlePolicy) map[string]core.Signal {
	t.Helper()
	signals := map[string]core.Signal{}
	for _, signal := range a.Sense(context.Background(), noon.Add(s.elapsed+s.skew), idle) {
		signals[signal.Name] = signal
	}
	return signals
}

// TestMachines takes samples of machines at several times and compares what is
// said of the last one. testdata/README.md tells where the machines come from.
func TestMachines(t *testing.T) {
	paths, err := filepath.Glob("testdata/machines/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no machines: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := newStand(t)
			a := NewActivity(s.Machine)
			var idle lifecycle.IdlePolicy
			var want string
			at := ""
			for _, f := range archive.Files {
				moment, file, _ := strings.Cut(f.Name, "/")
				switch {
				case f.Name == "want":
					want = strings.TrimSpace(string(f.Data))
					continue
				case f.Name == "policy":
					idle.CPU = limit(t, string(f.Data))
					continue
				case moment == "sys":
					s.put(t, f.Name, "")
					continue
				case moment != at && at != "":
					s.sense(t, a, idle)
				}
				if moment != at {
					at = moment
					s.travel(t, moment)
					if err := os.Remove(filepath.Join(s.Proc, "vmstat")); err != nil && !os.IsNotExist(err) {
						t.Fatal(err)
					}
				}
				s.put(t, "proc/"+file, string(f.Data))
			}
			said := s.sense(t, a, idle)
			if diff := cmp.Diff(want, told(said["cpu"])+"\n"+told(said["network"])); diff != "" {
				t.Errorf("%s(-want +got):\n%s", archive.Comment, diff)
			}
		})
	}
}

// travel sets the clocks: 10s+8h is ten seconds of the machine's own clock and
// eight hours more of the one on the wall.
func (s *stand) travel(t *testing.T, to string) {
	t.Helper()
	own, wall, leapt := strings.Cut(to, "+")
	var err error
	if s.elapsed, err = time.ParseDuration(own); err == nil && leapt {
		s.skew, err = time.ParseDuration(wall)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func limit(t *testing.T, policy string) float64 {
	t.Helper()
	percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimPrefix(policy, "cpu ")), 64)
	if err != nil {
		t.Fatal(err)
	}
	return percent
}

func told(s core.Signal) string {
	state := "idle"
	switch {
	case s.Err != nil && s.Active:
		state = "failed"
	case s.Err != nil:
		state = "failed and idle"
	case s.Active:
		state = "active"
	}
	return fmt.Sprintf("%s %s: %s", s.Name, state, s.Detail)
}

// TestTheFirstSampleIsUnknown and unknown is never idle.
func TestTheFirstSampleIsUnknown(t *testing.T) {
	s := newStand(t)
	said := s.sense(t, NewActivity(s.Machine), lifecycle.IdlePolicy{})
	for _, name := range []string{"cpu", "network"} {
		if !said[name].Active || said[name].Err != nil || !strings.Contains(said[name].Detail, "no reading yet") {
			t.Errorf("%s", told(said[name]))
		}
	}
}

// TestSamplesAreNotHoarded: the sensors keep no more than their period.
func TestSamplesAreNotHoarded(t *testing.T) {
	s := newStand(t)
	s.put(t, "sys/class/net/ens5/device", "")
	a := NewActivity(s.Machine)
	for range 6 * 60 * 2 {
		s.elapsed += 10 * time.Second
		ticks := int(s.elapsed.Seconds() * userHz)
		s.put(t, "proc/stat", fmt.Sprintf("cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 1 0 1 1 0 0 0 0 0 0\n", ticks/100, ticks-ticks/100))
		said := s.sense(t, a, lifecycle.IdlePolicy{})
		if s.elapsed > 10*time.Second && said["cpu"].Active {
			t.Fatalf("after %s: %s", s.elapsed, told(said["cpu"]))
		}
	}
	p, n := a.posts[0].sensor.(*processors), a.posts[1].sensor.(*network)
	const most = int(period/(10*time.Second)) + 1
	if len(p.steps) > most || len(n.steps) > most {
		t.Errorf("%d and %d steps are kept, want at most %d", len(p.steps), len(n.steps), most)
	}
}

// TestWorkIsForgottenAfterItsPeriod: a burst counts for five minutes, at its
// share, and no longer.
func TestWorkIsForgottenAfterItsPeriod(t *testing.T) {
	s := newStand(t)
	a := NewActivity(s.Machine)
	busy := 0
	for s.elapsed = 0; s.elapsed <= 20*time.Minute; s.elapsed += 10 * time.Second {
		if s.elapsed > 10*time.Minute && s.elapsed <= 11*time.Minute {
			busy += 10 * userHz
		}
		all := int(s.elapsed.Seconds() * userHz)
		s.put(t, "proc/stat", fmt.Sprintf("cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 1 0 1 1 0 0 0 0 0 0\n", busy, all-busy))
		said := s.sense(t, a, lifecycle.IdlePolicy{})["cpu"]
		// Ten seconds of work in five minutes are 3.3 %, twenty are 6.7 %.
		wantActive := s.elapsed == 0 || s.elapsed >= 10*time.Minute+20*time.Second && s.elapsed < 15*time.Minute+50*time.Second
		if said.Active != wantActive {
			t.Errorf("at %s: %s", s.elapsed, told(said))
		}
	}
}

// TestTheAgentsOwnTrafficIsNotUse: three times the limit a minute, all of it
// metadata, on the machine's own interface.
func TestTheAgentsOwnTrafficIsNotUse(t *testing.T) {
	for _, own := range []uint64{0, 150_000} {
		s := newStand(t)
		s.put(t, "sys/class/net/ens5/device", "")
		a := NewActivity(s.Machine)
		line := "Inter-|   Receive  |  Transmit\n face |bytes\n  ens5: %d 0 0 0 0 0 0 0 %d 0 0 0 0 0 0 0\n"
		s.put(t, "proc/net/dev", fmt.Sprintf(line, 1000, 1000))
		s.sense(t, a, lifecycle.IdlePolicy{})
		s.elapsed, s.own = 5*time.Minute, own
		s.put(t, "proc/net/dev", fmt.Sprintf(line, 101_000, 61_000))
		said := s.sense(t, a, lifecycle.IdlePolicy{})["network"]
		if said.Active != (own == 0) {
			t.Errorf("of 160 KB %d B were the agent's own: %s", own, told(said))
		}
	}
}

// TestEveryProblemIsActivity takes each file away, or puts a folder in its
// place.
func TestEveryProblemIsActivity(t *testing.T) {
	for path, name := range map[string]string{"proc/stat": "cpu", "proc/net/dev": "network", "proc/vmstat": "cpu"} {
		s := newStand(t)
		if err := os.Remove(filepath.Join(s.root, path)); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(s.root, path), 0o755); err != nil {
			t.Fatal(err)
		}
		said := s.sense(t, NewActivity(s.Machine), lifecycle.IdlePolicy{})
		if !said[name].Active || said[name].Err == nil {
			t.Errorf("%s is a folder: %s", path, told(said[name]))
		}
	}
}

// TestThisMachine senses the machine that the test runs on: whatever it does,
// its figures must be possible.
func TestThisMachine(t *testing.T) {
	if _, err := os.Stat("/proc/net/dev"); err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	a := NewActivity(ThisMachine(func() uint64 { return 0 }))
	for range 2 {
		for _, signal := range a.Sense(t.Context(), time.Now(), lifecycle.IdlePolicy{Timeout: time.Hour}) {
			if signal.Err != nil && !os.IsPermission(signal.Err) {
				t.Errorf("%s: %v", signal.Name, signal.Err)
			}
			if signal.Detail == "" {
				t.Errorf("%s says nothing", signal.Name)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func BenchmarkSample(b *testing.B) {
	b.Run("this machine", func(b *testing.B) {
		if _, err := os.Stat("/proc/net/dev"); err != nil {
			b.Skipf("no /proc here: %v", err)
		}
		a := NewActivity(ThisMachine(func() uint64 { return 0 }))
		sampleOften(b, a, func() time.Time { return time.Now() })
	})
	b.Run("192 processors", func(b *testing.B) {
		archive, err := txtar.ParseFile("testdata/machines/nitro-192-idle.txtar")
		if err != nil {
			b.Fatal(err)
		}
		s := newStand(b)
		for _, f := range archive.Files {
			if name, ok := strings.CutPrefix(f.Name, "0s/"); ok {
				s.put(b, "proc/"+name, string(f.Data))
			}
		}
		a := NewActivity(s.Machine)
		sampleOften(b, a, func() time.Time { s.elapsed += 10 * time.Second; return noon.Add(s.elapsed) })
	})
}

// sampleOften measures the processor time of a sample; the budget of the whole
// agent, 0.05 % of a processor, is 5 ms for the ten seconds from one to the
// next.
func sampleOften(b *testing.B, a *Activity, now func() time.Time) {
	b.ReportAllocs()
	for b.Loop() {
		a.Sense(b.Context(), now(), lifecycle.IdlePolicy{Timeout: time.Hour})
	}
}
