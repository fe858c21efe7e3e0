package form

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// writeCSV writes records under a header: a column for each field of the JSON
// form, whether or not a record has it, so that the columns do not depend on
// what was found. A list's elements are separated by spaces, what is null or
// missing is empty.
func writeCSV[R any](w io.Writer, records []R) error {
	columns := jsonFields(reflect.TypeFor[R]())
	out := csv.NewWriter(w)
	lines := [][]string{columns}
	for _, r := range records {
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		fields := map[string]any{}
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.UseNumber() // as the JSON form writes it
		if err := dec.Decode(&fields); err != nil {
			return fmt.Errorf("print as csv: %w", err)
		}
		line := make([]string, len(columns))
		for i, name := range columns {
			line[i] = csvCell(fields[name])
		}
		lines = append(lines, line)
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// jsonFields are the names of a struct's fields in JSON, in order; those of an
// embedded struct are the struct's own.
func jsonFields(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			names = append(names, jsonFields(field.Type)...)
		case !field.IsExported() || name == "-":
		case name == "":
			names = append(names, field.Name)
		default:
			names = append(names, name)
		}
	}
	return names
}

// csvCell writes a value of JSON into a cell.
func csvCell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return inert(v)
	case []any:
		cells := make([]string, len(v))
		for i, element := range v {
			cells[i] = csvCell(element)
		}
		return strings.Join(cells, " ")
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return "" // what was just read from JSON can be written as JSON
		}
		return string(text)
	default:
		return fmt.Sprint(v)
	}
}

// inert keeps a spreadsheet from taking text for a formula, by the apostrophe
// that spreadsheets read as "this is text".
// https://owasp.org/www-community/attacks/CSV_Injection
func inert(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
