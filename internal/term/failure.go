package term

import (
	"errors"
	"fmt"
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
	fmt.Fprintf(s.Err, "%s %v\n", bad.Render(program+":"), err)
	if next := problem.NextOf(err); next != "" {
		fmt.Fprintf(s.Err, "  next: %s\n", next)
	}
}

// Note shows something that the user should know and that stops nothing. On a
// terminal its lines end between words.
func Note(s Streams, format string, args ...any) {
	const mark = "note: "
	text := fmt.Sprintf(format, args...)
	if s.ErrTTY && s.Columns > 2*len(mark) {
		text = strings.Join(folded(text, s.Columns-len(mark)), "\n"+strings.Repeat(" ", len(mark)))
	}
	fmt.Fprintln(s.Err, mark+text)
}

// folded are the lines of a text that is at most so many columns wide, as far as
// its words are. Nothing but blanks parts words: a date has hyphens too.
func folded(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case ansi.StringWidth(line)+1+ansi.StringWidth(word) > columns:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
