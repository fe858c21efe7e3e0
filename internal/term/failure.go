package term

import (
	"fmt"

	"charm.land/lipgloss/v2"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Failure shows an error: the cause, and the next step where there is one.
func Failure(s Streams, program string, err error) {
	bad := lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	fmt.Fprintf(s.Err, "%s %v\n", bad.Render(program+":"), err)
	if next := problem.NextOf(err); next != "" {
		fmt.Fprintf(s.Err, "  next: %s\n", next)
	}
}

// Note shows something that the user should know and that stops nothing.
func Note(s Streams, format string, args ...any) {
	fmt.Fprintf(s.Err, "note: "+format+"\n", args...)
}
