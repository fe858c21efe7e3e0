package truffle

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// form is the form of an answer.
type form string

// The forms.
const (
	formTable  form = "table"
	formJSON   form = "json"
	formNDJSON form = "ndjson"
)

// parseForm reads --output. Without it, eyes get a table and a pipe gets JSON.
func parseForm(text string, terminal bool) (form, error) {
	switch o := form(text); {
	case o == "" && terminal:
		return formTable, nil
	case o == "":
		return formJSON, nil
	case slices.Contains([]form{formTable, formJSON, formNDJSON}, o):
		return o, nil
	default:
		return "", problem.New(problem.Usage, "there is no output %q", text).WithNext("use --output table, json or ndjson")
	}
}

// view is an answer in all its forms: cells for eyes, records for programs. A
// record is an offer wherever spawn could launch it. Both have the same order.
type view[R any] struct {
	columns []column
	cells   [][]string
	records []R
	notes   []string // for standard error: what is left out, and, beside a table, where numbers come from
}

// column is a column of a table; a wide one is shown only when asked for.
type column struct {
	term.Column
	wide bool
}

// show writes the answer to standard output and its notes to standard error.
func show[R any](f Factory, s shared, v view[R]) error {
	n := s.keep(len(v.records))
	left := len(v.records) - n
	v.records, v.cells = v.records[:n], v.cells[:n]
	if err := v.write(f.Streams, s); err != nil {
		return err
	}
	if left > 0 && s.Output == formTable {
		v.notes = append([]string{fmt.Sprintf("%d more not shown", left)}, v.notes...)
	}
	for _, note := range v.notes {
		term.Note(f.Streams, "%s", note)
	}
	return nil
}

func (v view[R]) write(streams term.Streams, s shared) error {
	switch {
	case s.Output == formTable:
		columns := make([]term.Column, len(v.columns))
		for i, c := range v.columns {
			columns[i] = c.Column
		}
		return term.Table(streams, columns, v.cells)
	case s.Output == formNDJSON:
		enc := json.NewEncoder(streams.Out)
		for _, r := range v.records {
			if err := enc.Encode(r); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		return nil
	case s.PickFirst:
		return term.JSON(streams, v.records[0])
	default:
		return term.JSON(streams, v.records)
	}
}
