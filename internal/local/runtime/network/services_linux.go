package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/spawn-ec2/spawn/internal/local/imds"
	"github.com/spawn-ec2/spawn/internal/local/server"
)

// Services answer on the sockets of one machine: its metadata service and the
// cloud's endpoint. The zero value has none and logs nothing.
type Services struct {
	Log *slog.Logger

	servers []*http.Server
	owned   sync.WaitGroup // the servers' goroutines
}

// Serve answers on l until Close; with nothing, if h is nil.
func (s *Services) Serve(l net.Listener, h http.Handler) {
	if h == nil {
		h = http.NotFoundHandler() // net/http would take a global one
	}
	srv := server.New(h, s.log())
	srv.ConnContext = withReach
	s.servers = append(s.servers, srv)
	s.owned.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log().Error("a service of the machine ended", "error", err)
		}
	})
}

// withReach lets the metadata service say how many hops an answer may travel.
func withReach(ctx context.Context, conn net.Conn) context.Context {
	return imds.WithReach(ctx, func(hops int) error {
		tcp, is := conn.(*net.TCPConn)
		if !is {
			return fmt.Errorf("limit an answer to %d hops: %T is no TCP connection", hops, conn)
		}
		raw, err := tcp.SyscallConn()
		if err != nil {
			return fmt.Errorf("limit an answer to %d hops: %w", hops, err)
		}
		var failed error
		err = raw.Control(func(fd uintptr) { failed = limitHops(fd, hops) })
		return errors.Join(err, failed)
	})
}

// Close ends the services and whatever they are answering.
func (s *Services) Close() {
	for _, srv := range s.servers {
		if err := srv.Close(); err != nil {
			s.log().Debug("close a service of the machine", "error", err)
		}
	}
	s.owned.Wait()
}

func (s *Services) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
