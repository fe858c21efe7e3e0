package truffle

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/colorprofile"
	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

func noEnv(string) string { return "" }

func TestSearchFlags(t *testing.T) {
	tests := []struct {
		args     string
		terminal bool
		patterns []string
		shared   shared
	}{
		{"t3.micro", false, []string{"t3.micro"}, shared{Output: form.JSON, SortBy: "preference"}},
		{"t3.micro", true, []string{"t3.micro"}, shared{Output: form.Table, SortBy: "preference"}},
		{
			"-o ndjson --local --pick-first --limit 3 -r eu-west-1,us-east-1 m7i.* t3.*", true,
			[]string{"m7i.*", "t3.*"},
			shared{Output: form.NDJSON, Local: true, PickFirst: true, Limit: 3, SortBy: "preference", Regions: []string{"eu-west-1", "us-east-1"}},
		},
	}
	for _, tt := range tests {
		var got searchOptions
		cmd := newSearch(Factory{Streams: term.Streams{OutTTY: tt.terminal}, Env: noEnv}, func(o searchOptions) error { got = o; return nil })
		cmd.SetArgs(strings.Fields(tt.args))
		if err := cmd.Execute(); err != nil {
			t.Errorf("%s: %v", tt.args, err)
		}
		got.Shared.output, got.Shared.orders = "", nil
		if diff := cmp.Diff(tt.shared, got.Shared, cmp.AllowUnexported(shared{})); diff != "" || !slices.Equal(got.Query.Patterns, tt.patterns) {
			t.Errorf("%s: %v %s", tt.args, got.Query.Patterns, diff)
		}
	}
}

// search runs the command against streams of the test's making.
func search(t *testing.T, s term.Streams, args ...string) (out, errs string) {
	t.Helper()
	var outBuffer, errBuffer bytes.Buffer
	s.Err = &errBuffer
	switch out := s.Out.(type) {
	case nil:
		s.Out = &colorprofile.Writer{Forward: &outBuffer, Profile: colorprofile.NoTTY}
	case *colorprofile.Writer:
		out.Forward = &outBuffer
	}
	root := New(Factory{Streams: s, Version: "test", Env: noEnv})
	root.SetArgs(append([]string{"search"}, args...))
	if err := root.Execute(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return outBuffer.String(), errBuffer.String()
}

func TestATableFitsItsTerminal(t *testing.T) {
	for _, width := range []int{20, 60, 80, 200} {
		out, _ := search(t, term.Streams{OutTTY: true, Columns: width}, "m7i.*", "g5.*")
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("a line of %d in a terminal of %d: %s", n, width, line)
			}
		}
		if n := strings.Count(out, "\n"); n != 1+11+8 {
			t.Errorf("%d lines at width %d", n, width)
		}
	}
	out, _ := search(t, term.Streams{}, "m7i.large", "-o", "table")
	if strings.Contains(out, "…") || !strings.Contains(out, "Gigabit") {
		t.Errorf("a table in a file is cut off: %s", out)
	}
}

func TestNumbersAreAlignedToTheRight(t *testing.T) {
	out, _ := search(t, term.Streams{OutTTY: true}, "t3.nano", "m7i.48xlarge")
	lines := strings.Split(out, "\n")
	end := strings.Index(lines[0], "VCPU") + len("VCPU")
	if !strings.HasSuffix(lines[1][:end], " 2") || !strings.HasSuffix(lines[2][:end], "192") {
		t.Error(out)
	}
}

func TestColourOnlyWhereItIsWanted(t *testing.T) {
	if out, _ := search(t, term.Streams{OutTTY: true, Out: &colorprofile.Writer{Profile: colorprofile.ANSI}}, "t3.nano"); !strings.HasPrefix(out, "\x1b[1m") || strings.Count(out, "\x1b") != 2 {
		t.Errorf("%q", out)
	}
	if out, errs := search(t, term.Streams{OutTTY: true}, "t3.nano"); strings.Contains(out+errs, "\x1b") {
		t.Errorf("%q", out)
	}
}

func TestEstimatesAndUnknownsAreMarked(t *testing.T) {
	out, errs := search(t, term.Streams{OutTTY: true}, "m8a.large", "-r", "eu-west-1")
	if !strings.Contains(out, "~0.") || !strings.Contains(out, "unknown") || !strings.Contains(errs, "estimated") {
		t.Errorf("%s%s", out, errs)
	}
	// What is listed is not marked; a Spot price of the catalog is an average.
	out, errs = search(t, term.Streams{OutTTY: true}, "m7i.large")
	if strings.Contains(out, "~0.1008") || !strings.Contains(out, "~0.0312") || strings.Contains(out, "unknown") || !strings.Contains(errs, "average") {
		t.Errorf("%s%s", out, errs)
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestAnAnswerThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, output := range []string{"table", "json", "ndjson"} {
		root := New(Factory{Streams: term.Streams{Out: broken{}, Err: broken{}}, Env: noEnv})
		root.SetArgs([]string{"search", "t3.nano", "-o", output})
		if err := root.Execute(); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", output, err)
		}
	}
	root := New(Factory{Streams: term.Streams{Out: broken{}, Err: broken{}}, Env: noEnv})
	root.SetArgs([]string{"version"})
	if err := root.Execute(); !errors.Is(err, errBroken) {
		t.Errorf("version: %v", err)
	}
}

func TestReport(t *testing.T) {
	var b bytes.Buffer
	if code := Report(term.Plain(io.Discard, &b), problem.New(problem.NotFound, "no %s", "luck").WithNext("try again")); code != 3 || b.String() != "truffle: no luck\n  next: try again\n" {
		t.Errorf("%d %q", code, b.String())
	}
	b.Reset()
	if code := Report(term.Plain(io.Discard, &b), errBroken); code != 1 || b.String() != "truffle: broken\n" {
		t.Errorf("%d %q", code, b.String())
	}
	b.Reset()
	if code := Report(term.Plain(io.Discard, &b), nil); code != 0 || b.Len() != 0 {
		t.Errorf("%d %q", code, b.String())
	}
}
