package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// askTimeout bounds a request with its answer, for who asks.
const askTimeout = 5 * time.Second

// Client asks the agent of this machine. The errors are *problem.Error, with
// what can be done.
type Client struct {
	Path string // Socket, or elsewhere in a test
}

// Status asks how the agent stands.
func (c Client) Status(ctx context.Context) (Status, error) {
	out, err := c.ask(ctx, request{Do: doStatus})
	switch {
	case err != nil:
		return Status{}, err
	case out.Status == nil:
		return Status{}, problem.New(problem.Failed, "the agent's answer has no status in it")
	}
	return *out.Status, nil
}

// Config asks for the policy that holds.
func (c Client) Config(ctx context.Context) (Config, error) {
	out, err := c.ask(ctx, request{Do: doConfig})
	switch {
	case err != nil:
		return Config{}, err
	case out.Config == nil:
		return Config{}, problem.New(problem.Failed, "the agent's answer has no configuration in it")
	}
	return *out.Config, nil
}

// Complete tells the agent that the work is done, ok or failed.
func (c Client) Complete(ctx context.Context, status string) error {
	_, err := c.ask(ctx, request{Do: doComplete, Status: status})
	return err
}

// Keepalive asks the agent not to take the instance for idle for a time such as
// 30m, and returns until when that holds.
func (c Client) Keepalive(ctx context.Context, duration string) (until time.Time, err error) {
	out, err := c.ask(ctx, request{Do: doKeepalive, For: duration})
	return out.Until, err
}

func (c Client) ask(ctx context.Context, in request) (out answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	in.Schema = lifecycle.Schema
	line, err := json.Marshal(in)
	if err != nil {
		return answer{}, fmt.Errorf("ask the agent: %w", err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", c.Path)
	if err != nil {
		return answer{}, unreachable(err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if until, bounded := ctx.Deadline(); bounded {
		if err := conn.SetDeadline(until); err != nil {
			return answer{}, fmt.Errorf("ask the agent: %w", err)
		}
	}
	if _, err := conn.Write(append(line, '\n')); err != nil {
		return answer{}, silent(err)
	}
	back, err := bufio.NewReader(io.LimitReader(conn, maxAnswer)).ReadBytes('\n')
	if err != nil {
		return answer{}, silent(err)
	}
	if err := json.Unmarshal(back, &out); err != nil {
		return answer{}, problem.New(problem.Failed, "the agent's answer is not understood: %w", err).
			WithNext("the agent may be of another version than this command: see `spored version`")
	}
	if out.Error != "" {
		kind := out.Kind
		if kind <= 0 {
			kind = problem.Failed
		}
		return answer{}, &problem.Error{Kind: kind, Err: errors.New(out.Error), Next: out.Next}
	}
	return out, nil
}

// unreachable says why there is nobody to ask.
func unreachable(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return problem.New(problem.Partial, "the agent is not running on this machine").
			WithNext("see `systemctl status spored` and /var/log/spored.log; where spawn launched the instance, the operating system's timer still ends it")
	}
	return problem.New(problem.Failed, "the agent cannot be reached: %w", err)
}

func silent(err error) error {
	return problem.New(problem.Failed, "the agent does not answer: %w", err).WithNext("try again; see /var/log/spored.log")
}
