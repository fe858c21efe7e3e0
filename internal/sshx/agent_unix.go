//go:build unix

package sshx

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
)

// dialAgent reaches an agent by its socket.
func dialAgent(ctx context.Context, address string) (io.ReadWriteCloser, error) {
	return new(net.Dialer).DialContext(ctx, "unix", address)
}

// isRefused tells that nobody listens at a socket any more.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
