package term

import (
	"errors"
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

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
		text = strings.Join(Fold(text, s.Columns-len(mark)), "\n"+strings.Repeat(" ", len(mark)))
	}
	fmt.Fprintln(s.Err, mark+text)
}
