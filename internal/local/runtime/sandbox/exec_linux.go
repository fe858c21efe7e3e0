package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"syscall"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// drain is how long output may still come after a command has ended, from
// something it left in the background.
const drain = 500 * time.Millisecond

// errOff says that there is no machine to run a command in.
var errOff = errors.New("the machine is off")

// exec runs a command inside. With a terminal, the end of Stdin is typed as
// Control-D. A command that cannot be found gives exit code 127 and one that
// may not be executed 126, each with an error; a death by signal n is 128+n.
// The goroutine that reads Stdin ends when that Read returns, so the caller
// should close Stdin afterwards. When ctx ends, the command is killed.
func (b *boot) exec(ctx context.Context, c runtime.Command) (int, error) {
	id, events, err := b.register()
	if err != nil {
		return 0, err
	}
	defer b.forget(id)
	st, err := openStreams(c)
	if err != nil {
		return 0, fmt.Errorf("run a command in %s: %w", b.id, err)
	}
	defer st.finish()
	err = b.link.send(message{Kind: kindExec, ID: id, Args: c.Args, Env: c.Env, TTY: c.TTY, Rows: c.Rows, Cols: c.Cols}, st.theirs...)
	st.handedOver()
	if err != nil {
		return 0, fmt.Errorf("run a command in %s: %w", b.id, err)
	}
	cancelled := ctx.Done()
	for {
		select {
		case size, more := <-c.Resize:
			if !more {
				c.Resize = nil
				continue
			}
			c.Rows, c.Cols = size.Rows, size.Cols
			b.resize(st, c)
		case <-cancelled:
			cancelled = nil // once; its exit is then waited for
			if err := b.link.send(message{Kind: kindKill, ID: id}); err != nil {
				return 0, errors.Join(ctx.Err(), err)
			}
		case e, on := <-events:
			switch {
			case !on:
				return 0, errOff
			case e.kind == kindTerminal:
				if err := st.useTerminal(e.terminal, c); err != nil {
					return 0, fmt.Errorf("run a command in %s: %w", b.id, err)
				}
				b.resize(st, c) // it may have changed since the machine was asked
			case e.text != "":
				return e.code, errors.New(e.text)
			default:
				return e.code, ctx.Err()
			}
		}
	}
}

// resize gives a command's terminal its size, if both are there.
func (b *boot) resize(st *streams, c runtime.Command) {
	if !c.TTY || st.input == nil || c.Rows < 1 || c.Cols < 1 {
		return
	}
	if err := setSize(st.input, runtime.Size{Rows: c.Rows, Cols: c.Cols}); err != nil {
		b.log.Debug("resize a terminal", "error", err)
	}
}

func (b *boot) register() (int, <-chan event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls == nil {
		return 0, nil, errOff
	}
	b.next++
	c := make(chan event, 2) // a terminal and an exit; deliver never blocks
	b.calls[b.next] = c
	return b.next, c, nil
}

func (b *boot) forget(id int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls != nil {
		delete(b.calls, id)
	}
}

// deliver hands what the init said to the exec that waits for it.
func (b *boot) deliver(msg message, fds []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, waiting := b.calls[msg.ID]
	if !waiting || (msg.Kind == kindTerminal) != (len(fds) == 1) {
		closeAll(fds)
		return
	}
	e := event{kind: msg.Kind, code: msg.Code, text: msg.Text}
	if len(fds) == 1 {
		e.terminal = fds[0]
	}
	c <- e
}

// streams carry a command's input and output between the host and the inside.
type streams struct {
	theirs []*os.File     // ends for the inside, to be closed once they are sent
	input  *os.File       // our end of its stdin, or of its terminal
	output []*os.File     // our ends of what it writes
	copies sync.WaitGroup // of the output
}

// openStreams makes the pipes of a command without a terminal. One with a
// terminal gets it later, from inside.
func openStreams(c runtime.Command) (s *streams, err error) {
	s = &streams{}
	if c.TTY {
		return s, nil
	}
	defer func() {
		if err != nil {
			s.handedOver()
			s.finish()
		}
	}()
	if err := s.openInput(c.Stdin); err != nil {
		return nil, err
	}
	if err := s.openOutput(c.Stdout); err != nil {
		return nil, err
	}
	if same(c.Stdout, c.Stderr) {
		// One pipe for both, as os/exec does it: the order is kept, and the
		// writer has one goroutine to serve.
		s.theirs = append(s.theirs, s.theirs[len(s.theirs)-1])
		return s, nil
	}
	return s, s.openOutput(c.Stderr)
}

// same says whether two writers are one. Types that cannot be compared are not.
func same(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}

func (s *streams) openInput(from io.Reader) error {
	if from == nil {
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		s.theirs = append(s.theirs, null)
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	s.theirs, s.input = append(s.theirs, r), w
	go func() {
		// A command that does not read all of its input is nothing unusual.
		_, _ = io.Copy(w, from)
		_ = w.Close()
	}()
	return nil
}

func (s *streams) openOutput(to io.Writer) error {
	if to == nil {
		to = io.Discard
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	s.theirs = append(s.theirs, w)
	s.copyOut(r, to)
	return nil
}

func (s *streams) copyOut(from *os.File, to io.Writer) {
	s.output = append(s.output, from)
	s.copies.Go(func() {
		if _, err := io.Copy(to, from); err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, os.ErrDeadlineExceeded) {
			// The reader has gone. What is still written is thrown away, so that
			// the command does not hang.
			_, _ = io.Copy(io.Discard, from)
		}
	})
}

// useTerminal connects the host side of the command's terminal.
func (s *streams) useTerminal(fd int, c runtime.Command) error {
	// Without blocking, so that a read of it can be given up.
	if err := syscall.SetNonblock(fd, true); err != nil {
		closeAll([]int{fd})
		return fmt.Errorf("use its terminal: %w", err)
	}
	terminal := os.NewFile(uintptr(fd), "terminal inside")
	s.input = terminal
	to := c.Stdout
	if to == nil {
		to = io.Discard
	}
	s.copyOut(terminal, to)
	if c.Stdin != nil {
		go func() {
			// The command may end while there is input left.
			if _, err := io.Copy(terminal, c.Stdin); err == nil {
				_, _ = terminal.Write([]byte{4})
			}
		}()
	}
	return nil
}

// handedOver closes the ends that the inside has copies of.
func (s *streams) handedOver() {
	for _, f := range s.theirs {
		_ = f.Close() // pipes and /dev/null: nothing is lost, and one may be here twice
	}
	s.theirs = nil
}

// finish waits for the output to come to its end, though not for long, and
// closes everything.
func (s *streams) finish() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.copies.Wait()
	}()
	t := time.NewTimer(drain)
	defer t.Stop()
	select {
	case <-ended:
	case <-t.C:
		for _, f := range s.output {
			_ = f.SetReadDeadline(time.Now()) // pipes and terminals have deadlines
		}
		<-ended
	}
	if s.input != nil {
		_ = s.input.Close() // closed already if its reader came to the end
	}
	for _, f := range s.output {
		_ = f.Close()
	}
}
