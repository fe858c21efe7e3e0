package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// stream says what a frame carries.
type stream byte

const (
	stdin    stream = iota // from the client
	stdinEnd               // from the client: no more will come
	stdout
	stderr
	exited  // the last: four bytes of exit code
	failed  // the last: the command could not be run, and why
	outside // the last: the machine has no inside
	resize  // from the client: the terminal's rows and columns, four bytes each
)

// maxFrame bounds what a reader has to hold.
const maxFrame = 64 << 10

// frames carries several streams over one connection: a byte that says which,
// four that say how many, and the bytes.
type frames struct {
	mu sync.Mutex // one frame is written at a time
	w  io.Writer
}

func (f *frames) write(s stream, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := binary.BigEndian.AppendUint32([]byte{byte(s)}, uint32(len(b)))
	if _, err := f.w.Write(append(head, b...)); err != nil {
		return fmt.Errorf("write a frame: %w", err)
	}
	return nil
}

// to is one stream as an io.Writer.
func (f *frames) to(s stream) io.Writer { return frameWriter{f, s} }

type frameWriter struct {
	frames *frames
	stream stream
}

// Write implements io.Writer.
func (w frameWriter) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		n := min(len(b), maxFrame)
		if err := w.frames.write(w.stream, b[:n]); err != nil {
			return written, err
		}
		written, b = written+n, b[n:]
	}
	return written, nil
}

// readFrame reads the next frame. io.EOF means that the connection ended
// between two.
func readFrame(r io.Reader) (stream, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, nil, io.EOF
		}
		return 0, nil, fmt.Errorf("read a frame: %w", err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("read a frame: %d bytes are more than the %d allowed", n, maxFrame)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, nil, fmt.Errorf("read a frame: %w", err)
	}
	return stream(head[0]), b, nil
}

// size is a terminal's size as a frame carries it.
func size(s runtime.Size) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(s.Rows)), uint32(s.Cols))
}

func parseSize(b []byte) (runtime.Size, error) {
	if len(b) != 8 {
		return runtime.Size{}, errors.New("the size of a terminal is not understood")
	}
	return runtime.Size{Rows: int(binary.BigEndian.Uint32(b)), Cols: int(binary.BigEndian.Uint32(b[4:]))}, nil
}
