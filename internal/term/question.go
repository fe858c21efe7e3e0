package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// ErrBack says that somebody wants the question before this one.
var ErrBack = errors.New("back to the question before")

// Choice is a question with a few answers.
type Choice struct {
	Title   string
	Options []Option
	Default int      // the index of what Enter means; below 0 an answer is needed
	Notes   []string // what to know beside, such as where prices come from
}

// Option is an answer that can be chosen, by its number or its label.
type Option struct {
	Label   string
	Details []string // stand under each other in columns where there is room
}

// Blank is a question whose answer is typed.
type Blank struct {
	Title   string
	Default string             // what Enter means; "": an answer is needed
	Check   func(string) error // what is wrong with an answer
}

// Choose asks a question until one of its answers is given, and returns that
// one's index. The error is ErrBack, of kind Interrupted when the context or the
// input ends, or of kind Usage where nobody can answer.
func Choose(ctx context.Context, s Streams, c Choice) (int, error) {
	title(s, c.Title)
	for _, line := range optionLines(s, c.Options) {
		fmt.Fprintln(s.Err, line)
	}
	for _, note := range c.Notes {
		Hang(s, "  ", note)
	}
	hint := fmt.Sprintf("1 to %d", len(c.Options))
	if c.Default >= 0 {
		hint += fmt.Sprintf(", Enter for %d", c.Default+1)
	}
	for {
		text, err := answer(ctx, s, hint)
		if err != nil {
			return 0, err
		}
		if text == "" && c.Default >= 0 {
			return c.Default, nil
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(c.Options) {
			return n - 1, nil
		}
		if i := slices.IndexFunc(c.Options, func(o Option) bool { return strings.EqualFold(o.Label, text) }); i >= 0 {
			return i, nil
		}
		if text != "" {
			Hang(s, "  ", fmt.Sprintf("%q is none of the answers", text))
		}
		Hang(s, "  ", fmt.Sprintf("type a number from 1 to %d", len(c.Options)))
	}
}

// Fill asks until an answer is typed that its check accepts. Errors are those of
// Choose.
func Fill(ctx context.Context, s Streams, b Blank) (string, error) {
	title(s, b.Title)
	hint := ""
	if b.Default != "" {
		hint = "Enter for " + b.Default
	}
	for {
		text, err := answer(ctx, s, hint)
		if err != nil {
			return "", err
		}
		if text == "" {
			text = b.Default
		}
		if text == "" {
			continue
		}
		if err = b.Check(text); err == nil {
			return text, nil
		}
		Hang(s, "  ", err.Error())
		if next := problem.NextOf(err); next != "" {
			Hang(s, "  ", next)
		}
	}
}

// Facts shows what is known, each with its name before it, as part of what is
// said: on standard error, folded to the terminal's width.
func Facts(s Streams, facts [][2]string) {
	width := 0
	for _, f := range facts {
		width = max(width, len(f[0]))
	}
	for _, f := range facts {
		Hang(s, fmt.Sprintf("  %-*s  ", width, f[0]), f[1])
	}
}

// Say writes a line that is no note and no data, folded to the width that there
// is and as far indented as it begins.
func Say(s Streams, text string) {
	words := strings.TrimLeft(text, " ")
	Hang(s, text[:len(text)-len(words)], words)
}

// answer reads a line of somebody's.
func answer(ctx context.Context, s Streams, hint string) (string, error) {
	if !s.CanAsk() {
		return "", problem.New(problem.Usage, "nobody can be asked here").WithNext("say by flags what is wanted: spawn launch --help")
	}
	fmt.Fprintf(s.Err, "%s> ", strings.TrimPrefix(hint+", b for back ", ", "))
	text, err := readLine(ctx, s.In)
	if err != nil {
		fmt.Fprintln(s.Err)
		return "", err
	}
	switch text = strings.TrimSpace(text); strings.ToLower(text) {
	case "b", "back":
		return "", ErrBack
	}
	return text, nil
}

// readLine reads to the end of a line and nothing behind it, for the next
// question has a reader of its own. When the context ends first, the reading is
// left behind: a terminal does not take it back, and a program that was
// interrupted asks no more.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		var text strings.Builder
		for b := make([]byte, 1); ; {
			n, err := in.Read(b)
			switch {
			case n == 1 && b[0] == '\n', err != nil && text.Len() > 0:
				read <- line{text: text.String()}
				return
			case err != nil:
				read <- line{err: err}
				return
			case n == 1:
				text.WriteByte(b[0])
			}
		}
	}()
	select {
	case got := <-read:
		if got.err != nil {
			return "", problem.New(problem.Interrupted, "nothing was done")
		}
		return got.text, nil
	case <-ctx.Done():
		return "", problem.New(problem.Interrupted, "nothing was done")
	}
}

// optionLines show options in columns. One that is wider than the terminal has
// what is to be known of it on lines of its own; for a voice it is a sentence.
func optionLines(s Streams, options []Option) []string {
	var lines []string
	wide := false
	for n, row := range Rows(options) {
		line := fmt.Sprintf("  %*d  %s", len(strconv.Itoa(len(options))), n+1, row)
		wide = wide || s.Columns > 0 && ansi.StringWidth(line) > s.Columns
		lines = append(lines, line)
	}
	if !wide && !s.Accessible {
		return lines
	}
	lines = nil
	for n, o := range options {
		head := fmt.Sprintf("  %d  %s", n+1, o.Label)
		details := strings.Join(slices.DeleteFunc(slices.Clone(o.Details), func(d string) bool { return d == "" }), ", ")
		switch {
		case details == "":
			lines = append(lines, head)
		case s.Columns == 0 || s.Accessible || ansi.StringWidth(head+": "+details) <= s.Columns:
			lines = append(lines, head+": "+details)
		default:
			lines = append(lines, head)
			for _, part := range Pack(o.Details, s.Columns-len("     ")) {
				lines = append(lines, "     "+part)
			}
		}
	}
	return lines
}

func title(s Streams, text string) {
	lines := []string{text}
	if s.Columns > 0 {
		lines = Fold(text, s.Columns)
	}
	bold := lipgloss.NewStyle().Bold(true)
	fmt.Fprintln(s.Err)
	for _, line := range lines {
		fmt.Fprintln(s.Err, bold.Render(line))
	}
}
