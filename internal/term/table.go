package term

import (
	"encoding/json"
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Column is a column of a table. Numbers stand to the right.
type Column struct {
	Title string
	Right bool
}

// columnGap stands between two columns.
const columnGap = "  "

// cutMark ends a line that is longer than the terminal is wide.
const cutMark = "…"

// Table writes rows under their titles, a line each. On a terminal that is too
// narrow a line is cut off instead of wrapped; into a file nothing is cut.
func Table(s Streams, columns []Column, rows [][]string) error {
	widths := make([]int, len(columns))
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i], widths[i] = c.Title, ansi.StringWidth(c.Title)
		for _, row := range rows {
			widths[i] = max(widths[i], ansi.StringWidth(row[i]))
		}
	}
	header := lipgloss.NewStyle().Bold(true).Render(tableLine(s, columns, widths, titles))
	if _, err := fmt.Fprintln(s.Out, header); err != nil {
		return fmt.Errorf("print a table: %w", err)
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(s.Out, tableLine(s, columns, widths, row)); err != nil {
			return fmt.Errorf("print a table: %w", err)
		}
	}
	return nil
}

func tableLine(s Streams, columns []Column, widths []int, cells []string) string {
	var b strings.Builder
	for i, cell := range cells {
		padding := strings.Repeat(" ", widths[i]-ansi.StringWidth(cell))
		if i > 0 {
			b.WriteString(columnGap)
		}
		if columns[i].Right {
			b.WriteString(padding + cell)
		} else {
			b.WriteString(cell + padding)
		}
	}
	line := strings.TrimRight(b.String(), " ")
	if s.OutTTY && s.Columns > 0 {
		line = ansi.Truncate(line, s.Columns, cutMark)
	}
	return line
}

// Pairs writes facts under each other, each with its name before it.
func Pairs(s Streams, pairs [][2]string) error {
	width := 0
	for _, p := range pairs {
		width = max(width, len(p[0]))
	}
	for _, p := range pairs {
		name := lipgloss.NewStyle().Faint(true).Render(fmt.Sprintf("%-*s", width, p[0]))
		if _, err := fmt.Fprintf(s.Out, "%s  %s\n", name, p[1]); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// JSON writes data for a program, indented for the eyes that look anyway.
func JSON(s Streams, v any) error {
	enc := json.NewEncoder(s.Out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
