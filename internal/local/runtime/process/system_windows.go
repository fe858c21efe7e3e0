package process

import (
	"os"
	"os/exec"
	"syscall"
)

// hostEnv is what of the host's environment a command needs to run at all:
// sockets do not open without SystemRoot.
func hostEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "SystemRoot=" + os.Getenv("SystemRoot")}
}

// isolate keeps the console's Ctrl-C from the command.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminate kills: Windows has no way to ask a process without a window.
func terminate(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// sweep does nothing: Windows has no process groups to look through.
func sweep(*exec.Cmd) {}
