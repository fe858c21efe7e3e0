// Package none is the runtime whose machines exist for the API alone: they run
// nothing and cost nothing. Fault matrices and tests of scale use it.
//
// It never starts a process, opens a socket or touches a disk.
package none

import (
	"context"
	"sync"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// Runtime boots machines that are a state and nothing else.
type Runtime struct{}

// New returns the runtime.
func New() *Runtime { return &Runtime{} }

// Name is "none".
func (*Runtime) Name() string { return "none" }

// Boot returns at once with a machine that stays on until PowerOff.
func (*Runtime) Boot(ctx context.Context, _ runtime.Machine) (runtime.Running, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &machine{done: make(chan struct{})}, nil
}

type machine struct {
	once sync.Once
	done chan struct{}
}

func (m *machine) Done() <-chan struct{} { return m.done }

func (m *machine) PowerOff(context.Context) { m.once.Do(func() { close(m.done) }) }

// Reboot has nothing to restart.
func (*machine) Reboot(context.Context) {}

func (m *machine) Exec(context.Context, runtime.Command) (int, error) {
	return 0, runtime.ErrNoInside
}
