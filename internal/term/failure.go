package term

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// errInterrupted is what a cancelled context comes to.
var errInterrupted = errors.New("interrupted")

// Failure shows an error: the cause, and the next step where there is one. What
// the user stopped is no failure, and is shown in one word more than nothing.
func Failure(s Streams, program string, err error) {
	if problem.KindOf(err) == problem.Interrupted {
		var said *problem.Error
		if !errors.As(err, &said) {
			err = errInterrupted
		}
		Note(s, "%v", err)
		return
	}
	bad := lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	head := program + ":"
	for line := range strings.Lines(err.Error()) { // several, where more than one thing failed
		lines := hung(s.errColumns(), len(head)+1, 2, strings.TrimRight(line, "\n"))
		fmt.Fprintf(s.Err, "%s %s\n", bad.Render(head), strings.Join(lines, "\n"))
	}
	const mark = "  next: "
	if next := problem.NextOf(err); next != "" {
		fmt.Fprintln(s.Err, mark+strings.Join(hung(s.errColumns(), len(mark), len(mark), next), "\n"))
	}
}

// Note shows something that the user should know and that stops nothing. On a
// terminal its lines end between words.
func Note(s Streams, format string, args ...any) {
	const mark = "note: "
	fmt.Fprintln(s.Err, mark+strings.Join(hung(s.errColumns(), len(mark), len(mark), fmt.Sprintf(format, args...)), "\n"))
}

// Hang writes words behind a head, which is part of what is said, and folds them
// so that they stand under each other.
func Hang(s Streams, head, text string) {
	width := ansi.StringWidth(head)
	fmt.Fprintln(s.Err, head+strings.Join(hung(s.errColumns(), width, width, text), "\n"))
}

// errColumns is the width that what is said is folded to; 0 where it is not.
func (s Streams) errColumns() int {
	if !s.ErrTTY && !s.Plain {
		return 0
	}
	return s.Columns
}

// hung are the lines of a text whose first one begins at a column, and whose
// others are indented. Nothing is folded where the width is not known, or where
// hardly any is left. A command is to be copied, and stays whole: it may stand
// on a line of its own, or be too long for one.
func hung(columns, at, indent int, text string) []string {
	if columns == 0 || columns-indent < leastProse || columns <= at || at+ansi.StringWidth(text) <= columns {
		return []string{text}
	}
	// The first line has another width than the others: blanks make it the same.
	const blank = "\u00a0"
	words := splitWords(text)
	if at > indent && len(words) > 0 {
		words[0] = strings.Repeat(blank, at-indent) + words[0]
	}
	lines := foldedWords(words, columns-indent)
	lines[0] = strings.TrimLeft(lines[0], blank)
	for i := range lines[1:] {
		lines[i+1] = strings.Repeat(" ", indent) + lines[i+1]
	}
	if strings.HasSuffix(text, " ") { // an answer is typed behind it
		lines[len(lines)-1] += " "
	}
	return lines
}

// command is what somebody is told to type, to the end of the text.
var command = regexp.MustCompile(`: ((?:spawn|truffle) .*)$`)

// splitWords are the words of a text; a command at its end is one.
func splitWords(text string) []string {
	if at := command.FindStringSubmatchIndex(text); at != nil {
		return append(strings.Fields(text[:at[2]]), text[at[2]:])
	}
	return strings.Fields(text)
}
