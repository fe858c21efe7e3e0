package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// errTerminal refuses what nobody needs: there is an SSH server inside.
var errTerminal = errors.New("a machine with systemd gives no terminal to a command; log in by SSH")

// Exec implements runtime.Running. The command runs in the machine's
// namespaces, though not in a unit of its systemd.
func (m machine) Exec(ctx context.Context, c runtime.Command) (int, error) {
	if c.TTY || len(c.Args) == 0 {
		return 0, errTerminal
	}
	b := m.Current()
	args := []string{"--target", strconv.Itoa(b.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--", "/bin/sh", "-c", `cd /root && exec "$@"`, "sh"}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, c.Args...)...)
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8"}, c.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = 500 * time.Millisecond // something it left in the background may hold its output
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0, nil
	case errors.As(err, &ended):
		if ws, ok := ended.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return ended.ExitCode(), nil
	default:
		return 0, fmt.Errorf("run a command in %s: %w", m.id, err)
	}
}

// findLeader finds the systemd below a supervisor: the first process of a pid
// namespace whose parent's parent it is, once it takes orders. 0: not yet.
func findLeader(supervisor int) int {
	all, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return 0 // the pattern is a good one
	}
	for _, path := range all {
		status, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		ids := strings.Fields(field(status, "NSpid"))
		if len(ids) < 2 || ids[len(ids)-1] != "1" || strings.TrimSpace(field(status, "Name")) != "systemd" {
			continue
		}
		nspawn, err := os.ReadFile("/proc/" + strings.TrimSpace(field(status, "PPid")) + "/status")
		if err != nil || strings.TrimSpace(field(nspawn, "PPid")) != strconv.Itoa(supervisor) {
			continue
		}
		process := filepath.Dir(path)
		if _, err := os.Lstat(process + "/root/run/systemd/private"); err != nil {
			return 0 // it has not opened its socket yet
		}
		pid, err := strconv.Atoi(filepath.Base(process))
		if err == nil {
			return pid
		}
	}
	return 0
}

// field is a line of /proc/<pid>/status without its name.
func field(status []byte, name string) string {
	for line := range bytes.Lines(status) {
		if key, value, found := strings.Cut(string(line), ":"); found && key == name {
			return value
		}
	}
	return ""
}
