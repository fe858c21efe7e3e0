package term

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// waited are streams to a terminal that has a line for what is waited for.
func waited(drawn bool) (Streams, *bytes.Buffer) {
	var seen bytes.Buffer
	s := Plain(io.Discard, io.Discard)
	s.Out, s.Err, s.ErrTTY, s.Plain, s.Columns = &seen, &seen, drawn, !drawn, 40
	return overBottom(s), &seen
}

// shown is what is on the terminal, which is drawn on meanwhile.
func shown(s Streams, seen *bytes.Buffer) string {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	return seen.String()
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, seen := waited(true)
		done := s.Wait("asking %s", "somebody")
		time.Sleep(900 * time.Millisecond)
		done()
		if seen.Len() > 0 {
			t.Errorf("what is quick was shown: %q", seen)
		}
		done = s.Wait("asking somebody who has a name that is longer than the terminal")
		time.Sleep(2500 * time.Millisecond)
		if text := ansi.Strip(shown(s, seen)); !strings.Contains(text, "asking somebody") || !strings.Contains(text, "2s") || strings.Contains(text, "\n") {
			t.Errorf("%q", text)
		}
		for frame := range strings.SplitSeq(shown(s, seen), "\r") {
			if ansi.StringWidth(frame) >= 40 {
				t.Errorf("the line reaches the edge: %q", frame)
			}
		}
		before := len(shown(s, seen))
		Note(s, "something") // above the line, which comes back after a silence
		if text := shown(s, seen)[before:]; !strings.HasPrefix(text, "\r"+ansi.EraseLineRight+"note: something\n") {
			t.Errorf("%q", text)
		}
		time.Sleep(500 * time.Millisecond)
		if text := shown(s, seen)[before:]; strings.Contains(text, "asking") {
			t.Errorf("it came back at once: %q", text)
		}
		time.Sleep(time.Second)
		done()
		done() // once more is nothing
		if !strings.HasSuffix(shown(s, seen), "\r"+ansi.EraseLineRight) {
			t.Errorf("it is left on the screen: %q", seen)
		}
	})
}

// Of what is waited for within what is waited for, the inner is shown, and then
// the outer again.
func TestWaitWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, seen := waited(true)
		outer := s.Wait("outer")
		inner := s.Wait("inner")
		time.Sleep(1500 * time.Millisecond)
		inner()
		if text := shown(s, seen); strings.Contains(text, "outer") || !strings.Contains(text, "inner") {
			t.Errorf("%q", text)
		}
		time.Sleep(1500 * time.Millisecond)
		outer()
		if !strings.Contains(shown(s, seen), "outer") {
			t.Errorf("%q", seen)
		}
	})
}

// Where nothing can be drawn in place it is said once; and never in a pipe.
func TestWaitInPlainLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, seen := waited(false)
		done := s.Wait("asking")
		time.Sleep(5 * time.Second)
		done()
		if shown(s, seen) != "  asking...\n" {
			t.Errorf("%q", seen)
		}
		var piped bytes.Buffer
		done = Plain(&piped, &piped).Wait("asking")
		time.Sleep(5 * time.Second)
		done()
		if piped.Len() > 0 {
			t.Errorf("%q", piped.String())
		}
	})
}
