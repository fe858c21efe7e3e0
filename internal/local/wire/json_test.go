package wire_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type document struct {
	Name   string   `path:"Name"`
	Group  string   `query:"groupName"`
	Count  *int32   `query:"MaxResults"`
	Keys   []string `query:"TagKeys"`
	Text   string
	Flag   *bool
	Number *int
	At     *time.Time
	List   []struct{ Key, Value string }
	Inner  *struct{ Deep []string }
}

func TestDecodeREST(t *testing.T) {
	var got document
	err := wire.DecodeREST(map[string]string{"Name": "a/b"}, url.Values{"groupName": {"g"}, "MaxResults": {"3"}, "TagKeys": {"a", "b"}},
		[]byte(`{"Text":"t","Flag":false,"Number":7,"At":1700000000.25,"List":[{"Key":"k","Value":"v"}],"Inner":{"Deep":["x"]}}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "a/b" || got.Group != "g" || *got.Count != 3 || len(got.Keys) != 2 || got.Keys[1] != "b" || got.Text != "t" || *got.Flag || *got.Number != 7 ||
		got.List[0].Value != "v" || got.Inner.Deep[0] != "x" {
		t.Errorf("got %+v", got)
	}
	if want := time.UnixMilli(1700000000250); !got.At.Equal(want) {
		t.Errorf("the time is %s, want %s", got.At, want)
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"unknown":         `{"Colour":"red"}`,
		"another case":    `{"text":"t"}`,
		"unknown below":   `{"Inner":{"Deeper":[]}}`,
		"of the path":     `{"Name":"n"}`,
		"of the query":    `{"groupName":"g"}`,
		"number":          `{"Text":1}`,
		"fraction":        `{"Number":1.5}`,
		"too large":       `{"Number":1e99}`,
		"time in words":   `{"At":"2026-01-01T00:00:00Z"}`,
		"time beyond":     `{"At":1e300}`,
		"list":            `["Text"]`,
		"no list":         `{"List":{}}`,
		"no object below": `{"Inner":[]}`,
		"two documents":   `{}{}`,
		"half a document": `{"Text":`,
	} {
		var got document
		var bad *wire.ParameterError
		if err := wire.DecodeREST(nil, nil, []byte(text), &got); !errors.As(err, &bad) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	var got document
	var bad *wire.ParameterError
	if err := wire.DecodeREST(nil, url.Values{"groupName": {"a", "b"}}, nil, &got); !errors.As(err, &bad) || bad.Unknown {
		t.Errorf("a parameter given twice that is no list: %v", err)
	}
	if err := wire.DecodeREST(nil, url.Values{"colour": {"red"}}, nil, &got); !errors.As(err, &bad) || !bad.Unknown {
		t.Errorf("an unknown parameter of the query: %v", err)
	}
}

func TestRoutes(t *testing.T) {
	r := wire.Route{Method: "GET", Path: "/tags/{ResourceArn}"}
	for path, want := range map[string]string{"/tags/a": "a", "/tags/a%2Fb%3Ac": "a/b:c", "/tags/a/b": "", "/tags": "", "/tag/a": ""} {
		got, found := r.Match("GET", path)
		if found != (want != "") || got["ResourceArn"] != want {
			t.Errorf("%s: %v %v", path, got, found)
		}
	}
	if _, found := r.Match("PUT", "/tags/a"); found {
		t.Error("the method does not count")
	}
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"Text":"t","At":1700000000.25,"List":[{"Key":"k"}],"Inner":{"Deep":[null]}}`))
	f.Add([]byte(`{"At":-0.0,"Number":9223372036854775808,"Flag":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got document
		var bad *wire.ParameterError
		if err := wire.DecodeJSON(text, &got); err != nil && !errors.As(err, &bad) {
			t.Errorf("%q: %v is not a ParameterError", text, err)
		}
	})
}
