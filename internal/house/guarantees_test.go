package house_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestWhatIsGuaranteedIsTested: docs/guarantees.md names a test for each
// promise. One that was renamed or deleted would leave the promise without.
func TestWhatIsGuaranteedIsTested(t *testing.T) {
	text := contents(t, "docs/guarantees.md")
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(text, -1)
	cases := regexp.MustCompile(`"([a-z][^"|]+)"`).FindAllStringSubmatch(text, -1)
	if len(named) < 20 || len(cases) < 10 {
		t.Fatalf("docs/guarantees.md names %d tests and %d cases: this test does not read it", len(named), len(cases))
	}
	var tests strings.Builder
	walk(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			tests.WriteString(contents(t, path))
		}
	})
	all := tests.String()
	for _, name := range named {
		if !strings.Contains(all, "\nfunc "+name[1]+"(t *testing.T)") {
			t.Errorf("docs/guarantees.md names the test %s, which is not there", name[1])
		}
	}
	for _, name := range cases {
		if !strings.Contains(all, "\""+name[1]+"\":") {
			t.Errorf("docs/guarantees.md names the case %q, which is not there", name[1])
		}
	}
}
