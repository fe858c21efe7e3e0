package lifecycle_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

func statuses() *rapid.Generator[lifecycle.Status] {
	return rapid.Custom(func(t *rapid.T) lifecycle.Status {
		return lifecycle.Status{
			Phase: rapid.SampledFrom([]lifecycle.Phase{
				lifecycle.PhaseReady, lifecycle.PhaseWarned, lifecycle.PhaseEnding, lifecycle.PhaseFailed,
				lifecycle.PhaseStopping, lifecycle.PhaseHibernating,
			}).Draw(t, "phase"),
			Deadline: rapid.OneOf(rapid.Just(lifecycle.Deadline{}), deadlines()).Draw(t, "deadline"),
			OSTimer:  rapid.Bool().Draw(t, "os timer"),
			Agent:    rapid.StringMatching(`v[0-9]\.[0-9]{1,3}\.[0-9]{1,3}(-[a-z0-9.]{1,20})?(\+dirty)?`).Draw(t, "agent"),
			At:       moments().Draw(t, "at"),
			Idle: rapid.SampledFrom([]lifecycle.IdleWatch{
				{},
				lifecycle.IdlePolicy{}.Watch(),
				lifecycle.IdlePolicy{Timeout: time.Hour}.Watch(),
				lifecycle.IdlePolicy{Timeout: 36 * time.Hour, CPU: 12.25, Action: lifecycle.Hibernate}.Watch(),
			}).Draw(t, "idle"),
			Next:   rapid.OneOf(rapid.Just(time.Time{}), moments()).Draw(t, "next"),
			Script: rapid.SampledFrom([]lifecycle.ScriptFate{"", lifecycle.ScriptRuns, lifecycle.ScriptUnrun, "0", "3", "255"}).Draw(t, "script"),
		}
	})
}

func TestStatusesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := statuses().Draw(t, "status")
		want.Why = strings.Join(rapid.SliceOfN(rapid.StringMatching(`[!-~é世😀]{1,10}`), 0, 5).Draw(t, "words"), " ")
		if got, err := lifecycle.ParseStatus(want.String()); err != nil || got != want {
			t.Fatalf("%q is read as %+v, %v", want, got, err)
		}
	})
}

// Whatever the reason is, the value fits a tag, is text, and says all the rest.
func TestAStatusAlwaysFitsATag(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := statuses().Draw(t, "status")
		want.Why = rapid.OneOf(
			rapid.StringN(0, 600, -1),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 600), func(b []byte) string { return string(b) }),
			rapid.Just(strings.Repeat("世😀", 300)),
		).Draw(t, "why")
		value := want.String()
		if n := utf8.RuneCountInString(value); n > 256 {
			t.Fatalf("%d characters: %q", n, value)
		}
		if !utf8.ValidString(value) || strings.ContainsAny(value, "\x00\n\r\t\uFFFD") || strings.TrimSpace(value) != value {
			t.Fatalf("not a line of text: %q", value)
		}
		got, err := lifecycle.ParseStatus(value)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Why) > 0 && strings.HasPrefix(want.Why, "世") && !strings.HasPrefix(got.Why, "世😀世") {
			t.Fatalf("a long reason was lost: %q", got.Why)
		}
		got.Why, want.Why = "", ""
		if got != want {
			t.Fatalf("%q is read as %+v", value, got)
		}
	})
}

func TestParseStatus(t *testing.T) {
	full := lifecycle.Status{
		Phase:    lifecycle.PhaseReady,
		Deadline: lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:00Z")),
		OSTimer:  true,
		Agent:    "v1.2.3",
		At:       at(t, "2026-11-23T10:00:00Z"),
		Why:      "it says why=this too",
	}
	for value, want := range map[string]lifecycle.Status{
		"phase=ready deadline=2026-11-23T18:00:00Z os-timer=armed agent=v1.2.3 at=2026-11-23T10:00:00Z why=it says why=this too": full,
		"phase=ready":                         {Phase: lifecycle.PhaseReady},
		"phase=napping mood=good":             {Phase: "napping"},
		"at=banana deadline=never phase=x":    {Phase: "x"},
		"  os-timer=perhaps   phase=warned  ": {Phase: lifecycle.PhaseWarned},
		"phase=failed why=":                   {Phase: lifecycle.PhaseFailed},
		"phase=ready idle=off":                {Phase: lifecycle.PhaseReady, Idle: lifecycle.IdleWatch{Known: true}},
		"phase=ready idle=1h/5/stop": {Phase: lifecycle.PhaseReady, Idle: lifecycle.IdleWatch{
			Known: true, Timeout: time.Hour, CPU: 5, Action: lifecycle.Stop,
		}},
		"phase=x idle=1h next=soon":  {Phase: "x"}, // acknowledges nothing
		"phase=x idle=1h/5/reboot":   {Phase: "x"},
		"phase=x idle=1h/5/stop/now": {Phase: "x"},
	} {
		if got, err := lifecycle.ParseStatus(value); err != nil || got != want {
			t.Errorf("%q is read as %+v, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "banana", "phase=", "deadline=2026-11-23T18:00:00Z", " why=phase=ready"} {
		if got, err := lifecycle.ParseStatus(value); err == nil || got != (lifecycle.Status{}) {
			t.Errorf("%q is read as %+v, %v", value, got, err)
		}
	}
}

func TestAnAgentsVersionCannotForgeAField(t *testing.T) {
	s := lifecycle.Status{Phase: lifecycle.PhaseReady, Agent: "v1 phase=failed\tos-timer=armed"}
	got, err := lifecycle.ParseStatus(s.String())
	if err != nil || got.Phase != lifecycle.PhaseReady || got.OSTimer {
		t.Errorf("%q is read as %+v, %v", s, got, err)
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add("phase=ready deadline=2026-11-23T18:00:00Z os-timer=armed agent=v1 at=2026-11-23T10:00:00Z why=because")
	f.Add("phase=\xff why= why= ")
	f.Fuzz(func(t *testing.T, value string) {
		s, err := lifecycle.ParseStatus(value)
		if err != nil && s != (lifecycle.Status{}) {
			t.Fatalf("%q is refused and yet read as %+v", value, s)
		}
		if n := utf8.RuneCountInString(s.String()); n > 256 {
			t.Fatalf("%d characters: %q", n, s)
		}
	})
}
