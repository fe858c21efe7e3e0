//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

var errNotLinux = errors.New("the sandbox is made of namespaces, which only Linux has")

// Runtime boots nothing on this system.
type Runtime struct{}

// New returns a runtime whose Boot fails.
func New(Options) *Runtime { return &Runtime{} }

// Name is "sandbox".
func (*Runtime) Name() string { return "sandbox" }

// Boot fails: there are no namespaces here.
func (*Runtime) Boot(context.Context, runtime.Machine) (runtime.Running, error) {
	return nil, errNotLinux
}

// Trial says that there are no namespaces here.
func Trial(context.Context, Options, string) error { return errNotLinux }

// Main ends the program: there is no machine to be the init of.
func Main() {
	_, _ = fmt.Fprintln(os.Stderr, errNotLinux)
	os.Exit(1)
}

// Remove deletes a machine's folder.
func Remove(dir string) error { return os.RemoveAll(dir) }
