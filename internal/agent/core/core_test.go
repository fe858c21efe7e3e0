package core

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// in is the policy of an instance that ends d after start.
func in(d time.Duration) lifecycle.Policy {
	return lifecycle.Policy{Launched: start, Deadline: lifecycle.DeadlineAt(start.Add(d))}
}

// moment is a policy as it is known at a time.
type moment struct {
	at     time.Duration
	policy lifecycle.Policy
	want   []Action
}

func TestDecide(t *testing.T) {
	for name, life := range map[string][]moment{
		"no deadline is known": {
			{0, lifecycle.Policy{}, nil},
			{100 * time.Hour, lifecycle.Policy{}, nil},
		},
		"an ordinary life": {
			{0, in(time.Hour), nil},
			{55*time.Minute - time.Second, in(time.Hour), nil},
			{55 * time.Minute, in(time.Hour), []Action{Warn}},
			{56 * time.Minute, in(time.Hour), nil},
			{58 * time.Minute, in(time.Hour), []Action{Prepare}},
			{59 * time.Minute, in(time.Hour), []Action{Warn}},
			{59*time.Minute + 59*time.Second, in(time.Hour), nil},
			{time.Hour, in(time.Hour), []Action{End}},
			{time.Hour + time.Second, in(time.Hour), nil},
		},
		"a short life is warned of at once, and once": {
			{0, in(45 * time.Second), []Action{Warn, Prepare}},
			{time.Second, in(45 * time.Second), nil},
			{45 * time.Second, in(45 * time.Second), []Action{End}},
		},
		"three minutes: at once, and a minute before": {
			{0, in(3 * time.Minute), []Action{Warn}},
			{time.Minute, in(3 * time.Minute), []Action{Prepare}},
			{2 * time.Minute, in(3 * time.Minute), []Action{Warn}},
			{3 * time.Minute, in(3 * time.Minute), []Action{End}},
		},
		"past when the agent starts": {
			{2 * time.Hour, in(time.Hour), []Action{Warn, End}},
			{3 * time.Hour, in(time.Hour), nil},
		},
		"extended far away after a warning": {
			{56 * time.Minute, in(time.Hour), []Action{Warn}},
			{57 * time.Minute, in(3 * time.Hour), []Action{CallOff}},
			{58 * time.Minute, in(3 * time.Hour), nil},
			{175 * time.Minute, in(3 * time.Hour), []Action{Warn}},
		},
		"extended before any warning": {
			{0, in(time.Hour), nil},
			{10 * time.Minute, in(3 * time.Hour), nil},
		},
		"extended by a little": {
			{59 * time.Minute, in(time.Hour), []Action{Warn, Prepare}},
			{59 * time.Minute, in(62 * time.Minute), []Action{Warn}},
			{61 * time.Minute, in(62 * time.Minute), []Action{Warn, Prepare}}, // the hooks of another end
		},
		"extended within the time of the hooks": {
			{59 * time.Minute, in(time.Hour), []Action{Warn, Prepare}},
			{59 * time.Minute, in(60*time.Minute + 30*time.Second), []Action{Warn}}, // not again
		},
		"shortened to within a warning": {
			{0, in(time.Hour), nil},
			{time.Minute, in(3 * time.Minute), []Action{Warn, Prepare}},
		},
		"shortened into the past": {
			{0, in(10 * time.Hour), nil},
			{2 * time.Hour, in(time.Hour), []Action{Warn, End}},
		},
		"a later deadline after the end was decided": {
			{time.Hour, in(time.Hour), []Action{Warn, End}},
			{time.Hour, in(2 * time.Hour), []Action{CallOff}},
			{2 * time.Hour, in(2 * time.Hour), []Action{Warn, End}},
		},
		"a policy that lost its deadline": {
			{0, in(time.Hour), nil},
			{time.Hour, lifecycle.Policy{}, []Action{Warn, End}},
		},
		"the clock jumps over everything": {
			{0, in(time.Hour), nil},
			{48 * time.Hour, in(time.Hour), []Action{Warn, End}},
		},
		"the clock jumps back": {
			{56 * time.Minute, in(time.Hour), []Action{Warn}},
			{50 * time.Minute, in(time.Hour), nil},
			{56 * time.Minute, in(time.Hour), nil},
			{60 * time.Minute, in(time.Hour), []Action{Warn, End}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s State
			for _, m := range life {
				var decisions []Decision
				s, decisions = s.Decide(Input{Now: start.Add(m.at), Elapsed: m.at, Policy: m.policy})
				if diff := cmp.Diff(m.want, actions(decisions)); diff != "" {
					t.Fatalf("at %s (-want +got):\n%s", m.at, diff)
				}
			}
		})
	}
}

func TestDecisionsExplainThemselves(t *testing.T) {
	_, decisions := State{}.Decide(Input{Now: start.Add(2 * time.Hour), Policy: in(time.Hour)})
	for _, d := range decisions {
		if d.Why == "" || d.Deadline != in(time.Hour).Deadline || d.Left != -time.Hour || !d.Now.Equal(start.Add(2*time.Hour)) {
			t.Errorf("%s was decided without its reasons: %+v", d.Action, d)
		}
	}
}

// TestADay lives through a day with a tick a second.
func TestADay(t *testing.T) {
	var s State
	var ends, warnings int
	for at := time.Duration(0); at <= 24*time.Hour+time.Minute; at += time.Second {
		var decisions []Decision
		s, decisions = s.Decide(Input{Now: start.Add(at), Elapsed: at, Policy: in(24 * time.Hour)})
		for _, d := range decisions {
			switch d.Action {
			case Warn:
				warnings++
			case End:
				ends++
				if at != 24*time.Hour {
					t.Errorf("ended at %s", at)
				}
			}
		}
	}
	if ends != 1 || warnings != 2 {
		t.Errorf("%d ends and %d warnings, want 1 and 2", ends, warnings)
	}
}

// drawTags makes up the tags of an instance: none, good ones and garbage.
func drawTags(t *rapid.T, now time.Time) lifecycle.InstanceTags {
	tags := map[string]string{}
	switch rapid.IntRange(0, 5).Draw(t, "deadline tag") {
	case 0:
		d := now.Add(time.Duration(rapid.IntRange(-900, 9000).Draw(t, "moved to")) * time.Second)
		tags[lifecycle.TagDeadline] = lifecycle.DeadlineAt(d).String()
	case 1:
		tags[lifecycle.TagDeadline] = rapid.String().Draw(t, "garbage")
	}
	switch rapid.IntRange(0, 5).Draw(t, "ttl tag") {
	case 0:
		tags[lifecycle.TagTTL] = lifecycle.FormatDuration(time.Duration(rapid.IntRange(1, 9000).Draw(t, "ttl")) * time.Second)
	case 1:
		tags[lifecycle.TagTTL] = rapid.String().Draw(t, "garbage ttl")
	}
	switch rapid.IntRange(0, 5).Draw(t, "idle tag") {
	case 0:
		tags[lifecycle.TagIdleTimeout] = lifecycle.FormatDuration(time.Duration(rapid.IntRange(1, 5000).Draw(t, "idle")) * time.Second)
	case 1:
		tags[lifecycle.TagIdleTimeout] = rapid.String().Draw(t, "garbage idle")
	}
	read, _ := lifecycle.ReadInstanceTags(tags)
	return read
}

func actions(decisions []Decision) (out []Action) {
	for _, d := range decisions {
		out = append(out, d.Action)
	}
	return out
}
