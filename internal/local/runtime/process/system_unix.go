//go:build unix

package process

import (
	"os"
	"os/exec"
	"syscall"
)

// hostEnv is what of the host's environment a command needs to run at all.
func hostEnv() []string { return []string{"PATH=" + os.Getenv("PATH")} }

// isolate puts the command into a process group of its own, so that the
// terminal's Ctrl-C does not reach it and its children end with it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

func terminate(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

func kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// sweep kills what is left of the group after its leader was waited for. An
// error means that nothing was left.
func sweep(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
