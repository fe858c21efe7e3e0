package machine

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	goruntime "runtime"

	"golang.org/x/sys/unix"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/network"
)

// wiring is a machine's network, made before it boots: a namespace with the
// metadata service and the cloud's endpoint in it.
type wiring struct {
	inside   *os.File // the machine's network namespace
	gateway  *os.File // that of the gateway, from which the machine can be reached; nil if there is none
	services network.Services
}

// newWiring makes the network and answers in it.
func newWiring(m runtime.Machine, log *slog.Logger) (*wiring, error) {
	w := &wiring{services: network.Services{Log: log}}
	addrs := []string{network.MetadataIP + ":80"}
	if m.APIAddr != "" {
		addrs = append(addrs, m.APIAddr)
	}
	var listeners []net.Listener
	made := make(chan error, 1)
	go func() {
		// Its thread ends with the goroutine, because it is never unlocked: no
		// other goroutine must come to be in the machine's network.
		goruntime.LockOSThread()
		made <- func() (err error) {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("make the machine's network: %w", err)
			}
			if w.inside, err = network.Open(); err != nil {
				return err
			}
			warn := func(text string) { log.Warn(text) }
			if w.gateway, err = network.Make(network.Addresses{PrivateIP: m.PrivateIP, Gateway: m.Gateway}, warn); err != nil {
				return err
			}
			for _, addr := range addrs {
				l, err := net.Listen("tcp4", addr)
				if err != nil {
					return fmt.Errorf("listen inside: %w", err)
				}
				listeners = append(listeners, l)
			}
			return nil
		}()
	}()
	if err := <-made; err != nil {
		for _, l := range listeners {
			err = errors.Join(err, l.Close())
		}
		w.close()
		return nil, err
	}
	w.services.Serve(listeners[0], m.Metadata)
	if len(listeners) > 1 {
		w.services.Serve(listeners[1], m.API)
	}
	return w, nil
}

// pathOf names a file of this process to other processes of the host; "" if it
// is nil.
func pathOf(f *os.File) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
}

// close gives the network up; it goes with the last process in it.
func (w *wiring) close() {
	w.services.Close()
	for _, f := range []*os.File{w.inside, w.gateway} {
		if f != nil {
			_ = f.Close() // it only names something
		}
	}
}
