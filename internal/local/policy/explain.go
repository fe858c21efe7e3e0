package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Position is a place in a document's text; both numbers begin at 1.
type Position struct {
	Line, Column int
}

// Match is a statement that decided a request.
type Match struct {
	Document   int // which of the documents
	Start, End Position
}

// Explain decides as Evaluate does and names the statements to which the
// decision goes back: those that deny or, if none does, those that allow.
func Explain(documents []*Document, r Request) (Decision, []Match) {
	var allowing, denying []Match
	for n, d := range documents {
		for i := range d.statements {
			s := &d.statements[i]
			if !d.covers(s, r) {
				continue
			}
			m := Match{Document: n, Start: s.start, End: s.end}
			if s.Effect == "Deny" {
				denying = append(denying, m)
			} else {
				allowing = append(allowing, m)
			}
		}
	}
	switch {
	case len(denying) > 0:
		return ExplicitDeny, denying
	case len(allowing) > 0:
		return Allow, allowing
	}
	return ImplicitDeny, nil
}

// Keys are the keys that the document's conditions and policy variables ask
// for, in order and as they are written. A variable with a default value needs
// none.
func (d *Document) Keys() []string {
	var keys []string
	for i := range d.statements {
		s := &d.statements[i]
		texts := slices.Concat(s.Resource, s.NotResource)
		for _, byKey := range s.Condition {
			for key, values := range byKey {
				keys = append(keys, key)
				texts = append(texts, values...)
			}
		}
		if d.variables {
			for _, text := range texts {
				keys = append(keys, variablesIn(text)...)
			}
		}
	}
	slices.Sort(keys)
	return slices.CompactFunc(keys, strings.EqualFold)
}

// variablesIn are the names of the policy variables in a text.
func variablesIn(text string) []string {
	var names []string
	parsePattern(text, func(name string) (string, bool) {
		if !isEscape(name) && !strings.Contains(name, ",") {
			names = append(names, strings.TrimSpace(name))
		}
		return "", true
	})
	return names
}

// locate notes where each statement stands in the document's text, which was
// read before and is well formed. Statements are in order; a member named
// Statement that comes again replaces the earlier one, as it does in reading.
func locate(text []byte, all []statement) {
	d := json.NewDecoder(bytes.NewReader(text))
	next := func() json.Token {
		t, err := d.Token()
		if err != nil {
			panic("policy: a document that was read cannot be read again: " + err.Error())
		}
		return t
	}
	for next(); d.More(); {
		if name := next(); !strings.EqualFold(name.(string), "Statement") { // a member's name is a string
			skip(d)
			continue
		}
		if text[valueStart(text, d.InputOffset())] != '[' {
			all[0].start, all[0].end = skipFrom(d, text)
			continue
		}
		next()
		for i := 0; d.More(); i++ {
			start, end := skipFrom(d, text)
			if i < len(all) {
				all[i].start, all[i].end = start, end
			}
		}
		next()
	}
}

// valueStart is where the value begins that follows an offset: behind white
// space and the signs between values.
func valueStart(text []byte, offset int64) int64 {
	rest := text[offset:]
	return offset + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n:,")))
}

// skip reads a value and forgets it.
func skip(d *json.Decoder) {
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		panic("policy: a document that was read cannot be read again: " + err.Error())
	}
}

// skipFrom reads a value and tells where its first and last characters are.
func skipFrom(d *json.Decoder, text []byte) (start, end Position) {
	from := valueStart(text, d.InputOffset())
	skip(d)
	return position(text, from), position(text, d.InputOffset()-1)
}

func position(text []byte, offset int64) Position {
	before := text[:offset]
	line := bytes.LastIndexByte(before, '\n') + 1
	return Position{Line: bytes.Count(before, []byte("\n")) + 1, Column: len([]rune(string(before[line:]))) + 1}
}
