package lifecycle_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// moments draws whole seconds from 1970 to 9999, the years that a tag can hold.
func moments() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(1, 253402300799), func(n int64) time.Time { return time.Unix(n, 0).UTC() })
}

func deadlines() *rapid.Generator[lifecycle.Deadline] {
	return rapid.Map(moments(), lifecycle.DeadlineAt)
}

func TestADeadlineIsNeverLaterThanAsked(t *testing.T) {
	when := at(t, "2026-11-23T18:00:00.999+02:00")
	d := lifecycle.DeadlineAt(when)
	if got, want := d.String(), "2026-11-23T16:00:00Z"; got != want {
		t.Errorf("%v is written %s, want %s", when, got, want)
	}
	if d.Time().After(when) {
		t.Errorf("%v became the later %v", when, d.Time())
	}
}

func TestADeadlineCanAlwaysBeWritten(t *testing.T) {
	d := lifecycle.DeadlineAt(at(t, "9999-12-31T23:59:59Z").Add(time.Hour))
	if read, err := lifecycle.ParseDeadline(d.String()); err != nil || read != d {
		t.Errorf("%s is read as %s, %v", d, read, err)
	}
}

func TestParseDeadline(t *testing.T) {
	for input, want := range map[string]string{
		"2026-11-23T18:00:00Z":           "2026-11-23T18:00:00Z",
		"2026-11-23T18:00:00+02:00":      "2026-11-23T16:00:00Z",
		"2026-11-23T18:00:00.5Z":         "2026-11-23T18:00:00Z",
		"1970-01-01T00:00:01Z":           "1970-01-01T00:00:01Z",
		"9999-12-31T23:59:59Z":           "9999-12-31T23:59:59Z",
		"":                               "",
		"banana":                         "",
		"never":                          "",
		"0":                              "",
		"1795456800":                     "",
		"2026-11-23":                     "",
		"2026-11-23 18:00:00Z":           "",
		"2026-11-23T18:00:00":            "",
		"2026-02-30T18:00:00Z":           "",
		"2026-11-23T18:00:00Z ":          "",
		"0001-01-01T00:00:00Z":           "",
		"1970-01-01T00:00:00Z":           "",
		"9999-12-31T23:59:59-01:00":      "",
		"12026-11-23T18:00:00Z":          "",
		"2026-11-23T18:00:00Z\x00banana": "",
	} {
		d, err := lifecycle.ParseDeadline(input)
		if d.String() != want || (err == nil) != (want != "") {
			t.Errorf("%q is read as %q, %v; want %q", input, d, err, want)
		}
		if d.IsZero() != (want == "") {
			t.Errorf("%q: IsZero is %v", input, d.IsZero())
		}
	}
}

func TestPassed(t *testing.T) {
	d := lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:00Z"))
	for now, want := range map[string]time.Duration{
		"2026-11-23T17:59:59.999Z":  time.Millisecond,
		"2026-11-23T18:00:00Z":      0,
		"2026-11-23T20:00:01+01:00": -time.Hour - time.Second,
	} {
		if got := d.Left(at(t, now)); got != want {
			t.Errorf("left at %s: %v, want %v", now, got, want)
		}
		if got := d.Passed(at(t, now)); got != (want <= 0) {
			t.Errorf("passed at %s: %v", now, got)
		}
	}
}

func TestLater(t *testing.T) {
	early := lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:00Z"))
	late := lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:01Z"))
	var none lifecycle.Deadline
	for _, tt := range []struct {
		a, b lifecycle.Deadline
		want bool
	}{
		{late, early, true},
		{early, late, false},
		{early, early, false},
		{early, none, true},
		{none, early, false},
		{none, none, false},
	} {
		if got := tt.a.Later(tt.b); got != tt.want {
			t.Errorf("%q later than %q: %v", tt.a, tt.b, got)
		}
	}
}

func TestDeadlinesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := deadlines().Draw(t, "deadline")
		read, err := lifecycle.ParseDeadline(d.String())
		if err != nil || read != d {
			t.Fatalf("%q is read as %q, %v", d, read, err)
		}
		var text lifecycle.Deadline
		b, err := d.MarshalText()
		if err != nil || text.UnmarshalText(b) != nil || text != d {
			t.Fatalf("%q as text is %q, %v", d, text, err)
		}
	})
	kept := lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:00Z"))
	if err := kept.UnmarshalText(nil); err != nil || !kept.IsZero() {
		t.Errorf("empty text is read as %q, %v", kept, err)
	}
}
