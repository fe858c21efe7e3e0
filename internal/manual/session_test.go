package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestASessionIsDrawnAsItEnds(t *testing.T) {
	var svg bytes.Buffer
	said := "$ spawn <x>\r\n  boot  \x1b[2mwaits\x1b[m for long\x1b[K\r\n\x1b[1A  boot  \x1b[1;32mok\x1b[m\x1b[K\r\nend\r\n"
	if err := drawSession(strings.NewReader(said), &svg); err != nil {
		t.Fatal(err)
	}
	want := []string{"$ spawn <x>", "  boot  ok", "end"}
	if got := linesOf(t, svg.Bytes()); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", got, want)
	}
	if !strings.Contains(svg.String(), `font-weight="bold" fill="#7ee787">ok<`) {
		t.Errorf("it has lost its colour: %s", &svg)
	}
	for _, strange := range []string{"\x1b[2J", "\x1b]0;title\x07", "\x1b[38;5;1m", "\a", "\x1b["} {
		if err := drawSession(strings.NewReader(strange), io.Discard); err == nil {
			t.Errorf("%q was drawn, and is not understood", strange)
		}
	}
}

// TestTheSessionInTheDocuments shows commands that there are, and nothing of the
// machine that it was recorded on.
func TestTheSessionInTheDocuments(t *testing.T) {
	t.Setenv("SPAWN_LOCAL", "")
	svg, err := os.ReadFile("../../docs/session.svg")
	if err != nil {
		t.Fatal(err)
	}
	if len(svg) > 100<<10 {
		t.Errorf("docs/session.svg has %d bytes", len(svg))
	}
	lines := linesOf(t, svg)
	shown := 0
	for _, line := range lines {
		command, is := strings.CutPrefix(line, "$ ")
		if !is {
			continue
		}
		found, err := commandsIn(command)
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
		for _, words := range found {
			shown++
			if err := understood(words); err != nil {
				t.Errorf("%s: %v", command, err)
			}
		}
	}
	if shown < 5 {
		t.Errorf("it shows %d commands", shown)
	}
	if found := regexp.MustCompile(`(/home|/tmp|/root|/Users|/var)\b.*`).FindString(strings.Join(lines, "\n")); found != "" {
		t.Errorf("it shows a path of the machine that it was recorded on: %s", found)
	}
}

// linesOf are the lines of a picture.
func linesOf(t *testing.T, svg []byte) (lines []string) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	var line strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "text" {
				line.Reset()
			}
		case xml.CharData:
			line.Write(token)
		case xml.EndElement:
			if token.Name.Local == "text" {
				lines = append(lines, line.String())
			}
		}
	}
}
