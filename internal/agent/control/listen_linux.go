package control

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Listen opens the socket at path, in place of one that an agent left behind;
// one that somebody answers on is left alone, and an error. Its folder is made
// if need be.
func Listen(path string, log *slog.Logger) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // all may ask
		return nil, fmt.Errorf("listen for requests: %w", err)
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return nil, errors.Join(fmt.Errorf("listen for requests: another agent answers on %s", path), conn.Close())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen for requests: %w", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for requests: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil { // to connect is to write: all may ask
		return nil, errors.Join(fmt.Errorf("listen for requests: %w", err), listener.Close())
	}
	return &Server{listener: listener, log: log, root: uint32(os.Geteuid()), open: map[uint32]int{}}, nil
}

// peer is the user at the other end of a connection when it was made, as the
// kernel knows it.
//
// https://man7.org/linux/man-pages/man7/unix.7.html (SO_PEERCRED)
func peer(conn *net.UnixConn) (user uint32, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("ask who connects: %w", err)
	}
	var credentials *syscall.Ucred
	var optionErr error
	err = raw.Control(func(fd uintptr) {
		credentials, optionErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, optionErr); err != nil {
		return 0, fmt.Errorf("ask who connects: %w", err)
	}
	return credentials.Uid, nil
}
