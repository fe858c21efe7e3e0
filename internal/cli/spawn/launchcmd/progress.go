package launchcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/term"
)

// progress shows a launch while it happens: on a terminal, one line a step that
// changes in place; elsewhere, one line a step when it is over.
type progress struct {
	out  term.Streams
	mu   sync.Mutex
	rows []row
	up   int // lines that the last drawing used
	tick int
	stop chan struct{}
	done chan struct{}
}

type row struct {
	step   launch.Step
	detail string
	since  time.Time
	took   time.Duration
	over   bool
	err    error
}

// redraw is how often a line that waits is drawn again.
const redraw = 100 * time.Millisecond

// newProgress begins a display. Close ends it.
func newProgress(s term.Streams) *progress {
	p := &progress{out: s, stop: make(chan struct{}), done: make(chan struct{})}
	go p.animate()
	return p
}

// Close ends the display; what it showed stays.
func (p *progress) Close() {
	close(p.stop)
	<-p.done
}

// Show takes in an event.
func (p *progress) Show(e launch.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case launch.Began:
		p.rows = append(p.rows, row{step: e.Step, since: time.Now()})
	case launch.Ended:
		for i := range p.rows {
			if p.rows[i].step == e.Step && !p.rows[i].over { // a step may be tried again
				p.rows[i].over, p.rows[i].detail, p.rows[i].took, p.rows[i].err = true, e.Detail, e.Took, e.Err
				p.plain(p.rows[i])
			}
		}
	case launch.Lacking:
		p.clear()
		lack(p.out, e.Lack)
	case launch.Noted:
		p.clear()
		term.Note(p.out, "%s", e.Text)
	}
	p.draw()
}

// plain writes a step that is over, where nothing can change in place.
func (p *progress) plain(r row) {
	if !p.out.ErrTTY {
		fmt.Fprintln(p.out.Err, line(r, 0))
	}
}

func (p *progress) animate() {
	defer close(p.done)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.draw()
			return
		case <-ticker.C:
			p.mu.Lock()
			p.tick++
			p.draw()
			p.mu.Unlock()
		}
	}
}

func (p *progress) clear() {
	if p.out.ErrTTY && p.up > 0 {
		fmt.Fprintf(p.out.Err, "\x1b[%dA\x1b[J", p.up)
	}
	p.up = 0
}

func (p *progress) draw() {
	if !p.out.ErrTTY {
		return
	}
	var b strings.Builder
	if p.up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.up)
	}
	for _, r := range p.rows {
		text := line(r, p.tick)
		if p.out.Columns > 0 {
			text = ansi.Truncate(text, p.out.Columns-1, "…")
		}
		b.WriteString(text + "\x1b[K\n")
	}
	p.up = len(p.rows)
	fmt.Fprint(p.out.Err, b.String())
}

// line is a step in words: what it is, what came of it, how long it took.
func line(r row, tick int) string {
	faint := lipgloss.NewStyle().Faint(true)
	switch {
	case !r.over:
		spinner := []string{"·  ", "·· ", "···"}[tick/3%3]
		return fmt.Sprintf("  %-8s %s %s", r.step, spinner, faint.Render(waited(time.Since(r.since))))
	case errors.Is(r.err, context.Canceled):
		return fmt.Sprintf("  %-8s interrupted", r.step)
	case r.err != nil:
		return fmt.Sprintf("  %-8s %s", r.step, lipgloss.NewStyle().Foreground(lipgloss.Red).Render("failed"))
	default:
		good := lipgloss.NewStyle().Foreground(lipgloss.Green).Render("ok")
		return fmt.Sprintf("  %-8s %s  %s %s", r.step, good, r.detail, faint.Render(term.Took(r.took)))
	}
}

func waited(d time.Duration) string {
	if d < time.Second {
		return ""
	}
	return term.Span(d)
}
