// Package server is the HTTP server of the local cloud, for its API and for what
// is served inside instances: bounded, so that a slow client holds nothing.
package server

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// patience is how long the cloud waits for a request's headers, for its body,
// and for the next request on a connection. Who sends a byte now and then does
// not hold a connection for ever. How long an answer takes is not bounded: a
// fault may have ordered it so.
type patience struct {
	header, body, idle time.Duration
}

// usual is enough for an object of the largest size.
func usual() patience {
	return patience{header: 10 * time.Second, body: 2 * time.Minute, idle: 2 * time.Minute}
}

// New is a server of h that nobody listens to yet.
func New(h http.Handler, log *slog.Logger) *http.Server { return newServer(h, usual(), log) }

func newServer(h http.Handler, p patience, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: p.bound(h), ReadHeaderTimeout: p.header, IdleTimeout: p.idle,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// bound lets a body come within its time. http.Server's own ReadTimeout would
// end the request as well if its answer took longer.
func (p patience) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := control.SetReadDeadline(time.Now().Add(p.body)); err != nil {
			http.Error(w, "the request cannot be bounded in time", http.StatusInternalServerError)
			return
		}
		if r.ContentLength == 0 {
			p.lift(control)
		} else {
			r.Body = &boundedBody{r.Body, func() { p.lift(control) }}
		}
		next.ServeHTTP(w, r)
	})
}

func (p patience) lift(control *http.ResponseController) {
	_ = control.SetReadDeadline(time.Time{}) // fails only if the connection is gone
}

// boundedBody is a body that says when it has come to its end.
type boundedBody struct {
	io.ReadCloser
	ended func()
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.ended()
	}
	return n, err
}
