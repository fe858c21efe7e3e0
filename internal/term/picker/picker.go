// Package picker puts questions in place, with a cursor that arrow keys move:
// to somebody at a terminal that can do it. Elsewhere term.Choose and term.Fill
// put the same ones as lines. Beside the rules of package term it obeys these:
//
//   - The terminal is in another mode for as long as a question stands, and as it
//     was however that ends: answered, interrupted, cancelled or by a panic.
//   - The screen is never taken over. A question stands below what was there, and
//     leaves one line, with its answer, to be read afterwards.
//   - The terminal is asked what it can do, never for its colours: one of the
//     sixteen that its user chose is enough, and the mark before an answer says
//     what its colour says.
package picker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

const (
	// leastColumns is how wide a terminal must be.
	leastColumns = 40
	// longList is how many answers are worth a filter.
	longList = 6
	cutMark  = "…"
)

// Suits tells whether questions can be put in place here.
func Suits(s term.Streams) bool {
	screen, ok := s.Drawn()
	return ok && screen.Profile > colorprofile.NoTTY && s.CanAsk() && s.Columns >= leastColumns
}

// Choose asks for one of the answers and returns its index. Where none is what
// Enter means, the cursor stands at the last one, so that nothing happens to who
// pressed Enter once too often. Errors are those of term.Choose.
func Choose(ctx context.Context, s term.Streams, c term.Choice) (int, error) {
	chosen := c.Default
	if chosen < 0 {
		chosen = len(c.Options) - 1
	}
	if err := ask(ctx, s, c.Title, list(c, &chosen)); err != nil {
		return 0, err
	}
	answered(s, c.Title, c.Options[chosen].Label)
	return chosen, nil
}

func list(c term.Choice, chosen *int) *question {
	field := huh.NewSelect[int]().Value(chosen)
	fit := func(columns int) {
		if under, found := field.Hovered(); found {
			*chosen = under // huh forgets where the End key went to
		}
		rows := make([]huh.Option[int], len(c.Options))
		for i, row := range term.Rows(c.Options) {
			rows[i] = huh.NewOption(ansi.Truncate(row, columns-len(mark), cutMark), i)
		}
		field.Title(strings.Join(term.Fold(c.Title, columns), "\n")).Options(rows...)
	}
	beside := func(columns int) []string {
		under, found := field.Hovered()
		if !found {
			under = -1
		}
		lines := details(c.Options, under, columns)
		for _, note := range c.Notes {
			lines = append(lines, faint(term.Fold(note, columns))...)
		}
		if len(c.Notes) > 0 {
			lines = append(lines, "")
		}
		return append(lines, faint(term.Fold(keys(field.GetFiltering(), found, len(c.Options)), columns))...)
	}
	return newQuestion(field, fit, beside)
}

// details are what is to be known of the answer under the cursor, where the rows
// are too narrow for it. They are as many lines for every answer, so that what
// stands below does not move with the cursor.
func details(options []term.Option, under, columns int) []string {
	const indent = "  "
	cut, most := false, 0
	for i, row := range term.Rows(options) {
		cut = cut || ansi.StringWidth(row) > columns-len(mark)
		most = max(most, len(term.Pack(options[i].Details, columns-len(indent))))
	}
	lines := []string{""}
	if !cut {
		return lines
	}
	if under >= 0 {
		for _, line := range term.Pack(options[under].Details, columns-len(indent)) {
			lines = append(lines, indent+line)
		}
	}
	for len(lines) <= most {
		lines = append(lines, "")
	}
	return append(lines, "")
}

// keys say what can be pressed.
func keys(filtering, found bool, answers int) string {
	switch {
	case filtering && !found:
		return "nothing is like that; Esc shows all"
	case filtering:
		return "type a part of it, Enter takes, Esc ends the filter"
	case answers > longList:
		return "arrows choose, / filters, Enter takes, Esc goes back, Ctrl-C ends"
	default:
		return "arrows choose, Enter takes, Esc goes back, Ctrl-C ends"
	}
}

// Fill asks until an answer is typed that its check accepts. Errors are those of
// term.Choose.
func Fill(ctx context.Context, s term.Streams, b term.Blank) (string, error) {
	var typed string
	if err := ask(ctx, s, b.Title, line(b, &typed)); err != nil {
		return "", err
	}
	text := meant(b, typed)
	answered(s, b.Title, text)
	return text, nil
}

// meant is the answer of who typed this.
func meant(b term.Blank, typed string) string { return cmp.Or(strings.TrimSpace(typed), b.Default) }

func line(b term.Blank, typed *string) *question {
	field := huh.NewInput().Placeholder(b.Default).Value(typed).Validate(func(typed string) error {
		text := meant(b, typed)
		if text == "" {
			return errNeeded
		}
		return b.Check(text)
	})
	fit := func(columns int) { field.Title(strings.Join(term.Fold(b.Title, columns), "\n")) }
	hint := "Enter takes " + cmp.Or(b.Default, "it") + ", Esc goes back, Ctrl-C ends"
	beside := func(columns int) []string {
		lines := []string{""}
		if err := field.Error(); err != nil {
			lines = append(lines, term.Fold(err.Error(), columns)...)
			if next := problem.NextOf(err); next != "" {
				lines = append(lines, term.Fold(next, columns)...)
			}
			lines = append(lines, "")
		}
		return append(lines, faint(term.Fold(hint, columns))...)
	}
	return newQuestion(field, fit, beside)
}

var errNeeded = errors.New("an answer is needed")

// ask puts a question and leaves nothing of it on the screen.
func ask(ctx context.Context, s term.Streams, title string, q *question) error {
	screen, ok := s.Drawn()
	if !ok || !s.CanAsk() {
		return problem.New(problem.Usage, "nobody can be asked here").WithNext("say by flags what is wanted: spawn launch --help")
	}
	if err := q.run(ctx, s, screen); err != nil {
		return fmt.Errorf("ask at the terminal: %w", err)
	}
	switch q.ended {
	case taken:
		return nil
	case back:
		answered(s, title, "back")
		return term.ErrBack
	default:
		return problem.New(problem.Interrupted, "nothing was done")
	}
}

// answered leaves a question, without what explains it, and its answer.
func answered(s term.Streams, title, answer string) {
	if before, _, asks := strings.Cut(title, "?"); asks {
		title = before + "?"
	}
	term.Say(s, title+" "+lipgloss.NewStyle().Bold(true).Render(answer))
}

func faint(lines []string) []string {
	for i, line := range lines {
		lines[i] = lipgloss.NewStyle().Faint(true).Render(line)
	}
	return lines
}
