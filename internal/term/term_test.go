package term_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "0s",
		999 * time.Millisecond:  "0s",
		45 * time.Second:        "45s",
		8*time.Hour - 1:         "8h",
		90*time.Minute + 20e9:   "1h30m",
		-3 * time.Minute:        "-3m",
		75*time.Hour + 40*60e9:  "3d4h",
		14 * 24 * time.Hour:     "2w",
		10*time.Minute - 1:      "10m",
		2*24*time.Hour - 2*60e9: "1d23h58m",
	} {
		if got := term.Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestMomentNamesZoneAndOtherDays(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.Local)
	today, later := term.Moment(now.Add(time.Hour), now), term.Moment(now.Add(48*time.Hour), now)
	if strings.Contains(today, "Nov") || !strings.Contains(later, "25 Nov") {
		t.Errorf("today %q, later %q", today, later)
	}
	zone, _ := now.Zone()
	if !strings.Contains(today, zone) || !strings.Contains(later, zone) {
		t.Errorf("without a zone: %q, %q", today, later)
	}
	if got := term.Moment(time.Time{}, now); got != term.Unknown {
		t.Errorf("an unknown time is shown as %q", got)
	}
}

func TestUnknownPriceIsNoNumber(t *testing.T) {
	if got := term.PerHour(price.Price{}, lifecycle.OnDemand); strings.ContainsAny(got, "0123456789$") || !strings.Contains(got, term.Unknown) {
		t.Errorf("%q", got)
	}
}

func TestFailureShowsCauseThenNextStep(t *testing.T) {
	var b bytes.Buffer
	term.Failure(term.Plain(io.Discard, &b), "spawn", problem.New(problem.Usage, "no luck").WithNext("try again"))
	if lines := strings.Split(strings.TrimSpace(b.String()), "\n"); len(lines) != 2 || !strings.HasSuffix(lines[0], "no luck") || !strings.HasSuffix(lines[1], "try again") {
		t.Errorf("%q", b.String())
	}
}

func TestConfirmNeedsSomebodyWhoCanAnswer(t *testing.T) {
	s := term.Plain(io.Discard, io.Discard)
	s.In = strings.NewReader("y\n")
	if err := term.Confirm(s, "sure?"); problem.KindOf(err) != problem.Usage {
		t.Errorf("a pipe said yes: %v", err)
	}
	for answer, want := range map[string]problem.Kind{"y\n": 0, "YES\n": 0, "\n": problem.Interrupted, "n\n": problem.Interrupted, "": problem.Interrupted, "yikes\n": problem.Interrupted} {
		s.In, s.InTTY, s.ErrTTY = strings.NewReader(answer), true, true
		err := term.Confirm(s, "sure?")
		if (err == nil) != (want == 0) || err != nil && problem.KindOf(err) != want {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestTableIsCutOnlyOnATerminal(t *testing.T) {
	columns := []term.Column{{Title: "NAME"}, {Title: "LEFT", Right: true}}
	rows := [][]string{{strings.Repeat("n", 60), "5m"}, {"ünïcödé", "1h30m"}}
	var b bytes.Buffer
	s := term.Plain(&b, io.Discard)
	if err := term.Table(s, columns, rows); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n"); len(lines) != 3 || !strings.HasSuffix(lines[1], "   5m") || !strings.HasSuffix(lines[2], "1h30m") {
		t.Errorf("%s", b.String())
	}
	b.Reset()
	s.OutTTY, s.Columns = true, 30
	if err := term.Table(s, columns, rows); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 30 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestDataThatCannotBeWrittenIsAnError(t *testing.T) {
	s := term.Plain(broken{}, io.Discard)
	for name, err := range map[string]error{
		"table": term.Table(s, []term.Column{{Title: "A"}}, [][]string{{"x"}}),
		"pairs": term.Pairs(s, [][2]string{{"a", "b"}}),
	} {
		if err == nil {
			t.Error(fmt.Sprint(name, " was written to nowhere"))
		}
	}
}

// screen is a terminal that is so wide.
func screen(columns int) (term.Streams, *bytes.Buffer) {
	var seen bytes.Buffer
	s := term.Plain(&seen, &seen)
	s.OutTTY, s.ErrTTY, s.Columns = true, true, columns
	return s, &seen
}

// A narrow table has whole columns: numbers are never cut, what can be spared
// goes first, and that something is missing is seen.
func TestNarrowTable(t *testing.T) {
	columns := []term.Column{{Title: "NAME"}, {Title: "ZONE", Spare: 2}, {Title: "TYPE", Spare: 1}, {Title: "LEFT", Right: true}, {Title: "WHY", Fold: true}}
	rows := [][]string{{"box", "us-east-1a", "m7i.large", "1h30m", "its volume has no instance any more"}}
	for width, want := range map[int]string{
		80: "NAME  ZONE        TYPE        LEFT  WHY\nbox   us-east-1a  m7i.large  1h30m  its volume has no instance any more\n",
		60: "NAME  ZONE        TYPE        LEFT  WHY\nbox   us-east-1a  m7i.large  1h30m  its volume has no\n                                    instance any more\n",
		40: "NAME  TYPE        LEFT  WHY  …\nbox   m7i.large  1h30m  its volume has\n                        no instance any\n                        more\n",
		15: "NAME   LEFT  …\nbox   1h30m\n",
	} {
		s, seen := screen(width)
		if err := term.Table(s, columns, rows); err != nil || seen.String() != want {
			t.Errorf("at %d columns, %v:\n%s", width, err, seen)
		}
	}
}

// Things that have no room beside each other stand under each other.
func TestBeside(t *testing.T) {
	columns := []term.Column{{Title: "TYPE"}, {Title: "m7i.large"}, {Title: "t3.micro"}}
	rows := [][]string{{"memory", "8 GiB", "1 GiB"}}
	s, seen := screen(20)
	if err := term.Beside(s, 1, columns, rows); err != nil || seen.String() != "TYPE    m7i.large\nmemory  8 GiB\n\nTYPE    t3.micro\nmemory  1 GiB\n" {
		t.Errorf("%v:\n%s", err, seen)
	}
	s, seen = screen(40)
	if err := term.Beside(s, 1, columns, rows); err != nil || strings.Count(seen.String(), "\n") != 2 {
		t.Errorf("%v:\n%s", err, seen)
	}
}

// Whatever is said at whatever width, no word is lost, no command is broken, and
// only what has no blank in it, or is a command, is wider than the terminal.
func TestWhatIsSaidFits(t *testing.T) {
	const next = "count from now instead: spawn extend a-rather-long-name =2h30m"
	for columns := 30; columns < 100; columns++ {
		s, seen := screen(columns)
		term.Failure(s, "spawn", errors.Join(problem.New(problem.Failed, "the deadline of a-rather-long-name is unknown: its tag is missing").WithNext(next), errors.New("and one more that cannot be read at all")))
		term.Note(s, "a stopped instance still pays for its disk; its deadline is near")
		if err := errors.Join(
			term.Tell(s, "box runs and ends at 19:58:17 UTC\n  in total until its end: ~$0.02, by the hour, as far as is known\n"),
			term.Pairs(s, [][2]string{{"agent", "ready"}, {"what the cloud does beside", "it ends the instance, should nothing else have"}, {"", "next: wait for it"}}),
		); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(seen.String(), "spawn extend a-rather-long-name =2h30m\n") {
			t.Errorf("at %d columns the command is broken:\n%s", columns, seen)
		}
		for line := range strings.Lines(seen.String()) {
			if line = strings.TrimRight(line, "\n"); ansi.StringWidth(line) > columns && !strings.Contains(line, "spawn extend") {
				t.Errorf("at %d columns:\n%s", columns, line)
			}
		}
		for _, word := range []string{"missing", "all", "near", "known", "have", "wait"} {
			if !strings.Contains(seen.String(), word) {
				t.Errorf("at %d columns nothing says %s:\n%s", columns, word, seen)
			}
		}
	}
}

func TestHelpFits(t *testing.T) {
	const text = `Launch an instance. The type comes from --instance-type or from
an offer.

Usage:
  spawn launch [flags]

Examples:
  truffle capacity --instance-types p5.48xlarge --available-only | spawn launch

Available Commands:
  cleanup     Delete what your instances have left behind in the region that is meant

Flags:
      --burstable yes or no   with burstable performance, or without it: yes or no
  -o, --output form           how to show the instance, a form: text or json
`
	s, seen := screen(0)
	if err := term.Help(s, text); err != nil || seen.String() != text {
		t.Errorf("%v:\n%s", err, seen)
	}
	for _, columns := range []int{50, 60, 75} {
		s, seen := screen(columns)
		if err := term.Help(s, text); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(seen.String()) {
			if ansi.StringWidth(strings.TrimRight(line, "\n")) > columns && !strings.Contains(line, "truffle capacity") {
				t.Errorf("at %d columns: %s", columns, line)
			}
		}
		if got, want := strings.Fields(seen.String()), strings.Fields(text); !slices.Equal(got, want) {
			t.Errorf("at %d columns the words are %q", columns, got)
		}
	}
	s, seen = screen(75)
	if err := term.Help(s, text); err != nil || !strings.Contains(seen.String(), "  -o, --output form           how to show the instance, a form: text or json\n") && !strings.Contains(seen.String(), "\n                              ") {
		t.Errorf("what is said of a flag left its column, %v:\n%s", err, seen)
	}
}
