package offer

import (
	"encoding/json"
	"fmt"
	"io"
)

// Write writes offers as an array, for people to read and programs to take.
// The schema version is set on each. No offers is an empty array.
func Write(w io.Writer, offers []Offer) error {
	stated := make([]Offer, 0, len(offers))
	for _, o := range offers {
		o.Schema = Schema
		stated = append(stated, o)
	}
	return encode(w, stated, "  ")
}

// WriteOne writes one offer as an object.
func WriteOne(w io.Writer, o Offer) error {
	o.Schema = Schema
	return encode(w, o, "  ")
}

// WriteLines writes one object a line (NDJSON).
func WriteLines(w io.Writer, offers []Offer) error {
	for _, o := range offers {
		o.Schema = Schema
		if err := encode(w, o, ""); err != nil {
			return err
		}
	}
	return nil
}

func encode(w io.Writer, value any, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("write offers: %w", err)
	}
	return nil
}
