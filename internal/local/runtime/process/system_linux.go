package process

import "syscall"

// dieWithParent has the kernel kill the command when the thread that started
// it ends, which is when this program does, `kill -9` included. A command that
// hangs dies of it too, and so does one that does not call EndWithCloud.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
