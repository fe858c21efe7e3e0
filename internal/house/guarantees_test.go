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

// TestWhatIsSaidOfSecurityIsShown: docs/security.md names a test or a file for
// what protects somebody. None of them may have gone.
func TestWhatIsSaidOfSecurityIsShown(t *testing.T) {
	text := contents(t, "docs/security.md")
	tests := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(text, -1)
	places := regexp.MustCompile("`((?:internal|scripts)/[a-z0-9_./]+)`").FindAllStringSubmatch(text, -1)
	if len(tests) < 15 || len(places) < 8 {
		t.Fatalf("docs/security.md names %d tests and %d places: this test does not read it", len(tests), len(places))
	}
	var all strings.Builder
	seen := map[string]bool{}
	walk(t, func(path string) {
		seen[path] = true
		for dir := path; strings.Contains(dir, "/"); {
			dir = dir[:strings.LastIndex(dir, "/")]
			seen[dir] = true
		}
		if strings.HasSuffix(path, "_test.go") {
			all.WriteString(contents(t, path))
		}
	})
	for _, name := range tests {
		if !strings.Contains(all.String(), "\nfunc "+name[1]+"(t *testing.T)") {
			t.Errorf("docs/security.md names the test %s, which is not there", name[1])
		}
	}
	for _, place := range places {
		if !seen[place[1]] {
			t.Errorf("docs/security.md names %s, which is not there", place[1])
		}
	}
}
