package form

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/term"
)

// A reader of YAML that is not ours must read what JSON says.
func TestAReaderOfYAMLReadsWhatWasMeant(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, value any) {
		var b strings.Builder
		if err := writeYAML(term.Plain(&b, &b), value); err != nil {
			t.Fatalf("%v", err)
		}
		var got, want any
		asJSON, err := yaml.YAMLToJSON([]byte(b.String()))
		if err != nil {
			t.Fatalf("%v: %q", err, b.String())
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if err := json.Unmarshal(asJSON, &got); err != nil {
			t.Fatalf("%v", err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s", diff, b.String())
		}
	}
	for _, value := range []any{
		nil, 1, "x",
		[]any{},
		map[string]any{},
		[]any{[]any{1, []any{2}}, map[string]any{"a": []any{}, "b": map[string]any{"c": nil}}},
		[]string{"", "no", "Null", "1", "1e3", "0x1", "~", "- a", "a: b", "a #b", "'", `"`, "\\", "a\nb", " a", "a ", "ü", "2026-01-01", "!x", "&x", "*x", "=1", "<b>", "%"},
	} {
		check(t, value)
	}
	word := rapid.StringMatching(`[ -~\n\tü]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		check(t, map[string]any{"list": rapid.SliceOf(word).Draw(t, "list"), "map": rapid.MapOf(word, word).Draw(t, "map")})
	})
}
