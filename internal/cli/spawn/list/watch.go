package list

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/term"
)

// watchEvery is the pause between two looks: each asks every region once, all at
// the same time.
const watchEvery = 2 * time.Second

// watch lists again and again until the context ends, which is no failure. A
// look that fails is told in the list's place, and the next one may succeed.
func (o *Options) watch(ctx context.Context, target *awsx.Target) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	screen := o.Factory.Streams.Out
	if _, err := fmt.Fprint(screen, ansi.EraseEntireScreen); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for {
		text := o.frame(ctx, target)
		if ctx.Err() != nil {
			return nil // Ctrl-C is how it ends
		}
		if _, err := fmt.Fprint(screen, redraw(text)); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// frame is what one look shows, notes included.
func (o *Options) frame(ctx context.Context, target *awsx.Target) string {
	var b bytes.Buffer
	s := o.Factory.Streams.Measured()
	_, height := s.Size()
	s.Out, s.Err = &b, &b
	if err := o.once(ctx, target, s); err != nil {
		term.Failure(s, "spawn", awsx.Explain(err))
	}
	now := time.Now()
	end := fmt.Sprintf("\n%s, every %s; end with Ctrl-C\n", term.Moment(now, now), term.Span(watchEvery))
	return highAs(b.String(), height-strings.Count(end, "\n")-1) + end
}

// highAs cuts a text to so many lines, and says how many are missing: what runs
// over the last line of a terminal would push the first one out. A terminal of
// unknown height, or with no room at all, gets everything.
func highAs(text string, height int) string {
	lines := strings.SplitAfter(text, "\n")
	missing := len(lines) - 1 - height // behind the last line there is nothing
	if height < 2 || missing <= 0 {
		return text
	}
	return strings.Join(lines[:height-1], "") + fmt.Sprintf("and %d more lines\n", missing+1)
}

// redraw puts a text over the one before without clearing first, which would
// flicker: each line erases what is left of the old one, the last one what is
// below.
func redraw(text string) string {
	return ansi.CursorHomePosition + strings.ReplaceAll(text, "\n", ansi.EraseLineRight+"\n") + ansi.EraseScreenBelow
}
