//go:build !linux

package act

import (
	"context"
	"errors"
	"log/slog"
)

// Machine is the machine that spored runs on.
type Machine struct{ Log *slog.Logger }

// PowerOff refuses: spored's instances run Linux, and any other machine that
// this code finds itself on belongs to a developer.
func (m Machine) PowerOff(context.Context) error {
	return errors.New("power off: only Linux instances are supported")
}

// Sync does nothing: a machine that is not an instance is not about to go.
func (m Machine) Sync(context.Context) {}
