//go:build !linux

package act

import (
	"context"
	"errors"
	"log/slog"
)

// Hooks are the programs that run before this instance ends.
type Hooks struct {
	Dir        string
	SystemdRun string
	Log        *slog.Logger
}

// NewHooks are the hooks of this machine.
func NewHooks(log *slog.Logger) Hooks { return Hooks{Dir: HooksDir, Log: log} }

// Run refuses: spored's instances run Linux, and any other machine belongs to a
// developer.
func (h Hooks) Run(context.Context, Ending) error {
	return errors.New("hooks: only Linux instances have them")
}
