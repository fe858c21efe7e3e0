//go:build unix

package sense

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// fifo puts a pipe without a writer in the place of a file: opening it hangs.
// Whoever hangs is let go when the test ends.
func (s *stand) fifo(t *testing.T, path string) (release func()) {
	t.Helper()
	path = filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	release = func() {
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil { // else nobody hangs there
			err = f.Close()
		}
		if err != nil {
			t.Logf("nobody hangs at %s: %v", path, err)
		}
	}
	return release
}

// TestAHungSensorBlocksNothing: the reading of one sensor never comes back.
// Every sample still does, the others speak, the silence counts as activity,
// and no goroutine is added with each sample.
func TestAHungSensorBlocksNothing(t *testing.T) {
	for path, name := range map[string]string{"proc/stat": "cpu", "proc/net/dev": "network", "proc/vmstat": "cpu"} {
		t.Run(path, func(t *testing.T) {
			s := newStand(t)
			release := s.fifo(t, path)
			defer release()
			a := NewActivity(s.Machine)
			a.patience = 300 * time.Millisecond
			before := readings()
			for i := range 3 {
				begun := time.Now()
				said := s.sense(t, a, lifecycle.IdlePolicy{})
				if took := time.Since(begun); took > a.patience+time.Second {
					t.Fatalf("the sample took %s", took)
				}
				if hung := said[name]; !hung.Active || hung.Err == nil || !strings.Contains(hung.Err.Error(), "hangs") {
					t.Errorf("sample %d: %s", i, told(hung))
				}
				for _, other := range []string{"cpu", "network", "keyboard"} {
					if other != name && said[other].Err != nil {
						t.Errorf("sample %d: %s %v", i, other, said[other].Err)
					}
				}
				s.elapsed += 10 * time.Second
			}
			if n := readings() - before; n > 1 {
				t.Errorf("%d readings are under way after three samples", n)
			}
		})
	}
}

// readings counts the goroutines that read.
func readings() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "sense.(*post).start.func")
}

// TestASensorRecovers: what hung comes back, and the next sample has a reading.
func TestASensorRecovers(t *testing.T) {
	s := newStand(t)
	release := s.fifo(t, "proc/stat")
	a := NewActivity(s.Machine)
	a.patience = 300 * time.Millisecond
	s.sense(t, a, lifecycle.IdlePolicy{})
	if err := os.Rename(filepath.Join(s.Proc, "stat"), filepath.Join(s.Proc, "pipe")); err != nil {
		t.Fatal(err)
	}
	s.put(t, "proc/stat", "cpu  1 0 1 100 0 0 0 0 0 0\ncpu0 1 0 1 100 0 0 0 0 0 0\n")
	f, err := os.OpenFile(filepath.Join(s.Proc, "pipe"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	release()
	for range 200 { // the reading that hung ends within moments
		s.elapsed += 10 * time.Second
		if said := s.sense(t, a, lifecycle.IdlePolicy{})["cpu"]; said.Err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the sensor does not recover")
}

// TestGPUs runs programs that stand for nvidia-smi.
func TestGPUs(t *testing.T) {
	tests := map[string]struct {
		script, pci string
		want        string // as told; "": no signal
		reason      string // in the error
	}{
		"idle":            {"echo 0; echo 0", vendorNVIDIA, "gpu idle: GPU 0 % at most of 2 GPUs (idle at 0 %)", ""},
		"one of eight":    {"printf '0\\n0\\n3\\n0\\n0\\n0\\n0\\n0\\n'", vendorNVIDIA, "gpu active: GPU 3 % at most of 8 GPUs (idle at 0 %)", ""},
		"divided, unused": {`case $1 in *gpu=*) echo "[N/A]";; esac`, vendorNVIDIA, "gpu idle: GPU used by no program, 1 GPU (idle without any)", ""},
		"divided, used":   {`case $1 in *gpu=*) echo "[N/A]";; *) echo 4711;; esac`, vendorNVIDIA, "gpu active: GPU used by 1 program, its share is not told (idle without any)", ""},
		"failing":         {"echo no driver >&2; exit 9", vendorNVIDIA, "gpu failed: GPU unknown", "no driver"},
		"broken GPU":      {"echo '[Unknown Error]'", vendorNVIDIA, "gpu failed: GPU unknown", "Unknown Error"},
		"no GPU listed":   {"true", vendorNVIDIA, "gpu failed: GPU unknown", "no GPU"},
		"garbage":         {"head -c 100000 /dev/zero", vendorNVIDIA, "gpu failed: GPU unknown", ""},
		"hanging":         {"exec sleep 60", vendorNVIDIA, "gpu failed: GPU unknown", "did not answer"},
		"leaving a child": {"sleep 60 & echo 0; exec sleep 60", vendorNVIDIA, "gpu failed: GPU unknown", "did not answer"},
		"no such device":  {"exit 9", "0x1d0f", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.put(t, "sys/bus/pci/devices/0000:00:1e.0/vendor", tt.pci+"\n")
			s.program(t, "nvidia-smi", "#!/bin/sh\n"+tt.script+"\n")
			g := newGPUs(s.Sys, s.NvidiaSMI)
			g.timeout = 500 * time.Millisecond
			if name != "hanging" && name != "leaving a child" {
				g.timeout = 10 * time.Second
			}
			begun := time.Now()
			signals := g.sense(moment{})
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			if tt.want == "" {
				if len(signals) > 0 {
					t.Errorf("there is no GPU, and yet %s", told(signals[0]))
				}
				return
			}
			if len(signals) != 1 || told(signals[0]) != tt.want {
				t.Fatalf("said %+v, want %q", signals, tt.want)
			}
			if err := signals[0].Err; err != nil && !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("the reason is %v, want %q in it", err, tt.reason)
			}
		})
	}
}

// TestGPUsAreAskedNowAndThen counts how often nvidia-smi runs in ten minutes.
func TestGPUsAreAskedNowAndThen(t *testing.T) {
	s := newStand(t)
	runs := filepath.Join(s.root, "runs")
	s.put(t, "sys/bus/pci/devices/0000:00:1e.0/vendor", vendorNVIDIA+"\n")
	s.program(t, "nvidia-smi", "#!/bin/sh\necho >> '"+runs+"'\necho 7\n")
	a := NewActivity(s.Machine)
	for range 60 {
		if said := s.sense(t, a, lifecycle.IdlePolicy{})["gpu"]; !said.Active || said.Err != nil {
			t.Fatalf("%s", told(said))
		}
		s.elapsed += 10 * time.Second
	}
	b, err := os.ReadFile(runs)
	if err != nil || len(b) != 10 {
		t.Errorf("it ran %d times in ten minutes (%v), want 10", len(b), err)
	}
}

// TestASlowGPU is one whose program answers after the sample: until it does the
// use is unknown, then its last word holds, and in the end it hangs.
func TestASlowGPU(t *testing.T) {
	s := newStand(t)
	gate := filepath.Join(s.root, "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	s.put(t, "sys/bus/pci/devices/0000:00:1e.0/vendor", vendorNVIDIA+"\n")
	s.program(t, "nvidia-smi", "#!/bin/sh\nread x < '"+gate+"'\necho 0\n")
	open := func() {
		f, err := os.OpenFile(gate, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("go\n")
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a := NewActivity(s.Machine)
	a.patience = 300 * time.Millisecond
	if said := s.sense(t, a, lifecycle.IdlePolicy{})["gpu"]; told(said) != "gpu active: gpu: no reading yet" {
		t.Errorf("before the first answer: %s", told(said))
	}
	open()
	a.patience = patience // it answers now
	if said := s.sense(t, a, lifecycle.IdlePolicy{})["gpu"]; told(said) != "gpu idle: GPU 0 % at most of 1 GPU (idle at 0 %)" {
		t.Errorf("after it: %s", told(said))
	}
	s.elapsed += gpuEvery
	a.patience = 300 * time.Millisecond
	if said := s.sense(t, a, lifecycle.IdlePolicy{})["gpu"]; said.Active {
		t.Errorf("while the next is awaited: %s", told(said))
	}
	s.elapsed += 2 * gpuTimeout
	if said := s.sense(t, a, lifecycle.IdlePolicy{})["gpu"]; !said.Active || said.Err == nil {
		t.Errorf("long after: %s", told(said))
	}
	open()
}
