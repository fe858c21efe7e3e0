// Package settings says where spawn keeps things on the user's machine and what
// the user configured. Flags win over the environment, the environment over
// files.
package settings

import (
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
)

// Places are the folders that spawn uses, by the XDG base directory
// specification or the platform's equivalent. None of them need exist.
type Places struct {
	State string // what must survive: journals, known hosts, the local cloud
	Cache string // what may be lost: it is only found out again

	Config string // what the user configured
}

// DefaultPlaces are the current user's.
func DefaultPlaces() Places {
	return Places{State: filepath.Join(xdg.StateHome, "spawn"), Cache: filepath.Join(xdg.CacheHome, "spawn"), Config: filepath.Join(xdg.ConfigHome, "spawn")}
}

// ConfigFile is what the user configured.
func (p Places) ConfigFile() string { return filepath.Join(p.Config, "config.json") }

// Launches is where the journals of launches are.
func (p Places) Launches() string { return filepath.Join(p.State, "launches") }

// LocalCloud is where the local cloud lives.
func (p Places) LocalCloud() string { return filepath.Join(p.State, "local") }

// Market is where EC2's answers about types, prices and capacity are kept.
func (p Places) Market() string { return filepath.Join(p.Cache, "market") }

// Accounts is where facts about accounts are kept.
func (p Places) Accounts() string { return filepath.Join(p.Cache, "accounts") }

// AgentURL is where instances find the agent when the account has no bucket for
// it: an address of the user's organisation, from SPAWN_AGENT_URL. What lies
// there must be the very build that this spawn carries. "": nowhere.
func AgentURL() string { return os.Getenv("SPAWN_AGENT_URL") }

// NoJanitor tells that the cloud is not to take away by itself what launches
// share, once nothing has used it for a while: SPAWN_JANITOR=off.
func NoJanitor() bool { return os.Getenv("SPAWN_JANITOR") == "off" }
