package control

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// upgrade is the protocol that an exec request switches its connection to.
const upgrade = "local-cloud-exec"

// execRequest is a runtime.Command as it travels; the streams are frames.
type execRequest struct {
	Instance string   `json:"instance"`
	Args     []string `json:"args,omitempty"`
	Env      []string `json:"env,omitempty"`
	TTY      bool     `json:"tty,omitempty"`
	Rows     int      `json:"rows,omitempty"`
	Cols     int      `json:"cols,omitempty"`
}

// serveExec runs a command and carries its streams until it ends, or until the
// client goes away, which ends it.
func serveExec(cloud Cloud, w http.ResponseWriter, r *http.Request) {
	var in execRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		http.Error(w, "the request is not understood: "+err.Error(), http.StatusBadRequest)
		return
	}
	if r.Header.Get("Upgrade") != upgrade {
		http.Error(w, "the connection must be upgraded to "+upgrade, http.StatusUpgradeRequired)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + upgrade + "\r\n\r\n"
	if _, err := io.WriteString(conn, switching); err != nil {
		return // the client is gone
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	input, feed := io.Pipe()
	sizes := make(chan runtime.Size)
	fed, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(fed)
		if feedInput(buffered.Reader, feed, sizes, ended) != nil {
			cancel() // the client is gone: so ends the command
		}
	}()
	out := &frames{w: conn}
	exit, err := cloud.Exec(ctx, in.Instance, runtime.Command{
		Args: in.Args, Env: in.Env, TTY: in.TTY, Rows: in.Rows, Cols: in.Cols, Resize: sizes,
		Stdin: input, Stdout: out.to(stdout), Stderr: out.to(stderr),
	})
	close(ended)
	_ = input.Close()                                              // unblocks the feeder; a pipe's Close never fails
	if err != nil && (exit == notFound || exit == notExecutable) { // the command's own failure, as a shell tells it
		_, err = fmt.Fprintln(out.to(stderr), err)
	}
	finish(out, exit, err)
	_ = conn.Close() // ends the feeder's read; what matters was written
	<-fed
}

// What a shell exits with when a command cannot be found, or not be executed.
//
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02
const (
	notExecutable = 126
	notFound      = 127
)

// feedInput passes the client's frames on until the connection ends. An input
// that nobody reads any longer is let go, and a size that nobody takes waits no
// longer than the command runs.
func feedInput(from io.Reader, to *io.PipeWriter, sizes chan<- runtime.Size, ended <-chan struct{}) error {
	for {
		s, b, err := readFrame(from)
		if err != nil {
			_ = to.CloseWithError(io.ErrUnexpectedEOF) // never fails
			return err
		}
		switch s {
		case stdin:
			_, _ = to.Write(b) // fails once the command has ended
		case stdinEnd:
			_ = to.Close() // never fails
		case resize:
			size, err := parseSize(b)
			if err != nil {
				_ = to.CloseWithError(err) // never fails
				return err
			}
			select {
			case sizes <- size:
			case <-ended:
			}
		}
	}
}

// finish tells the client how the command ended. If the client is gone, nobody
// needs to know.
func finish(out *frames, exit int, err error) {
	switch {
	case errors.Is(err, runtime.ErrNoInside):
		_ = out.write(outside, nil)
	case err != nil:
		text := []byte(err.Error())
		_ = out.write(failed, text[:min(len(text), maxFrame)])
	default:
		_ = out.write(exited, binary.BigEndian.AppendUint32(nil, uint32(exit)))
	}
}
