package term_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// person is somebody at a terminal who types this.
func person(typed string) (term.Streams, *bytes.Buffer) {
	var seen bytes.Buffer
	s := term.Plain(io.Discard, &seen)
	s.In, s.InTTY, s.ErrTTY = strings.NewReader(typed), true, true
	return s, &seen
}

var fruit = term.Choice{Title: "Which fruit?", Default: 1, Options: []term.Option{
	{Label: "apple", Details: []string{"red", "from a tree that has stood in the garden for a hundred years"}},
	{Label: "pear", Details: []string{"", "green"}},
	{Label: "another"},
}}

func TestChoose(t *testing.T) {
	for typed, want := range map[string]int{"1\n": 0, "\n": 1, " 3 \n": 2, "Pear\n": 1, "0\n4\nplum\n1\n": 0, "3": 2} {
		s, _ := person(typed)
		if got, err := term.Choose(t.Context(), s, fruit); err != nil || got != want {
			t.Errorf("%q: %d, %v", typed, got, err)
		}
	}
	needed := fruit
	needed.Default = -1
	s, _ := person("\n\n2\n")
	if got, err := term.Choose(t.Context(), s, needed); err != nil || got != 1 {
		t.Errorf("Enter was an answer where one is needed: %d, %v", got, err)
	}
}

func TestQuestionsEndWithoutAnAnswer(t *testing.T) {
	s, _ := person("b\n")
	if _, err := term.Choose(t.Context(), s, fruit); !errors.Is(err, term.ErrBack) {
		t.Errorf("back: %v", err)
	}
	s, _ = person("")
	if _, err := term.Choose(t.Context(), s, fruit); problem.KindOf(err) != problem.Interrupted {
		t.Errorf("the end of the input: %v", err)
	}
	s, _ = person("1\n")
	s.NoInput = true
	if _, err := term.Choose(t.Context(), s, fruit); problem.KindOf(err) != problem.Usage {
		t.Errorf("--no-input: %v", err)
	}
	if err := term.Confirm(s, "sure?"); problem.KindOf(err) != problem.Usage {
		t.Errorf("--no-input: %v", err)
	}
}

// An interrupt ends a question that nobody answers.
func TestQuestionIsInterrupted(t *testing.T) {
	s, _ := person("")
	silent, typed := io.Pipe()
	defer typed.Close()
	s.In = silent
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := term.Fill(ctx, s, term.Blank{Title: "Who?"}); problem.KindOf(err) != problem.Interrupted {
		t.Errorf("got %v", err)
	}
}

func TestFill(t *testing.T) {
	number := term.Blank{Title: "Which number?", Default: "7", Check: func(text string) error {
		if text == "seven" {
			return problem.New(problem.Usage, "that is a word").WithNext("type digits")
		}
		return nil
	}}
	s, seen := person("seven\n8\n")
	if got, err := term.Fill(t.Context(), s, number); err != nil || got != "8" || !strings.Contains(seen.String(), "type digits") {
		t.Errorf("%q, %v: %s", got, err, seen)
	}
	s, _ = person("\n")
	if got, err := term.Fill(t.Context(), s, number); err != nil || got != "7" {
		t.Errorf("%q, %v", got, err)
	}
}

// The answer to one question is not read with that to another.
func TestEachQuestionReadsItsOwnLine(t *testing.T) {
	s, _ := person("1\n3\ny\n")
	first, err := term.Choose(t.Context(), s, fruit)
	second, err2 := term.Choose(t.Context(), s, fruit)
	if err := errors.Join(err, err2, term.Confirm(s, "sure?")); err != nil || first != 0 || second != 2 {
		t.Errorf("%d, %d, %v", first, second, err)
	}
}

func TestQuestionsFitTheTerminal(t *testing.T) {
	long := fruit
	long.Title = "Which of all the fruit that there are in the garden do you want to have today?"
	long.Notes = []string{"the prices are those that were asked for on the market of last Saturday, and may have changed"}
	for _, columns := range []int{40, 60, 200} {
		s, seen := person("1\n")
		s.Columns = columns
		if _, err := term.Choose(t.Context(), s, long); err != nil {
			t.Fatal(err)
		}
		seen.WriteByte('\n') // as typing it does
		term.Say(s, "  "+strings.Repeat("said ", 50))
		term.Facts(s, [][2]string{{"name", strings.Repeat("word ", 50)}})
		for line := range strings.Lines(seen.String()) {
			if width := ansi.StringWidth(strings.TrimRight(line, "\n")); width > columns {
				t.Errorf("%d of %d columns: %s", width, columns, line)
			}
		}
		for _, word := range []string{"apple", "red", "hundred", "years", "green", "another", "Saturday"} {
			if !strings.Contains(seen.String(), word) {
				t.Errorf("at %d columns nothing tells of %s:\n%s", columns, word, seen)
			}
		}
	}
}

// For a voice an option is a sentence, and there are no columns.
func TestAccessibleQuestions(t *testing.T) {
	s, seen := person("1\n")
	s.Columns, s.Accessible = 200, true
	if _, err := term.Choose(t.Context(), s, fruit); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(seen.String(), "2  pear: green\n") {
		t.Errorf("%s", seen)
	}
}
