package term

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Waiting is drawn after so long a silence, and again so often.
const (
	silence = time.Second
	redraw  = 100 * time.Millisecond
)

// bottom is the line below all that was written to a terminal. It shows what is
// waited for, and is gone before anything else is written.
type bottom struct {
	mu    sync.Mutex
	err   io.Writer // the terminal, without regard to this line
	drawn bool
	spoke time.Time // when something was last written
	waits []*wait   // those that are under way, the newest last
}

type wait struct {
	what  string
	since time.Time
}

// above writes above the bottom line.
type above struct {
	line *bottom
	to   io.Writer
}

func (a above) Write(p []byte) (int, error) {
	a.line.mu.Lock()
	defer a.line.mu.Unlock()
	a.line.erase()
	a.line.spoke = time.Now()
	return a.to.Write(p)
}

// overBottom are streams to a terminal that has a bottom line.
func overBottom(s Streams) Streams {
	s.line = &bottom{err: s.Err, spoke: time.Now()}
	s.Out, s.Err = above{s.line, s.Out}, above{s.line, s.Err}
	return s
}

// Wait shows that something goes on, when it takes more than a second, until the
// function that it returns is called. Where nothing can be drawn in place, it is
// said once; in a pipe, never. Nobody may be asked meanwhile.
func (s Streams) Wait(format string, args ...any) (done func()) {
	if s.line == nil {
		return func() {}
	}
	w := &wait{what: fmt.Sprintf(format, args...), since: time.Now()}
	stop, over := make(chan struct{}), make(chan struct{})
	s.line.mu.Lock()
	s.line.waits = append(s.line.waits, w)
	s.line.mu.Unlock()
	go func() {
		defer close(over)
		s.showWait(w, stop)
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-over
		s.line.mu.Lock()
		defer s.line.mu.Unlock()
		s.line.erase()
		s.line.waits = slices.DeleteFunc(s.line.waits, func(other *wait) bool { return other == w })
	})
}

func (s Streams) showWait(w *wait, stop <-chan struct{}) {
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for tick := 0; ; tick++ {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			if s.line.draw(s.Measured(), w, now, tick) && !s.ErrTTY {
				return
			}
		}
	}
}

// draw shows the wait, if it is the newest one and nothing else was written for
// a while, and tells whether it did.
func (b *bottom) draw(s Streams, w *wait, now time.Time, tick int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits[len(b.waits)-1] != w || now.Sub(w.since) < silence || now.Sub(b.spoke) < silence && !b.drawn {
		return false
	}
	if !s.ErrTTY {
		fmt.Fprintf(b.err, "  %s...\n", w.what)
		return true
	}
	tail := " " + Dots(tick) + " " + Span(now.Sub(w.since))
	what := ansi.Truncate(w.what, max(0, s.Columns-len("  ")-ansi.StringWidth(tail)-1), cutMark)
	fmt.Fprint(b.err, "\r  "+what+lipgloss.NewStyle().Faint(true).Render(tail)+ansi.EraseLineRight)
	b.drawn = true
	return true
}

// erase takes the line away, if it is there.
func (b *bottom) erase() {
	if b.drawn {
		fmt.Fprint(b.err, "\r"+ansi.EraseLineRight)
		b.drawn = false
	}
}

// Dots are three columns that move with every third tick.
func Dots(tick int) string { return []string{"·  ", "·· ", "···"}[tick/3%3] }
