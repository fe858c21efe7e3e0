//go:build unix && !linux

package process

import "syscall"

// dieWithParent does nothing: only Linux can tie a process to its parent. A
// cloud that is killed with SIGKILL leaves its agents running here; each ends
// at its own deadline.
func dieWithParent(*syscall.SysProcAttr) {}
