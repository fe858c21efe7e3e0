package launchcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/term"
)

// progress shows a launch while it happens. What is over is written once, in the
// order in which it ends; on a terminal the steps that go on stand below it and
// change in place, in lines so short that no terminal breaks them.
type progress struct {
	out  term.Streams
	mu   sync.Mutex
	rows []row // the steps that go on
	up   int   // lines that the last drawing used
	tick int
	stop chan struct{}
	done chan struct{}
}

type row struct {
	step  launch.Step
	since time.Time
	told  bool // where nothing can change in place, that it goes on
}

// redraw is how often the steps that go on are drawn again.
const redraw = 100 * time.Millisecond

// newProgress begins a display. Close ends it.
func newProgress(s term.Streams) *progress {
	p := &progress{out: s, stop: make(chan struct{}), done: make(chan struct{})}
	go p.animate()
	return p
}

// Close ends the display; what is over stays.
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
		if at := slices.IndexFunc(p.rows, func(r row) bool { return r.step == e.Step }); at >= 0 {
			p.rows = slices.Delete(p.rows, at, at+1)
		}
		p.clear()
		what, came := outcome(e)
		term.Hang(p.out.Measured(), head(e.Step)+what, came)
	case launch.Lacking:
		p.clear()
		lack(p.out, e.Lack)
	case launch.Noted:
		p.clear()
		term.Note(p.out, "%s", e.Text)
	}
	p.draw()
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
			p.clear()
			return
		case <-ticker.C:
			p.mu.Lock()
			p.tick++
			p.draw()
			p.mu.Unlock()
		}
	}
}

// clear takes the steps that go on away.
func (p *progress) clear() {
	if p.up > 0 {
		fmt.Fprint(p.out.Err, ansi.CursorUp(p.up)+"\r"+ansi.EraseScreenBelow)
	}
	p.up = 0
}

// draw shows the steps that go on, over what it drew before.
func (p *progress) draw() {
	switch {
	case p.out.Plain:
		p.tell()
	case p.out.ErrTTY:
		var b strings.Builder
		if p.up > 0 {
			b.WriteString(ansi.CursorUp(p.up) + "\r")
		}
		for _, r := range p.rows {
			b.WriteString(head(r.step) + term.Dots(p.tick) + " " + waited(time.Since(r.since)) + ansi.EraseLineRight + "\n")
		}
		p.up = len(p.rows)
		fmt.Fprint(p.out.Err, b.String())
	}
}

// tell says once of a step that it takes long.
func (p *progress) tell() {
	for i, r := range p.rows {
		if !r.told && time.Since(r.since) >= time.Second {
			fmt.Fprintln(p.out.Err, head(r.step)+"...")
			p.rows[i].told = true
		}
	}
}

func head(s launch.Step) string { return fmt.Sprintf("  %-8s ", s) }

// outcome is what became of a step, and in words what came of it and how long it
// took.
func outcome(e launch.Ended) (what, came string) {
	switch {
	case errors.Is(e.Err, context.Canceled):
		return "interrupted", ""
	case e.Err != nil:
		return lipgloss.NewStyle().Foreground(lipgloss.Red).Render("failed"), ""
	}
	what, came = lipgloss.NewStyle().Foreground(lipgloss.Green).Render("ok")+"  ", e.Detail
	if e.Took >= 100*time.Millisecond {
		came += " " + lipgloss.NewStyle().Faint(true).Render(term.Took(e.Took))
	}
	return what, came
}

func waited(d time.Duration) string {
	if d < time.Second {
		return ""
	}
	return lipgloss.NewStyle().Faint(true).Render(term.Span(d))
}
