// Package sandbox is the runtime whose machines are namespaces of Linux: an
// instance sees the host's programs under an overlay of its own, its own
// processes, its own network with the metadata service at 169.254.169.254, and
// an init that runs its user-data and powers it off. Root and a plain user
// take the same way: there is always a user namespace.
//
// A machine writes nothing to the host but its own folder, and leaves no
// process, mount or namespace behind, even when the cloud is killed. It is not
// a wall against an attacker: it keeps a careless script from the host, and
// home directories and the credentials in them from any script.
package sandbox

import (
	"errors"
	"log/slog"
)

// Options configure the runtime.
type Options struct {
	// Init is the argv that re-executes this program so that it calls Main
	// before anything else. /proc/self/exe is a good first word: it works even
	// after the program's file was replaced.
	Init []string
	// Env is added to the environment of Init, which otherwise has PATH alone.
	Env []string
	// Log receives what is of interest to whoever runs the cloud; nil discards it.
	Log *slog.Logger
}

// errNoInit is a mistake of the program that uses this package.
var errNoInit = errors.New("the sandbox runtime was not told how to run its init")

func (o Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// RefusedError is a sandbox that the system does not allow.
type RefusedError struct {
	Why string // in plain words
	Err error  // what the system answered
}

func (r *RefusedError) Error() string { return r.Why + ": " + r.Err.Error() }
func (r *RefusedError) Unwrap() error { return r.Err }
