package files

import (
	"os"
	"syscall"
)

// WriteProgram writes a program or script to path, as os.WriteFile does, so that
// it can be executed at once.
//
// A process that is started while the file is open for writing inherits the
// descriptor and holds it until it executes its own program; whoever executes
// the file in that moment is told "text file busy"
// (https://github.com/golang/go/issues/22315). No process is started here until
// the file is closed.
func WriteProgram(path string, content []byte, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, content, mode)
}
