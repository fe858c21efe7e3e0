package truffle

import (
	"fmt"

	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// view is an answer in all its forms: cells for eyes, records for programs. A
// record is an offer wherever spawn could launch it. Both have the same order.
type view[R any] struct {
	columns []form.Column
	cells   [][]string
	records []R
	notes   []string // for standard error: what is left out, and, beside a table, where numbers come from
}

// show writes the answer to standard output and its notes to standard error.
func show[R any](f Factory, s shared, v view[R]) error {
	n := s.keep(len(v.records))
	left := len(v.records) - n
	v.records, v.cells = v.records[:n], v.cells[:n]
	if err := v.write(f.Streams, s); err != nil {
		return err
	}
	if left > 0 && s.Output.ForEyes() {
		v.notes = append([]string{fmt.Sprintf("%d more not shown", left)}, v.notes...)
	}
	for _, note := range v.notes {
		term.Note(f.Streams, "%s", note)
	}
	return nil
}

// write writes all records, or the first one alone where that was asked for and
// the form tells one from a list of one.
func (v view[R]) write(streams term.Streams, s shared) error {
	if s.PickFirst && len(v.records) > 0 && (s.Output == form.JSON || s.Output == form.YAML) {
		return form.WriteData(streams, s.Output, v.records[0])
	}
	return form.View[R]{Columns: v.columns, Cells: v.cells, Records: v.records}.Write(streams, s.Output)
}
