package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
)

// fifty is as many machines as two cores must carry at once.
const fifty = 50

func TestFiftyMachinesAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("50 machines take half a minute")
	}
	needSandbox(t)
	mountsBefore, filesBefore, goroutines := mounts(t), openFiles(t), goruntime.NumGoroutine()
	if n := len(children(t)); n != 0 {
		t.Fatalf("%d children before the first machine", n)
	}
	begun := time.Now()
	machines := bootFifty(t)
	booted := time.Since(begun)
	inits := children(t)
	if len(inits) != fifty {
		t.Fatalf("%d machines run, want %d", len(inits), fifty)
	}
	own, networks := place(t, "self"), map[string]bool{}
	for _, pid := range inits {
		if there := place(t, pid); there != own {
			t.Errorf("a machine is in a control group of its own: %s", there)
		}
		if network, err := os.Readlink("/proc/" + pid + "/ns/net"); err == nil {
			networks[network] = true
		}
	}
	if len(networks) != 0 && len(networks) != fifty { // whose a plain user may not see
		t.Errorf("%d machines have %d networks", fifty, len(networks))
	}
	used := cpuOf(t, inits)
	idle := time.Now()
	time.Sleep(3 * time.Second)
	share := (cpuOf(t, inits) - used).Seconds() / time.Since(idle).Seconds()

	size := memory(inits)
	begun = time.Now()
	powerOffAll(machines)
	t.Logf("%d machines: up after %v, off after %v, each init %s, idle they cost %.1f %% of a core", fifty,
		booted.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond), size, 100*share)
	if share > fifty*0.005 {
		t.Errorf("idle machines cost %.1f %% of a core", 100*share)
	}
	if left := children(t); len(left) != 0 {
		t.Errorf("processes were left: %v", left)
	}
	if after := mounts(t); after != mountsBefore {
		t.Errorf("mounts were left:\n%s\nbefore:\n%s", after, mountsBefore)
	}
	// An open file is what could still hold a namespace.
	for end := time.Now().Add(5 * time.Second); openFiles(t) > filesBefore || goruntime.NumGoroutine() > goroutines; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d files and %d goroutines were left, from %d and %d", openFiles(t), goruntime.NumGoroutine(), filesBefore, goroutines)
		}
	}
}

// bootFifty boots them at the same time, waits for their user-data and runs a
// command in each.
func bootFifty(t *testing.T) []runtime.Running {
	machines := make([]runtime.Running, fifty)
	t.Cleanup(func() { powerOffAll(machines) })
	var all sync.WaitGroup
	for i := range machines {
		dir := folder(t)
		all.Go(func() {
			console := &screen{}
			id := fmt.Sprintf("i-%017x", i)
			m, err := sandbox.New(options()).Boot(t.Context(), runtime.Machine{
				ID: id, Hostname: id, PrivateIP: "172.31.0.5", Gateway: "172.31.0.1", VCPUs: 2, Dir: dir,
				Metadata: metadata("#!/bin/sh\necho up >/usr/local/up\n"), Console: console,
			})
			if err != nil {
				t.Error(err)
				return
			}
			machines[i] = m
			for end := time.Now().Add(2 * time.Minute); !strings.Contains(console.String(), "user-data is done"); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Errorf("console:\n%s", console)
					return
				}
			}
			var out bytes.Buffer
			code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"sh", "-c", "cat /usr/local/up /proc/sys/kernel/hostname"}, Stdout: &out})
			if err != nil || code != 0 || out.String() != "up\n"+id+"\n" {
				t.Errorf("%s: %d, %v, %q", id, code, err, &out)
			}
		})
	}
	all.Wait()
	return machines
}

func powerOffAll(machines []runtime.Running) {
	var all sync.WaitGroup
	for _, m := range machines {
		if m != nil {
			all.Go(func() { m.PowerOff(context.Background()) })
		}
	}
	all.Wait()
}

// children are the processes that this one started and that have not gone.
func children(t *testing.T) (pids []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if f := stat(path); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

// stat are the fields of a process's stat file from the third on.
func stat(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil // it has gone
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

func cpuOf(t *testing.T, pids []string) (sum time.Duration) {
	t.Helper()
	for _, pid := range pids {
		f := stat("/proc/" + pid + "/stat")
		for _, i := range []int{14 - 3, 15 - 3} {
			n, err := strconv.Atoi(f[i])
			if err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}

func place(t *testing.T, pid string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// memory is what an init has for itself, and what it has in all, on average.
func memory(pids []string) string {
	var private, resident int
	for _, pid := range pids {
		b, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
		if err != nil {
			return "of unknown size"
		}
		for line := range strings.Lines(string(b)) {
			var kb int
			if _, err := fmt.Sscanf(line, "Private_Dirty: %d", &kb); err == nil {
				private += kb
			} else if _, err := fmt.Sscanf(line, "Rss: %d", &kb); err == nil {
				resident += kb
			}
		}
	}
	return fmt.Sprintf("%d KiB of its own and %d KiB resident", private/len(pids), resident/len(pids))
}
