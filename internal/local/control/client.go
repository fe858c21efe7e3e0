package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// Client speaks to a cloud's control interface.
type Client struct {
	endpoint string // http://host:port
	secret   string
	http     *http.Client
}

// NewClient returns a client for the cloud at an endpoint such as
// http://127.0.0.1:4566; secret is the administrator's secret access key. It
// never goes through a proxy.
func NewClient(endpoint, secret string) *Client {
	return &Client{endpoint: strings.TrimSuffix(endpoint, "/"), secret: secret, http: &http.Client{Transport: &http.Transport{Proxy: nil}}}
}

// Close gives back the client's idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks how the cloud is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.ask(ctx, http.MethodGet, "status", nil, func(body io.Reader) error { return json.NewDecoder(body).Decode(&s) })
	return s, err
}

// Advance moves the cloud's clock forward and returns once every timer on the
// way has fired.
func (c *Client) Advance(ctx context.Context, d time.Duration) (Status, error) {
	var s Status
	err := c.ask(ctx, http.MethodPost, "advance", url.Values{"by": {d.String()}}, func(body io.Reader) error { return json.NewDecoder(body).Decode(&s) })
	return s, err
}

// Tape reads the calls after number since, as far as the cloud still has them.
func (c *Client) Tape(ctx context.Context, since uint64) ([]tape.Call, error) {
	var calls []tape.Call
	err := c.ask(ctx, http.MethodGet, "tape", url.Values{"since": {fmt.Sprint(since)}}, func(body io.Reader) error {
		for lines := json.NewDecoder(body); ; {
			var call tape.Call
			if err := lines.Decode(&call); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			calls = append(calls, call)
		}
	})
	return calls, err
}

// Shutdown asks the cloud to end. It returns when the cloud has heard, not when
// it has ended.
func (c *Client) Shutdown(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "shutdown", nil, func(io.Reader) error { return nil })
}

func (c *Client) request(ctx context.Context, method, what string, query url.Values, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.endpoint+Prefix+what+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.secret)
	return r, nil
}

func (c *Client) ask(ctx context.Context, method, what string, query url.Values, read func(io.Reader) error) error {
	r, err := c.request(ctx, method, what, query, nil)
	if err != nil {
		return fmt.Errorf("ask the local cloud for %s: %w", what, err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask the local cloud for %s: %w", what, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("ask the local cloud for %s: %w", what, refusal(answer))
	}
	if err := read(answer.Body); err != nil {
		return fmt.Errorf("read the local cloud's %s: %w", what, err)
	}
	return nil
}

func refusal(answer *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if err != nil {
		return fmt.Errorf("it answered %s", answer.Status)
	}
	return fmt.Errorf("it answered %s: %s", answer.Status, strings.TrimSpace(string(text)))
}

// Exec runs a command inside an instance, with its streams carried over, and
// returns its exit code. When ctx ends, the command is ended. A runtime without
// an inside gives runtime.ErrNoInside. A Stdin that blocks is left behind with
// its reader: only who gave it can end its Read.
func (c *Client) Exec(ctx context.Context, instanceID string, cmd runtime.Command) (exit int, err error) {
	conn, reader, err := c.upgrade(ctx, execRequest{Instance: instanceID, Args: cmd.Args, Env: cmd.Env, TTY: cmd.TTY, Rows: cmd.Rows, Cols: cmd.Cols})
	if err != nil {
		return 0, fmt.Errorf("run a command in %s: %w", instanceID, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends the reading below
	defer stop()
	in := &frames{w: conn}
	go sendInput(in, cmd.Stdin)
	ended := make(chan struct{})
	defer close(ended)
	go sendSizes(in, cmd.Resize, ended)
	exit, err = receive(reader, cmd)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return 0, fmt.Errorf("run a command in %s: %w", instanceID, err)
	}
	return exit, nil
}

// upgrade asks for exec on a connection of its own and takes it over.
func (c *Client) upgrade(ctx context.Context, in execRequest) (net.Conn, *bufio.Reader, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, nil, err
	}
	r, err := c.request(ctx, http.MethodPost, "exec", nil, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", upgrade)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.URL.Host)
	if err != nil {
		return nil, nil, err
	}
	reader := bufio.NewReader(conn)
	answer, err := exchange(conn, reader, r) //nolint:bodyclose // what follows the head is the connection, which the caller closes
	if err != nil {
		_ = conn.Close() // the error that counts is the one before
		return nil, nil, err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		err := refusal(answer)
		_ = conn.Close() // likewise
		return nil, nil, err
	}
	return conn, reader, nil
}

func exchange(conn net.Conn, reader *bufio.Reader, r *http.Request) (*http.Response, error) {
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(reader, r)
}

// sendInput sends what can be read, and says when that is all. It ends when
// the connection does.
func sendInput(to *frames, from io.Reader) {
	if from != nil {
		if _, err := io.Copy(to.to(stdin), from); err != nil {
			return // the connection has ended, or the input is broken; either way there is no more
		}
	}
	_ = to.write(stdinEnd, nil) // fails if the connection has ended
}

// sendSizes sends the terminal's sizes until the command has ended.
func sendSizes(to *frames, sizes <-chan runtime.Size, ended <-chan struct{}) {
	for {
		select {
		case s, more := <-sizes:
			if !more || to.write(resize, size(s)) != nil {
				return // there will be no more, or nobody to tell
			}
		case <-ended:
			return
		}
	}
}

// receive passes the command's output on until it ends.
func receive(r io.Reader, cmd runtime.Command) (exit int, err error) {
	for {
		s, b, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return 0, errors.New("the connection was lost")
		}
		if err != nil {
			return 0, err
		}
		switch s {
		case stdout:
			err = pass(cmd.Stdout, b)
		case stderr:
			err = pass(cmd.Stderr, b)
		case outside:
			return 0, runtime.ErrNoInside
		case failed:
			return 0, errors.New(string(b))
		case exited:
			if len(b) != 4 {
				return 0, errors.New("the exit code is not understood")
			}
			return int(int32(binary.BigEndian.Uint32(b))), nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func pass(w io.Writer, b []byte) error {
	if w == nil {
		return nil
	}
	_, err := w.Write(b)
	return err
}
