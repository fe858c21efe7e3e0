package term

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A table that is wider than its terminal gives up, in this order: width of
// columns of prose, whose cells are folded; columns that can be spared; width of
// the first column, whose cells are cut; columns from the right. A number is
// whole or not there: part of one would be another number. The titles end with
// cutMark where a column is missing.
const (
	leastProse = 12 // columns of the terminal, as far as the words are no longer
	mostProse  = 40
	leastFirst = 16
)

// fit chooses the columns to show in so much room, and how wide each is.
func fit(columns []Column, rows [][]string, room int) (shown []int, width []int) {
	natural, least := make([]int, len(columns)), make([]int, len(columns))
	for i, c := range columns {
		shown = append(shown, i)
		natural[i] = ansi.StringWidth(c.Title)
		words := 0
		for _, row := range rows {
			natural[i] = max(natural[i], ansi.StringWidth(row[i]))
			for word := range strings.FieldsSeq(row[i]) {
				words = max(words, ansi.StringWidth(word))
			}
		}
		least[i] = natural[i]
		if c.Fold {
			least[i] = min(natural[i], max(leastProse, ansi.StringWidth(c.Title), min(words, mostProse)))
		}
	}
	if sum(shown, least) > room {
		shown = spare(columns, shown, least, room-len(columnGap)-ansi.StringWidth(cutMark))
	}
	left := room - sum(shown, least)
	for _, i := range shown {
		if columns[i].Fold && left > 0 {
			more := min(left, natural[i]-least[i])
			least[i], left = least[i]+more, left-more
		}
	}
	return shown, least
}

// spare takes columns out, and width from the first one, until what is left has
// room.
func spare(columns []Column, shown, width []int, room int) []int {
	for sum(shown, width) > room {
		at := 0
		for n, i := range shown {
			if n > 0 && columns[i].Spare > 0 && columns[i].Spare >= columns[shown[at]].Spare {
				at = n
			}
		}
		if at == 0 {
			break
		}
		shown = slices.Delete(shown, at, at+1)
	}
	if over := sum(shown, width) - room; over > 0 {
		width[0] = max(width[0]-over, min(width[0], leastFirst))
	}
	for sum(shown, width) > room && len(shown) > 1 {
		shown = shown[:len(shown)-1]
	}
	width[0] = max(1, min(width[0], room))
	return shown
}

// sum is the width of the columns that are shown, gaps included.
func sum(shown, width []int) int {
	all := (len(shown) - 1) * len(columnGap)
	for _, i := range shown {
		all += width[i]
	}
	return all
}

// Beside writes a table whose first columns name the rows, and whose others are
// things beside each other: on a narrow terminal in several tables under each
// other, each with as many as it has room for.
func Beside(s Streams, names int, columns []Column, rows [][]string) error {
	for from := names; from < len(columns); {
		to := from + 1
		for to < len(columns) && hasRoom(s, picked(columns, names, from, to+1), pickedRows(rows, names, from, to+1)) {
			to++
		}
		if from > names {
			if err := printLine(s, ""); err != nil {
				return err
			}
		}
		if err := Table(s, picked(columns, names, from, to), pickedRows(rows, names, from, to)); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func hasRoom(s Streams, columns []Column, rows [][]string) bool {
	if !s.OutTTY || s.Columns == 0 {
		return true
	}
	shown, _ := fit(columns, rows, s.Columns)
	return len(shown) == len(columns)
}

// picked are the first names and those from one on to before another.
func picked[T any](all []T, names, from, to int) []T {
	return slices.Concat(all[:names], all[from:to])
}

func pickedRows(rows [][]string, names, from, to int) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = picked(row, names, from, to)
	}
	return out
}
