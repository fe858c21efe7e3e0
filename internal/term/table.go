package term

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Column is a column of a table. Numbers stand to the right.
type Column struct {
	Title string
	Right bool
	Fold  bool // it holds prose, which a narrow terminal gets in several lines
	Spare int  // on a narrow terminal columns are left out, the highest first; 0: as late as can be
}

// columnGap stands between two columns.
const columnGap = "  "

// cutMark ends a line or a cell that there was no room for.
const cutMark = "…"

// Table writes rows under their titles, a line each. A terminal that is too
// narrow gets what fits, and a mark behind the titles; into a file nothing is
// cut.
func Table(s Streams, columns []Column, rows [][]string) error {
	room := math.MaxInt32
	if s.OutTTY && s.Columns > 0 {
		room = s.Columns
	}
	shown, width := fit(columns, rows, room)
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
	}
	header := tableLines(columns, shown, width, titles)[0]
	if len(shown) < len(columns) {
		header += columnGap + cutMark
	}
	if err := printLine(s, lipgloss.NewStyle().Bold(true).Render(header)); err != nil {
		return err
	}
	for _, row := range rows {
		for _, line := range tableLines(columns, shown, width, row) {
			if err := printLine(s, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func printLine(s Streams, line string) error {
	if _, err := fmt.Fprintln(s.Out, line); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// tableLines are a row: one line, or several where prose is folded.
func tableLines(columns []Column, shown, width []int, cells []string) []string {
	folds := make([][]string, len(cells))
	height := 1
	for _, i := range shown {
		folds[i] = []string{cells[i]}
		if columns[i].Fold && ansi.StringWidth(cells[i]) > width[i] {
			folds[i] = Fold(cells[i], width[i])
		}
		height = max(height, len(folds[i]))
	}
	lines := make([]string, height)
	for n := range lines {
		var b strings.Builder
		for at, i := range shown {
			cell := ""
			if n < len(folds[i]) {
				cell = ansi.Truncate(folds[i][n], width[i], cutMark)
			}
			padding := strings.Repeat(" ", width[i]-ansi.StringWidth(cell))
			if at > 0 {
				b.WriteString(columnGap)
			}
			if columns[i].Right {
				b.WriteString(padding + cell)
			} else {
				b.WriteString(cell + padding)
			}
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// Pairs writes facts under each other, each with its name before it. Where the
// names take too much of a terminal's width, what follows on them is not
// aligned.
func Pairs(s Streams, pairs [][2]string) error {
	width, room := 0, s.outColumns()
	for _, p := range pairs {
		width = max(width, ansi.StringWidth(p[0]))
	}
	narrow := room > 0 && 2*width > room
	for _, p := range pairs {
		name, indent := fmt.Sprintf("%-*s%s", width, p[0], columnGap), width+len(columnGap)
		if narrow {
			name, indent = p[0]+columnGap, 2*len(columnGap)
			if p[0] == "" {
				name = strings.Repeat(" ", indent)
			}
		}
		lines := hung(room, ansi.StringWidth(name), indent, p[1])
		lines[0] = lipgloss.NewStyle().Faint(true).Render(name) + lines[0]
		if err := printLine(s, strings.Join(lines, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// Tell writes sentences that are data. On a terminal their lines end between
// words, and what is folded is indented like its beginning.
func Tell(s Streams, text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		words := strings.TrimLeft(line, " ")
		indent := len(line) - len(words)
		if err := printLine(s, line[:indent]+strings.Join(hung(s.outColumns(), indent, indent, words), "\n")); err != nil {
			return err
		}
	}
	return nil
}

// outColumns is the width that standard output is folded to; 0 where it is not.
func (s Streams) outColumns() int {
	if !s.OutTTY {
		return 0
	}
	return s.Columns
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
