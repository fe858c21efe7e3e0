package network

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
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
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, srv)
	s.owned.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log().Error("a service of the machine ended", "error", err)
		}
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
