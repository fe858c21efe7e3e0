package form

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/term"
)

// writeYAML writes what the JSON form says, with the same keys in the same
// order; what is not known is null here as there. It is written here because
// only writing is needed, of what JSON can say: a library that also reads adds
// 0.7 MB to each program. One reads the result in the tests.
//
// https://yaml.org/spec/1.2.2/
func writeYAML(streams term.Streams, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	var b strings.Builder
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // as the JSON form writes it
	if err := yamlValue(&b, dec, ""); err != nil {
		return fmt.Errorf("print as yaml: %w", err)
	}
	if _, err := fmt.Fprintln(streams.Out, strings.TrimPrefix(strings.TrimPrefix(b.String(), "\n"), " ")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// yamlValue writes the next value: a scalar behind a space, what is nested on
// lines of its own, each after a line break and the indent.
func yamlValue(b *strings.Builder, dec *json.Decoder, indent string) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return yamlEntries(b, dec, "{}", func() error {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "\n%s%s:", indent, yamlString(fmt.Sprint(key)))
			return yamlValue(b, dec, indent+"  ")
		})
	case json.Delim('['):
		return yamlEntries(b, dec, "[]", func() error {
			var element strings.Builder
			if err := yamlValue(&element, dec, indent+"  "); err != nil {
				return err
			}
			// The first line of what is nested stands behind the dash.
			fmt.Fprintf(b, "\n%s- %s", indent, strings.TrimLeft(element.String(), "\n "))
			return nil
		})
	case nil:
		b.WriteString(" null")
		return nil
	}
	if text, is := token.(string); is {
		token = yamlString(text)
	}
	fmt.Fprintf(b, " %v", token)
	return nil
}

// yamlEntries writes what stands between two brackets, or what says that
// nothing does.
func yamlEntries(b *strings.Builder, dec *json.Decoder, empty string, entry func() error) error {
	if !dec.More() {
		b.WriteString(" " + empty)
	}
	for dec.More() {
		if err := entry(); err != nil {
			return err
		}
	}
	_, err := dec.Token() // the closing bracket
	return err
}

// plain are texts that no reader of YAML takes for anything else.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*$`)

// yamlString writes a text; the quoted one of JSON is one of YAML, too. Words
// that YAML, in one of its versions, has a meaning for are quoted.
func yamlString(text string) string {
	words := []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
	if plain.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""` // a string can always be written
	}
	return string(quoted)
}
