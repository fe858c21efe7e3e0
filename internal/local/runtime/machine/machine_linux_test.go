package machine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/machine"
)

// screen is a machine's console.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// newRuntime skips unless make e2e made the disk.
func newRuntime(t *testing.T) *machine.Runtime {
	t.Helper()
	disk := os.Getenv("SPAWN_E2E_MACHINE")
	if disk == "" {
		t.Skip("no disk to boot machines from (SPAWN_E2E_MACHINE): make e2e makes it")
	}
	r, err := machine.New(machine.Options{Disk: disk})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func start(t *testing.T, r *machine.Runtime, m runtime.Machine) runtime.Running {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run, err := r.Boot(ctx, m)
	if err != nil {
		t.Fatalf("%v\n%v", err, m.Console)
	}
	t.Cleanup(func() { stop(t, run) })
	return run
}

func stop(t *testing.T, run runtime.Running) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	run.PowerOff(ctx)
	if ctx.Err() != nil {
		t.Error("the machine had to have its plug pulled")
	}
}

func inside(t *testing.T, run runtime.Running, script string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	code, err := run.Exec(ctx, runtime.Command{Args: []string{"sh", "-c", script}, Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out.String())
	}
	return strings.TrimSpace(out.String()), code
}

// metadata answers what cloud-init asks for, with a script as user-data.
func metadata(script string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.SplitN(strings.Trim(r.URL.Path, "/"), "/", 2)
		answers := map[string]string{
			"api/token": "token", "user-data": script, "meta-data": "instance-id\nlocal-hostname",
			"dynamic/instance-identity": "document", "dynamic/instance-identity/document": `{"region": "us-east-1"}`,
			"meta-data/instance-id": "i-0e2e", "meta-data/local-hostname": "ip-172-31-0-9",
		}
		text, found := answers[parts[len(parts)-1]]
		if !found {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text)
	})
}

func TestMachine(t *testing.T) {
	r := newRuntime(t)
	console := &screen{}
	m := runtime.Machine{
		ID: "i-0e2e0life", Hostname: "ip-172-31-0-9", PrivateIP: "172.31.0.9", Gateway: "172.31.0.1", Dir: t.TempDir(), VCPUs: 3,
		Metadata: metadata("#!/bin/sh\necho the user-data ran\n"), Console: console,
	}
	run := start(t, r, m)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("console: %s", console)
		}
	})
	if out, code := inside(t, run, "systemctl is-system-running --wait; cloud-init status --wait --long; cat /proc/1/comm; hostname; cat /var/log/cloud-init-output.log"); code != 0 || !strings.Contains(out, "the user-data ran") || !strings.Contains(out, "ip-172-31-0-9") {
		t.Fatalf("exit %d: %s\nconsole: %s", code, out, console)
	}
	if out, _ := inside(t, run, "grep -c '^cpu[0-9]' /proc/stat; cut -d. -f1 /proc/uptime"); !fresh(out, m.VCPUs) {
		t.Errorf("the machine's processors and its age in seconds are %q", out)
	}
	inside(t, run, "echo kept > /root/kept")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun, _ := inside(t, run, "cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic --value")
	run.Reboot(ctx)
	if out, _ := inside(t, run, "cat /root/kept"); out != "kept" {
		t.Errorf("after a reboot the disk has %q", out)
	}
	if again, _ := inside(t, run, "cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic --value"); again == begun {
		t.Error("systemd was not started again")
	}
	stop(t, run)
	checkNothingLeft(t, m)

	run = start(t, r, m)
	if out, _ := inside(t, run, "cat /root/kept; systemctl is-system-running --wait"); !strings.HasPrefix(out, "kept") {
		t.Errorf("after a stop the disk has %q", out)
	}
	inside(t, run, "systemctl poweroff")
	select {
	case <-run.Done():
	case <-time.After(40 * time.Second):
		t.Fatalf("the machine did not power itself off: %s", console)
	}
	checkNothingLeft(t, m)
}

// fresh tells that a machine has so many processors and was booted just now,
// whatever the host has and is.
func fresh(out string, vcpus int) bool {
	var n, age int
	_, err := fmt.Sscan(out, &n, &age)
	return err == nil && n == vcpus && age < 60
}

// checkNothingLeft fails if there is anything of a machine but its files.
func checkNothingLeft(t *testing.T, m runtime.Machine) {
	t.Helper()
	for _, what := range left(t, m) {
		t.Errorf("left behind: %s", what)
	}
}

// left looks for mounts, control groups and processes of a machine.
func left(t *testing.T, m runtime.Machine) (found []string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, m.Dir) {
			found = append(found, line)
		}
	}
	for _, pattern := range []string{"/sys/fs/cgroup/machine-" + m.ID, "/sys/fs/cgroup/*/machine-" + m.ID} {
		groups, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, groups...)
	}
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), m.Dir) {
			found = append(found, path+": "+string(text))
		}
	}
	return found
}
