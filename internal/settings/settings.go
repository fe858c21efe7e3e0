// Package settings says where spawn keeps things on the user's machine and what
// the user configured. Flags win over the environment, the environment over
// files.
package settings

import (
	"path/filepath"
	"time"

	"github.com/adrg/xdg"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Places are the folders that spawn uses, by the XDG base directory
// specification or the platform's equivalent. None of them need exist.
type Places struct {
	State string // what must survive: journals, known hosts, the local cloud
}

// DefaultPlaces are the current user's.
func DefaultPlaces() Places { return Places{State: filepath.Join(xdg.StateHome, "spawn")} }

// Launches is where the journals of launches are.
func (p Places) Launches() string { return filepath.Join(p.State, "launches") }

// LocalCloud is where the local cloud lives.
func (p Places) LocalCloud() string { return filepath.Join(p.State, "local") }

// Ceiling is the longest life that an instance may be given.
func Ceiling() time.Duration { return lifecycle.DefaultCeiling }
