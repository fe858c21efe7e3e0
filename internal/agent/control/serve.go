package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

const (
	exchangeTimeout = 2 * time.Second        // for a connection from its first to its last byte
	acceptPause     = 100 * time.Millisecond // after a failure to accept, such as too many open files

	// How many connections may be open at a time: those of one user who is not
	// root, those of all such users, and those of root, which nobody else can
	// use up.
	maxOfUser      = 4
	maxOfStrangers = 16
	maxOfRoot      = 8
)

// Server answers on the socket.
type Server struct {
	listener *net.UnixListener
	log      *slog.Logger
	root     uint32 // the user who may command, beside user 0: the agent's own

	mu   sync.Mutex
	open map[uint32]int // connections by user
}

// Serve answers for an agent until ctx ends, then closes the socket and waits
// for those being answered.
func (s *Server) Serve(ctx context.Context, a Agent) {
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() {
		if err := s.listener.Close(); err != nil {
			s.log.WarnContext(ctx, "the control socket was not closed", "error", err)
		}
	})
	defer stop()
	for ctx.Err() == nil {
		conn, err := s.listener.AcceptUnix()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.log.WarnContext(ctx, "the control socket cannot be asked", "error", err)
			}
			wait(ctx, acceptPause)
			continue
		}
		all.Go(func() { s.serve(ctx, conn, a) })
	}
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// serve is one connection. What goes wrong with it concerns only the asker, so
// it is not logged: a user without root could fill the log.
func (s *Server) serve(ctx context.Context, conn *net.UnixConn, a Agent) {
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	user, err := peer(conn)
	if err != nil || !s.admit(user) {
		return
	}
	defer s.release(user)
	if conn.SetDeadline(time.Now().Add(exchangeTimeout)) != nil {
		return
	}
	out := answer{Schema: lifecycle.Schema}
	in, err := readRequest(conn)
	if err == nil {
		err = s.carryOut(ctx, a, user, in, &out)
	}
	if err != nil {
		out = answer{Schema: lifecycle.Schema, Error: err.Error(), Kind: problem.KindOf(err), Next: problem.NextOf(err)}
	}
	line, err := json.Marshal(out)
	if err != nil {
		s.log.ErrorContext(ctx, "an answer cannot be written", "request", in.Do, "error", err)
		return
	}
	_, _ = conn.Write(append(line, '\n')) // an asker who does not listen is no concern of ours
}

// admit counts a connection, or refuses it.
func (s *Server) admit(user uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	strangers := 0
	for u, n := range s.open {
		if !s.commands(u) {
			strangers += n
		}
	}
	switch {
	case s.commands(user) && s.open[user] >= maxOfRoot,
		!s.commands(user) && (s.open[user] >= maxOfUser || strangers >= maxOfStrangers):
		return false
	}
	s.open[user]++
	return true
}

func (s *Server) release(user uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[user]--; s.open[user] == 0 {
		delete(s.open, user)
	}
}

// commands tells that a user may do more than ask.
func (s *Server) commands(user uint32) bool { return user == 0 || user == s.root }

// readRequest reads a line of at most maxRequest bytes.
func readRequest(conn io.Reader) (in request, err error) {
	line, err := bufio.NewReader(io.LimitReader(conn, maxRequest)).ReadBytes('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) >= maxRequest:
		return in, problem.New(problem.Usage, "the request is longer than %d bytes", maxRequest)
	case err != nil:
		return in, problem.New(problem.Usage, "the request did not come: %w", err)
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return in, problem.New(problem.Usage, "the request is not understood: %w", err)
	}
	return in, nil
}

// carryOut does what is asked.
func (s *Server) carryOut(ctx context.Context, a Agent, user uint32, in request, out *answer) error {
	switch in.Do {
	case doStatus:
		status := a.Status()
		status.Schema = lifecycle.Schema
		if !status.Deadline.IsZero() {
			left := int64(status.Deadline.Left(status.Now) / time.Second)
			status.Left = &left
		}
		out.Status = &status
		return nil
	case doConfig:
		config := a.Config()
		config.Schema = lifecycle.Schema
		out.Config = &config
		return nil
	case doComplete, doKeepalive:
		if !s.commands(user) {
			return problem.New(problem.Denied, "only root may %s: who is not root neither ends nor keeps an instance", in.Do).
				WithNext("run it by sudo")
		}
	default:
		return problem.New(problem.Usage, "this agent does not know the request %.40q", in.Do)
	}
	if in.Do == doComplete {
		if in.Status != "ok" && in.Status != "failed" {
			return problem.New(problem.Usage, "work is done ok or failed, not %.40q", in.Status)
		}
		s.log.InfoContext(ctx, "the workload says that it is done", "status", in.Status)
		return a.Complete(core.Completion{Status: in.Status})
	}
	d, err := lifecycle.ParseDuration(in.For)
	if err != nil {
		return problem.New(problem.Usage, "keep alive: %w", err)
	}
	out.Until, err = a.Keepalive(d)
	return err
}
