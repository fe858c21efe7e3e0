package house_test

import (
	"go/scanner"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTheMessagesAreOurs: docs/troubleshooting.md has a heading a message. What
// stands in it as code must be in one text of the source, with something that
// varies where the heading has an ellipsis.
func TestTheMessagesAreOurs(t *testing.T) {
	var headings []string
	for _, line := range regexp.MustCompile(`(?m)^### .*$`).FindAllString(contents(t, "docs/troubleshooting.md"), -1) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1) {
			if !strings.HasPrefix(m[1], "spawn ") {
				headings = append(headings, m[1])
			}
		}
	}
	if len(headings) < 40 {
		t.Fatalf("%d messages: this test does not read docs/troubleshooting.md", len(headings))
	}
	said := texts(t)
	for _, heading := range headings {
		if !isSaid(heading, said) {
			t.Errorf("docs/troubleshooting.md has a message that nobody says: %s", heading)
		}
	}
	for _, wrong := range []string{"no AWS credential was found", "… costs … a day (…, …), more than --max-price …", "VcpuLimitReached"} {
		if isSaid(wrong, said) {
			t.Errorf("%q counts as said: this test cannot fail", wrong)
		}
	}
}

// isSaid tells whether a text says it. EC2's codes stand alone.
func isSaid(heading string, said []string) bool {
	parts := strings.Split(heading, "…")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	// An ellipsis at the end may stand for something that is added elsewhere.
	pattern := regexp.MustCompile("^(.*[^a-zA-Z]|)" + strings.TrimSuffix(strings.Join(parts, "(?s:.+?)"), "(?s:.+?)"))
	if !strings.Contains(heading, " ") {
		pattern = regexp.MustCompile("^" + parts[0] + "$")
	}
	for _, text := range said {
		if pattern.MatchString(text) {
			return true
		}
	}
	return false
}

// texts are the strings of the programs' source: not of tests, nor of the local
// cloud, which speaks as EC2.
func texts(t *testing.T) (all []string) {
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/local/") {
			return
		}
		source := []byte(contents(t, path))
		files := token.NewFileSet()
		var s scanner.Scanner
		s.Init(files.AddFile(path, files.Base(), len(source)), source, nil, 0)
		for {
			_, kind, literal := s.Scan()
			if kind == token.EOF {
				return
			}
			if kind != token.STRING {
				continue
			}
			if text, err := strconv.Unquote(literal); err == nil {
				all = append(all, text)
			}
		}
	})
	return all
}
