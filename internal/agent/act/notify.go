package act

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Notifier tells a service manager how its service is, in systemd's protocol.
// The zero Notifier has none to tell.
//
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
type Notifier struct {
	Socket string // the environment's NOTIFY_SOCKET: a path, or a name after @
}

// Notify sends a state such as READY=1 or WATCHDOG=1.
func (n Notifier) Notify(state string) (err error) {
	if n.Socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.Socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("reach the service manager: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("reach the service manager: %w", err)
	}
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager %s: %w", state, err)
	}
	return nil
}
