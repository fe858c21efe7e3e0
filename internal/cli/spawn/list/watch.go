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
	s := o.Factory.Streams
	s.Out, s.Err = &b, &b
	if err := o.once(ctx, target, s); err != nil {
		term.Failure(s, "spawn", awsx.Explain(err))
	}
	now := time.Now()
	fmt.Fprintf(&b, "\n%s, every %s; end with Ctrl-C\n", term.Moment(now, now), term.Span(watchEvery))
	return b.String()
}

// redraw puts a text over the one before without clearing first, which would
// flicker: each line erases what is left of the old one, the last one what is
// below.
func redraw(text string) string {
	return ansi.CursorHomePosition + strings.ReplaceAll(text, "\n", ansi.EraseLineRight+"\n") + ansi.EraseScreenBelow
}
