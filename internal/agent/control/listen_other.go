//go:build !linux

package control

import (
	"errors"
	"log/slog"
	"net"
)

var errNoPeers = errors.New("only on Linux does the control socket know who asks")

// Listen refuses: who asks is known on Linux alone, and spored's instances run
// Linux.
func Listen(string, *slog.Logger) (*Server, error) { return nil, errNoPeers }

func peer(*net.UnixConn) (user uint32, err error) { return 0, errNoPeers }
