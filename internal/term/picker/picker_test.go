package picker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// keyboard gives a key at a time, and then waits for a person who is gone.
type keyboard struct {
	keys []string
	gone <-chan struct{}
}

func (k *keyboard) Read(b []byte) (int, error) {
	if len(k.keys) == 0 {
		<-k.gone
		return 0, io.EOF
	}
	n := copy(b, k.keys[0])
	k.keys = k.keys[1:]
	return n, nil
}

const (
	enter  = "\r"
	escape = "\x1b[27u" // as terminals send it that do not leave it open what follows
	down   = "\x1b[B"
	tabUp  = "\x1b[Z"
	ctrlC  = "\x03"
)

// person is somebody at a terminal who presses these keys.
func person(t *testing.T, keys ...string) (term.Streams, *bytes.Buffer) {
	var seen bytes.Buffer
	s := term.Plain(io.Discard, &seen)
	s.In, s.InTTY, s.ErrTTY, s.Columns = &keyboard{keys: keys, gone: t.Context().Done()}, true, true, 80
	return s, &seen
}

var fruit = term.Choice{Title: "Which fruit? Prices are of today.", Default: 1, Options: []term.Option{
	{Label: "apple", Details: []string{"red", "from a tree that has stood in the garden for a hundred years"}},
	{Label: "pear", Details: []string{"", "green"}},
	{Label: "another"},
}}

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		keys []string
		want int
	}{
		{[]string{enter}, 1},
		{[]string{down, enter}, 2},
		{[]string{"\n", enter}, 1}, // Enter that was pressed before is no answer
		{[]string{down, down, enter}, 0},
		{[]string{"/", "p", "p", "l", enter}, 0},
		{[]string{"/", "p", "l", "u", "m", enter, escape, enter}, 0},   // nothing is like that
		{[]string{"/", "a", "p", "p", escape, escape, down, enter}, 1}, // Esc ends a filter before it goes back
	} {
		s, seen := person(t, test.keys...)
		got, err := Choose(t.Context(), s, fruit)
		if err != nil || got != test.want {
			t.Errorf("%q: %d, %v, want %d", test.keys, got, err, test.want)
		}
		if record := "Which fruit? " + fruit.Options[test.want].Label + "\n"; !strings.HasSuffix(seen.String(), record) {
			t.Errorf("%q: what is left is not %q: %q", test.keys, record, seen)
		}
	}
	needed := fruit
	needed.Default = -1
	s, _ := person(t, enter)
	if got, err := Choose(t.Context(), s, needed); err != nil || got != 2 {
		t.Errorf("Enter where an answer is needed: %d, %v", got, err)
	}
}

func TestQuestionsEndWithoutAnAnswer(t *testing.T) {
	for _, key := range []string{escape, tabUp} {
		s, _ := person(t, key)
		if _, err := Choose(t.Context(), s, fruit); !errors.Is(err, term.ErrBack) {
			t.Errorf("%q: %v", key, err)
		}
		s, _ = person(t, "x", key)
		if _, err := Fill(t.Context(), s, term.Blank{Title: "Who?"}); !errors.Is(err, term.ErrBack) {
			t.Errorf("%q: %v", key, err)
		}
	}
	s, _ := person(t, ctrlC)
	if _, err := Choose(t.Context(), s, fruit); problem.KindOf(err) != problem.Interrupted {
		t.Errorf("Ctrl-C: %v", err)
	}
	s, _ = person(t, enter)
	s.NoInput = true
	if _, err := Choose(t.Context(), s, fruit); problem.KindOf(err) != problem.Usage {
		t.Errorf("--no-input: %v", err)
	}
	s, _ = person(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := Fill(ctx, s, term.Blank{Title: "Who?"}); problem.KindOf(err) != problem.Interrupted {
		t.Errorf("an interrupt: %v", err)
	}
}

func TestFill(t *testing.T) {
	number := term.Blank{Title: "Which number?", Default: "7", Check: func(text string) error {
		if text == "seven" {
			return problem.New(problem.Usage, "that is a word").WithNext("type digits")
		}
		return nil
	}}
	for _, test := range []struct {
		keys []string
		want string
	}{
		{[]string{enter}, "7"},
		{[]string{" ", "8", enter}, "8"},
		{append(strings.Split("seven", ""), enter, "\x15", "9", enter), "9"},
	} {
		s, _ := person(t, test.keys...)
		if got, err := Fill(t.Context(), s, number); err != nil || got != test.want {
			t.Errorf("%q: %q, %v", test.keys, got, err)
		}
	}
	number.Default = ""
	s, _ := person(t, enter, "1", enter)
	if got, err := Fill(t.Context(), s, number); err != nil || got != "1" {
		t.Errorf("Enter where an answer is needed: %q, %v", got, err)
	}
}

// A check that panics is an error, after which the terminal is as it was.
func TestPanicEndsTheQuestion(t *testing.T) {
	s, _ := person(t, "x", enter)
	_, err := Fill(t.Context(), s, term.Blank{Title: "Who?", Check: func(string) error { panic("for a test") }})
	if !errors.Is(err, tea.ErrProgramPanic) {
		t.Errorf("got %v", err)
	}
}

// Nothing is wider than the terminal, the question and the answer under the
// cursor are always there, and where there is room everything is.
func TestQuestionsFitTheTerminal(t *testing.T) {
	long := fruit
	long.Title = "Which of all the fruit that there are in the garden do you want to have today?"
	long.Notes = []string{"the prices are those that were asked for on the market of last Saturday, and may have changed"}
	for _, columns := range []int{leastColumns, 60, 200} {
		for _, rows := range []int{above + leastRows + 2, 12, 24, 50} {
			chosen := 0
			q := list(long, &chosen)
			q.fit(60) // what it was before
			q.Init()
			q.Update(tea.WindowSizeMsg{Width: columns, Height: rows})
			lines := strings.Split(ansi.Strip(q.View().Content), "\n")
			for _, line := range lines {
				if width := ansi.StringWidth(line); width > columns {
					t.Errorf("%d of %d columns: %s", width, columns, line)
				}
			}
			if len(lines) > rows {
				t.Errorf("%d lines of %d: %q", len(lines), rows, lines)
			}
			words := []string{"Which", "> apple", "Ctrl-C"}
			if rows >= 24 {
				words = append(words, "apple", "red", "hundred", "years", "green", "another", "Saturday")
			}
			for _, word := range words {
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, word) }) {
					t.Errorf("at %d times %d nothing tells of %s: %q", columns, rows, word, lines)
				}
			}
		}
	}
}

func TestSuits(t *testing.T) {
	able := func(change func(*term.Streams, *colorprofile.Writer)) bool {
		s, _ := person(t)
		screen := s.Err.(*colorprofile.Writer)
		screen.Profile = colorprofile.ASCII // as with NO_COLOR
		change(&s, screen)
		return Suits(s)
	}
	if !able(func(*term.Streams, *colorprofile.Writer) {}) {
		t.Error("a terminal without colours does not suit")
	}
	for name, change := range map[string]func(*term.Streams, *colorprofile.Writer){
		"a terminal that is not known":       func(_ *term.Streams, w *colorprofile.Writer) { w.Profile = colorprofile.NoTTY },
		"a narrow one":                       func(s *term.Streams, _ *colorprofile.Writer) { s.Columns = leastColumns - 1 },
		"one that has no width":              func(s *term.Streams, _ *colorprofile.Writer) { s.Columns = 0 },
		"one for somebody who listens":       func(s *term.Streams, _ *colorprofile.Writer) { s.ErrTTY, s.Plain = false, true },
		"one at which nothing may be asked":  func(s *term.Streams, _ *colorprofile.Writer) { s.NoInput = true },
		"a pipe":                             func(s *term.Streams, _ *colorprofile.Writer) { s.InTTY = false },
		"a writer of which nothing is known": func(s *term.Streams, _ *colorprofile.Writer) { s.Err = io.Discard },
	} {
		if able(change) {
			t.Errorf("%s suits", name)
		}
	}
}
