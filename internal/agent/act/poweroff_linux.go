package act

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"syscall"
	"time"
)

const (
	syncPatience     = 5 * time.Second  // a disk that hangs must not keep the machine alive
	shutdownPatience = 20 * time.Second // for an orderly shutdown to stop this process
)

// Machine is the machine that spored runs on.
type Machine struct{ Log *slog.Logger }

// PowerOff turns the machine off, which ends an instance that was launched
// with InstanceInitiatedShutdownBehavior=terminate. It returns when ctx ends,
// as it does when the shutdown stops this process, or with an error when the
// machine could not even be forced off.
//
// An orderly shutdown that has not come to this process after
// shutdownPatience is overtaken by reboot(2). One that has come to it and hangs
// later, in another service, is overtaken by the operating system's own timer
// where a deadline has passed, and by systemd after half an hour in any case
// (JobTimeoutAction of poweroff.target).
//
// https://github.com/systemd/systemd/blob/main/units/poweroff.target
func (m Machine) PowerOff(ctx context.Context) error {
	m.Sync(ctx)
	if m.shutdown(ctx) {
		if wait(ctx, shutdownPatience) != nil {
			return nil //nolint:nilerr // the shutdown has come to this process: it worked
		}
		m.Log.ErrorContext(ctx, "the shutdown hangs: forcing the power off")
		m.Sync(ctx)
	}
	if err := syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		return fmt.Errorf("force the power off: %w", err)
	}
	<-ctx.Done() // off, or a process namespace whose init was told so
	return nil
}

// Sync writes what is in memory to the disks, as before any end, but does not
// wait for ever. After its patience the goroutine is left behind: nothing can
// interrupt sync(2), and the machine is about to go.
func (m Machine) Sync(ctx context.Context) {
	done := make(chan struct{})
	go func() { syscall.Sync(); close(done) }()
	timer := time.NewTimer(syncPatience)
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-timer.C:
		m.Log.WarnContext(ctx, "the disks take too long to sync")
	}
}

// shutdown asks for an orderly shutdown and tells whether anyone agreed to do
// it.
func (m Machine) shutdown(ctx context.Context) bool {
	for _, command := range [][]string{{"systemctl", "poweroff", "--ignore-inhibitors"}, {"poweroff"}} {
		err := start(ctx, command)
		if err == nil {
			return true
		}
		m.Log.WarnContext(ctx, "an orderly shutdown could not be asked for", "command", command[0], "error", err)
	}
	return false
}

// start runs a command to its end.
func start(ctx context.Context, command []string) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownPatience/2)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %.200s", err, out)
	}
	return nil
}
