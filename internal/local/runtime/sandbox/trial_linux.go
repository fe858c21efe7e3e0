package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// trialTime bounds a trial; a machine takes a fraction of a second.
const trialTime = 10 * time.Second

// trialScript is the user-data of the trial. It asks for a path of the metadata
// service by whichever program is there, as a bootstrap would, and powers off.
const trialScript = `#!/bin/sh
url=http://169.254.169.254/latest/trial
if command -v curl >/dev/null; then curl -sf -m 5 "$url"
elif command -v wget >/dev/null; then wget -q -T 5 -O - "$url"
elif command -v python3 >/dev/null; then python3 -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=5).read()' "$url"
else echo "no program to fetch with"
fi
poweroff
`

// Trial boots a throwaway machine in dir, which it makes and deletes, and says
// in plain words why the sandbox cannot be used here, or nil. It takes ten
// seconds at most.
func Trial(ctx context.Context, opts Options, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	defer func() { err = errors.Join(err, Remove(dir)) }()
	t := &trial{}
	m, err := New(opts).Boot(ctx, runtime.Machine{
		ID: "i-trial", Hostname: "trial", PrivateIP: "172.31.0.4", VCPUs: 1, Dir: dir,
		Metadata: t, Console: t,
	})
	if err != nil {
		return explain(err)
	}
	select {
	case <-m.Done():
	case <-ctx.Done():
		m.PowerOff(ctx) // its time is over: this pulls the plug
		return fmt.Errorf("the sandbox's trial machine did not power itself off within %v; its console: %s", trialTime, t.text())
	}
	if !t.wasReached() {
		return fmt.Errorf("a script in the sandbox cannot reach its metadata service, for which it needs curl, wget or python3 on this system outside of home directories; its console: %s", t.text())
	}
	return nil
}

// trial is the metadata service and the console of the trial's machine.
type trial struct {
	mu      sync.Mutex
	reached bool
	console bytes.Buffer
}

func (t *trial) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := "token"
	switch r.URL.Path {
	case "/latest/api/token":
	case "/latest/user-data":
		answer = trialScript
	case "/latest/trial":
		t.mu.Lock()
		t.reached = true
		t.mu.Unlock()
		answer = "reached\n"
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = io.WriteString(w, answer) // a client that has gone is the trial's outcome
}

func (t *trial) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.console.Write(p)
}

func (t *trial) wasReached() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reached
}

func (t *trial) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.console.String())
}

// explain adds what a refusal usually comes from. The settings it reads only
// word the message; whether the sandbox works has been tried.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EUSERS):
		return &RefusedError{"this system allows no more user namespaces (user.max_user_namespaces)", err}
	case errors.Is(err, syscall.EINVAL):
		return &RefusedError{"this kernel has no user namespaces", err}
	case setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
		return &RefusedError{"this system allows user namespaces to root alone (kernel.unprivileged_userns_clone)", err}
	case setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" && os.Geteuid() != 0:
		return &RefusedError{"AppArmor restricts user namespaces on this system (kernel.apparmor_restrict_unprivileged_userns)", err}
	case errors.Is(err, syscall.EPERM):
		return &RefusedError{"this system forbids user namespaces, as most containers do", err}
	default:
		return err
	}
}

// setting is the value of a kernel setting, or "" where there is none.
func setting(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
