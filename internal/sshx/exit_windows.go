//go:build windows

package sshx

import "os/exec"

// exitCode is the exit code of a program that ended.
func exitCode(ended *exec.ExitError) int { return ended.ExitCode() }
