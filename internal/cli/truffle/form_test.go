package truffle

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// record stands for what a command answers with: an offer and more.
type record struct {
	part
	Zones  []string `json:"zones,omitempty"`
	Note   string   `json:"note"`
	Price  *float64 `json:"price"`
	Nested struct {
		N int `json:"n"`
	} `json:"nested"`
	secret string
}

type part struct {
	Name string `json:"name"`
}

// printed shows records in a form.
func printed(t *testing.T, f form.Form, pickFirst bool, records ...record) string {
	t.Helper()
	var b strings.Builder
	v := view[record]{records: records, cells: make([][]string, len(records))}
	if err := show(Factory{Streams: term.Plain(&b, &b)}, shared{Output: f, PickFirst: pickFirst}, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func someRecords() []record {
	price := 0.1008
	a := record{part: part{"a"}, Zones: []string{"us-east-1a", "us-east-1b"}, Note: "=1+2", Price: &price, secret: "x"}
	a.Nested.N = 3
	return []record{a, {part: part{"-b"}, Note: "one, \"two\"\nthree: 4"}}
}

func TestCSVHasAColumnForEachFieldAndNoFormula(t *testing.T) {
	lines, err := csv.NewReader(strings.NewReader(printed(t, form.CSV, false, someRecords()...))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"name", "zones", "note", "price", "nested"},
		{"a", "us-east-1a us-east-1b", "'=1+2", "0.1008", `{"n":3}`},
		{"'-b", "", "one, \"two\"\nthree: 4", "", `{"n":0}`},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	// The columns are the same where no record has a zone or a price.
	if out := printed(t, form.CSV, false, record{}); !strings.HasPrefix(out, "name,zones,note,price,nested\n") {
		t.Error(out)
	}
}

func TestYAMLSaysWhatJSONSays(t *testing.T) {
	for _, pickFirst := range []bool{false, true} {
		var fromJSON, fromYAML any
		if err := json.Unmarshal([]byte(printed(t, form.JSON, pickFirst, someRecords()...)), &fromJSON); err != nil {
			t.Fatal(err)
		}
		text := printed(t, form.YAML, pickFirst, someRecords()...)
		asJSON, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(asJSON, &fromYAML); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
		if !pickFirst && !strings.Contains(text, "price: null") {
			t.Errorf("what is not known is not null: %s", text)
		}
		if strings.Index(text, "name:") > strings.Index(text, "note:") {
			t.Errorf("the order of the fields is lost: %s", text)
		}
	}
}

func TestWideShowsWhatATableLeavesOut(t *testing.T) {
	var b strings.Builder
	v := view[record]{
		columns: []form.Column{{Column: term.Column{Title: "A"}}, {Column: term.Column{Title: "B"}, Wide: true}, {Column: term.Column{Title: "C"}}},
		cells:   [][]string{{"a1", "b1", "c1"}}, records: make([]record, 1),
	}
	for f, want := range map[form.Form]string{form.Table: "A   C\na1  c1\n", form.Wide: "A   B   C\na1  b1  c1\n"} {
		b.Reset()
		if err := show(Factory{Streams: term.Plain(&b, &b)}, shared{Output: f}, v); err != nil || b.String() != want {
			t.Errorf("%s: %q %v", f, b.String(), err)
		}
	}
}

func TestOrdersAreEachCommandsOwn(t *testing.T) {
	newCommand := func(s *shared, orders ...string) func(...string) error {
		cmd := newVersion(Factory{})
		s.flags(cmd, orders...)
		return func(args ...string) error {
			if err := cmd.ParseFlags(args); err != nil {
				return err
			}
			return s.check(Factory{Streams: term.Streams{}}, cmd)
		}
	}
	var s shared
	if err := newCommand(&s, "name", "price")(); err != nil || s.SortBy != "name" {
		t.Errorf("%q %v", s.SortBy, err)
	}
	if err := newCommand(&s, "name", "price")("--sort-by", "price"); err != nil || s.SortBy != "price" {
		t.Errorf("%q %v", s.SortBy, err)
	}
	err := newCommand(&s, "name", "price")("--sort-by", "age")
	if problem.KindOf(err) != problem.Usage || !strings.Contains(problem.NextOf(err), "name or price") {
		t.Errorf("%v; next: %s", err, problem.NextOf(err))
	}
	if err := newCommand(&s)("--sort-by", "name"); err == nil {
		t.Error("a command without orders takes one")
	}
}
