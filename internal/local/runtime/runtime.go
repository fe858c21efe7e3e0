// Package runtime says what it takes to boot an instance of the local cloud.
// The packages below it are the ways to do so: none, process and sandbox.
//
// A runtime knows nothing of EC2's API, and the API nothing of namespaces:
// they meet here.
package runtime

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// Machine is what a runtime boots.
type Machine struct {
	ID        string       // the instance's id
	Hostname  string       // ip-172-31-0-5
	PrivateIP string       // 172.31.0.5, shown on the machine's interface
	Gateway   string       // 172.31.0.1, its subnet's router: takes what is sent to it and leads nowhere; "" is none
	VCPUs     int          // as the instance type has them
	Arch      string       // of its image, as EC2 names it: x86_64, arm64
	Dir       string       // the machine's own folder: its disk lives here and survives a stop
	Metadata  http.Handler // the instance metadata service, served at 169.254.169.254 port 80
	API       http.Handler // the cloud's endpoint, served inside under APIAddr
	APIAddr   string       // host and port of the cloud's endpoint, 127.0.0.1:4566
	Console   io.Writer    // receives what the machine prints on its console
}

// Runtime boots machines.
type Runtime interface {
	// Name is what users call it: none, process or sandbox.
	Name() string
	// Boot starts the machine and returns once it runs; user-data runs later,
	// inside it. ctx bounds the start, not the machine's life.
	Boot(ctx context.Context, m Machine) (Running, error)
}

// Running is a machine that was booted.
type Running interface {
	// Done is closed when the machine has powered off: by itself, because it
	// was told to, or because it died.
	Done() <-chan struct{}
	// PowerOff asks the operating system to shut down, as the power button
	// does, and returns once it is off; when ctx ends first, the plug is pulled.
	PowerOff(ctx context.Context)
	// Reboot asks the operating system to restart, as RebootInstances does, and
	// returns once the machine runs again, on the same disk, or is off; when ctx
	// ends before it has shut down, the reset button is pressed. Done stays open:
	// a reboot, this one or the machine's own, is not an end.
	Reboot(ctx context.Context)
	// Exec runs a command inside as root and returns its exit code. A runtime
	// that has no inside answers ErrNoInside.
	Exec(ctx context.Context, c Command) (exit int, err error)
}

// Command is a command to run inside a machine.
type Command struct {
	Args   []string // empty: a login shell
	Env    []string // KEY=value, in the place of or beside what root has inside
	TTY    bool     // give it a terminal of its own; output then comes by Stdout alone
	Rows   int      // the terminal's size; 0 is unknown
	Cols   int
	Resize <-chan Size // sizes that the terminal takes while the command runs; nil: none
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Size is that of a terminal, in characters.
type Size struct{ Rows, Cols int }

// ErrNoCapacity says that this host cannot have such a machine, wherever its
// image comes from: a processor of another architecture, say.
var ErrNoCapacity = errors.New("this host has no such machine to give")

// ErrNoInside says that this runtime's machines cannot be entered.
var ErrNoInside = errors.New("this machine has no inside to enter")
