package term

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Fold are the lines of a text that is at most so many columns wide, as far as
// its words are. Nothing but blanks parts words: a date has hyphens too.
func Fold(text string, columns int) []string { return foldedWords(strings.Fields(text), columns) }

func foldedWords(words []string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range words {
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

// Pack are details in lines of at most so many columns, each whole where it can
// be.
func Pack(details []string, columns int) []string {
	var lines []string
	line := ""
	for _, d := range details {
		switch {
		case d == "":
		case line == "":
			line = d
		case ansi.StringWidth(line+", "+d) <= columns:
			line += ", " + d
		default:
			lines, line = append(lines, Fold(line+",", columns)...), d
		}
	}
	return append(lines, Fold(line, columns)...)
}

// Rows are options with what is to be known of them in columns, a line each.
func Rows(options []Option) []string {
	var widths []int
	for _, o := range options {
		for i, cell := range o.cells() {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	rows := make([]string, len(options))
	for n, o := range options {
		for i, cell := range o.cells() {
			rows[n] += cell + strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)) + columnGap
		}
		rows[n] = strings.TrimRight(rows[n], " ")
	}
	return rows
}

func (o Option) cells() []string { return append([]string{o.Label}, o.Details...) }
