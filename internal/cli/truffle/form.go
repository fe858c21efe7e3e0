package truffle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// form is the form of an answer.
type form string

// The forms.
const (
	formTable  form = "table"
	formWide   form = "wide" // a table with all columns
	formJSON   form = "json"
	formNDJSON form = "ndjson"
	formYAML   form = "yaml"
	formCSV    form = "csv"
)

// forms are all of them, as people are told of them.
func forms() []form {
	return []form{formTable, formWide, formJSON, formNDJSON, formYAML, formCSV}
}

// forEyes tells that the answer is read by a person, who also wants to know
// where its numbers come from.
func (f form) forEyes() bool { return f == formTable || f == formWide }

// parseForm reads --output. Without it, eyes get a table and a pipe gets JSON.
func parseForm(text string, terminal bool) (form, error) {
	switch o := form(text); {
	case o == "" && terminal:
		return formTable, nil
	case o == "":
		return formJSON, nil
	case slices.Contains(forms(), o):
		return o, nil
	default:
		return "", problem.New(problem.Usage, "there is no output %q", text).WithNext("use --output %s", alternatives(forms()))
	}
}

// alternatives writes a list of which one is to be chosen: a, b or c.
func alternatives[S ~string](list []S) string {
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
	if left > 0 && s.Output.forEyes() {
		v.notes = append([]string{fmt.Sprintf("%d more not shown", left)}, v.notes...)
	}
	for _, note := range v.notes {
		term.Note(f.Streams, "%s", note)
	}
	return nil
}

func (v view[R]) write(streams term.Streams, s shared) error {
	switch s.Output {
	case formTable:
		return v.table(streams, func(c column) bool { return !c.wide })
	case formWide:
		return v.table(streams, func(column) bool { return true })
	case formNDJSON:
		enc := json.NewEncoder(streams.Out)
		enc.SetEscapeHTML(false)
		for _, r := range v.records {
			if err := enc.Encode(r); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		return nil
	case formCSV:
		return writeCSV(streams.Out, v.records)
	}
	var answer any = v.records
	if s.PickFirst && len(v.records) > 0 {
		answer = v.records[0]
	}
	if s.Output == formYAML {
		return writeYAML(streams, answer)
	}
	return term.JSON(streams, answer)
}

// table writes the columns that are wanted.
func (v view[R]) table(streams term.Streams, wanted func(column) bool) error {
	var shown []int
	var columns []term.Column
	for i, c := range v.columns {
		if wanted(c) {
			shown, columns = append(shown, i), append(columns, c.Column)
		}
	}
	rows := make([][]string, len(v.cells))
	for i, cells := range v.cells {
		for _, n := range shown {
			rows[i] = append(rows[i], cells[n])
		}
	}
	return term.Table(streams, columns, rows)
}

// writeYAML writes what the JSON form says, with the same keys in the same
// order; what is not known is null here as there.
func writeYAML(streams term.Streams, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if text, err = yaml.JSONToYAML(text); err != nil {
		return fmt.Errorf("print as yaml: %w", err)
	}
	if _, err := streams.Out.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
