// Package form shows an answer in the form that its reader wants: a table for
// eyes, data for programs. Every form has the same records in the same order.
package form

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Form is the form of an answer.
type Form string

// The forms.
const (
	Table  Form = "table"
	Wide   Form = "wide" // a table with all columns
	JSON   Form = "json"
	NDJSON Form = "ndjson"
	YAML   Form = "yaml"
	CSV    Form = "csv"
)

// All are all of them, as people are told of them.
func All() []Form { return []Form{Table, Wide, JSON, NDJSON, YAML, CSV} }

// ForEyes tells that the answer is read by a person, who also wants to know
// where its numbers come from.
func (f Form) ForEyes() bool { return f == Table || f == Wide }

// Parse reads --output. Without it, eyes get a table and a pipe gets unwatched.
func Parse(text string, terminal bool, unwatched Form) (Form, error) {
	switch o := Form(text); {
	case o == "" && terminal:
		return Table, nil
	case o == "":
		return unwatched, nil
	case slices.Contains(All(), o):
		return o, nil
	default:
		return "", problem.New(problem.Usage, "there is no output %q", text).WithNext("use --output %s", Alternatives(All()))
	}
}

// Alternatives writes a list of which one is to be chosen: a, b or c.
func Alternatives[S ~string](list []S) string {
	var b strings.Builder
	for i, s := range list {
		switch i {
		case 0:
		case len(list) - 1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// View is an answer in all its forms: cells for eyes, records for programs.
type View[R any] struct {
	Columns []Column
	Cells   [][]string
	Records []R
}

// Column is a column of a table; a wide one is shown only when asked for.
type Column struct {
	term.Column
	Wide bool
}

// Write writes the answer to standard output.
func (v View[R]) Write(streams term.Streams, f Form) error {
	switch f {
	case Table:
		return v.table(streams, func(c Column) bool { return !c.Wide })
	case Wide:
		return v.table(streams, func(Column) bool { return true })
	case NDJSON:
		enc := json.NewEncoder(streams.Out)
		enc.SetEscapeHTML(false)
		for _, r := range v.Records {
			if err := enc.Encode(r); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		return nil
	case CSV:
		return writeCSV(streams.Out, v.Records)
	default:
		return WriteData(streams, f, v.Records)
	}
}

// WriteData writes one value as JSON or YAML.
func WriteData(streams term.Streams, f Form, answer any) error {
	if f == YAML {
		return writeYAML(streams, answer)
	}
	return term.JSON(streams, answer)
}

// table writes the columns that are wanted.
func (v View[R]) table(streams term.Streams, wanted func(Column) bool) error {
	var shown []int
	var columns []term.Column
	for i, c := range v.Columns {
		if wanted(c) {
			shown, columns = append(shown, i), append(columns, c.Column)
		}
	}
	rows := make([][]string, len(v.Cells))
	for i, cells := range v.Cells {
		for _, n := range shown {
			rows[i] = append(rows[i], cells[n])
		}
	}
	return term.Table(streams, columns, rows)
}
