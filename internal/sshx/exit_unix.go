//go:build unix

package sshx

import (
	"os/exec"
	"syscall"
)

// exitCode is the exit code of a program that ended, as a shell tells it.
func exitCode(ended *exec.ExitError) int {
	if status, isStatus := ended.Sys().(syscall.WaitStatus); isStatus && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return ended.ExitCode()
}
