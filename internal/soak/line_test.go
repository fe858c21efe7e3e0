package soak_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// line is a process's way to a cloud without a network in between: a bubble's
// time would not pass while a socket is waited for. It can be cut for good,
// which is how a process dies here: it may go on, and nobody hears of it.
type line struct {
	to http.Handler

	mu   sync.Mutex
	left int    // calls until it dies
	heed bool   // the last call reaches the cloud before the process dies
	die  func() // called once, when that is; nil: it lives
	dead bool
}

// errKilled is what a process that was killed would never see.
var errKilled = errors.New("the process was killed")

// Do implements aws.HTTPClient.
func (l *line) Do(req *http.Request) (*http.Response, error) {
	lastCall, err := l.count()
	if err != nil {
		return nil, err
	}
	if lastCall && !l.heed {
		l.kill()
		return nil, errKilled
	}
	resp, err := exchange(l.to, req)
	if lastCall {
		l.kill()
	}
	if l.isDead() {
		return nil, errKilled
	}
	return resp, err
}

func (l *line) count() (last bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return false, errKilled
	}
	l.left--
	return l.die != nil && l.left == 0, nil
}

func (l *line) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *line) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	l.die()
}

// exchange has a handler answer a request. The context's end is the client's
// hanging up.
func exchange(to http.Handler, req *http.Request) (resp *http.Response, err error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	r, err := received(req)
	if err != nil {
		return nil, err
	}
	a := &answer{header: http.Header{}, status: http.StatusOK}
	if hungUp := serve(to, a, r); hungUp {
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("read the answer: %w", io.ErrUnexpectedEOF)
	}
	return &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: req,
	}, nil
}

// received is a client's request as a server reads it off the wire.
func received(req *http.Request) (*http.Request, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		if err := req.Body.Close(); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(req.Context(), req.Method, req.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.RemoteAddr, r.Host = req.URL.RequestURI(), "127.0.0.1:40000", req.Host
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.Header = req.Header.Clone()
	if len(body) > 0 {
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return r, nil
}

func serve(to http.Handler, w http.ResponseWriter, r *http.Request) (hungUp bool) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			hungUp = true
		default:
			panic(p)
		}
	}()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel() // as a server does when the handler has returned
	to.ServeHTTP(w, r.WithContext(ctx))
	return false
}

// answer takes what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
