package lifecycle_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// policies draws what a bootstrap may have written or a merge have made.
func policies() *rapid.Generator[lifecycle.Policy] {
	return rapid.Custom(func(t *rapid.T) lifecycle.Policy {
		p := lifecycle.Policy{
			Launched: rapid.OneOf(rapid.Just(time.Time{}), moments()).Draw(t, "launched"),
			Deadline: deadlines().Draw(t, "deadline"),
			TTL:      rapid.OneOf(rapid.Just(time.Duration(0)), lives()).Draw(t, "ttl"),
		}
		p.Tagged = rapid.OneOf(rapid.Just(p.Deadline), deadlines()).Draw(t, "tagged deadline")
		p.Idle = idlePolicies().Draw(t, "idle")
		if rapid.Bool().Draw(t, "busy while") {
			p.Idle.BusyWhile = lifecycle.BusyWhile{Files: []string{"/run/lock/training"}, Processes: []string{"python3", "rsync"}}
		}
		p.PreStop = rapid.SampledFrom([]string{"", "aws s3 sync /data s3://mine/", "echo \"a\" > /tmp/x\n"}).Draw(t, "pre-stop")
		return p
	})
}

// lives draws TTLs of up to a year, so that no sum leaves the years of a tag by
// more than one.
func lives() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(1, 365*24*3600), func(n int) time.Duration { return time.Duration(n) * time.Second })
}

// idlePolicies draws what tags can say of idleness.
func idlePolicies() *rapid.Generator[lifecycle.IdlePolicy] {
	return rapid.Custom(func(t *rapid.T) lifecycle.IdlePolicy {
		return lifecycle.IdlePolicy{
			Timeout: rapid.OneOf(rapid.Just(time.Duration(0)), lives()).Draw(t, "idle timeout"),
			CPU:     rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-9, 100)).Draw(t, "idle cpu"),
			Action: rapid.SampledFrom([]lifecycle.IdleAction{
				"", lifecycle.Terminate, lifecycle.Stop, lifecycle.Hibernate,
			}).Draw(t, "idle action"),
		}
	})
}

// readTags draws tags as they may be read from an instance: each there or not.
func readTags() *rapid.Generator[lifecycle.InstanceTags] {
	return rapid.Custom(func(t *rapid.T) lifecycle.InstanceTags {
		return lifecycle.InstanceTags{
			Origin:   lifecycle.Origin{Created: rapid.OneOf(rapid.Just(time.Time{}), moments()).Draw(t, "created")},
			TTL:      rapid.OneOf(rapid.Just(time.Duration(0)), lives()).Draw(t, "ttl"),
			Deadline: rapid.OneOf(rapid.Just(lifecycle.Deadline{}), deadlines()).Draw(t, "deadline"),
			Idle:     idlePolicies().Draw(t, "idle"),
		}
	})
}

func TestPoliciesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := policies().Draw(t, "policy")
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got lifecycle.Policy
		if err := json.Unmarshal(b, &got); err != nil || !got.Equal(want) {
			t.Fatalf("%s\nis read as %+v, %v\nwant %+v", b, got, err, want)
		}
	})
}

func TestAPolicyWithoutADeadlineIsNeitherReadNorWritten(t *testing.T) {
	for _, text := range []string{
		``, `null`, `{}`, `[]`, `"2026-11-23T18:00:00Z"`, `{"deadline":""}`, `{"deadline":null}`,
		`{"deadline":"banana"}`, `{"deadline":1795456800}`, `{"ttl":"8h","launched":"2026-11-23T10:00:00Z"}`,
		`{"deadline":"2026-11-23T18:00:00Z"`, `{"Deadline":"2026-11-23T18:00:00Z"}`,
	} {
		var p lifecycle.Policy
		if err := json.Unmarshal([]byte(text), &p); err == nil && text != `null` {
			t.Errorf("%s is read as %+v", text, p)
		}
		if !p.Deadline.IsZero() {
			t.Errorf("%s yields the deadline %s", text, p.Deadline)
		}
	}
	if b, err := json.Marshal(lifecycle.Policy{TTL: time.Hour}); err == nil {
		t.Errorf("written as %s", b)
	}
}

// A newer spawn may write more, and write it otherwise.
func TestAPolicyOfANewerSpawnKeepsItsDeadline(t *testing.T) {
	text := `{"schema":7,"launched":{"at":"2026"},"ttl":{"hours":8},"deadline":"2026-11-23T18:00:00Z","tagged_deadline":[1],"idle":{"x":1}}`
	var p lifecycle.Policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	d := lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:00Z"))
	if want := (lifecycle.Policy{Deadline: d, Tagged: d}); !p.Equal(want) {
		t.Errorf("read as %+v, want %+v", p, want)
	}
}

func TestMerge(t *testing.T) {
	launched := at(t, "2026-11-23T10:00:00Z")
	after := func(d time.Duration) lifecycle.Deadline { return lifecycle.DeadlineAt(launched.Add(d)) }
	start := lifecycle.Policy{Launched: launched, Deadline: after(8 * time.Hour), TTL: 8 * time.Hour}
	same := lifecycle.InstanceTags{TTL: 8 * time.Hour, Deadline: after(8 * time.Hour)}

	type poll struct {
		what string
		tags lifecycle.InstanceTags
		want lifecycle.Deadline
	}
	tests := []struct {
		name  string
		start lifecycle.Policy
		polls []poll
	}{
		{"nothing changed", start, []poll{
			{"the tags of the launch", same, after(8 * time.Hour)},
		}},
		{"the deadline is extended", start, []poll{
			{"deadline alone", lifecycle.InstanceTags{TTL: 8 * time.Hour, Deadline: after(12 * time.Hour)}, after(12 * time.Hour)},
			{"deadline and ttl", lifecycle.InstanceTags{TTL: 20 * time.Hour, Deadline: after(13 * time.Hour)}, after(13 * time.Hour)},
			{"shortened again", lifecycle.InstanceTags{TTL: 20 * time.Hour, Deadline: after(2 * time.Hour)}, after(2 * time.Hour)},
		}},
		{"the ttl is changed by hand", start, []poll{
			{"longer", lifecycle.InstanceTags{TTL: 24 * time.Hour, Deadline: after(8 * time.Hour)}, after(24 * time.Hour)},
			{"still so", lifecycle.InstanceTags{TTL: 24 * time.Hour, Deadline: after(8 * time.Hour)}, after(24 * time.Hour)},
			{"shorter", lifecycle.InstanceTags{TTL: time.Hour, Deadline: after(8 * time.Hour)}, after(time.Hour)},
			{"then extended", lifecycle.InstanceTags{TTL: time.Hour, Deadline: after(9 * time.Hour)}, after(9 * time.Hour)},
			{"then by hand", lifecycle.InstanceTags{TTL: 2 * time.Hour, Deadline: after(9 * time.Hour)}, after(2 * time.Hour)},
		}},
		{"tags are deleted", start, []poll{
			{"all", lifecycle.InstanceTags{}, after(8 * time.Hour)},
			{"the deadline", lifecycle.InstanceTags{TTL: 8 * time.Hour}, after(8 * time.Hour)},
			{"the ttl", lifecycle.InstanceTags{Deadline: after(8 * time.Hour)}, after(8 * time.Hour)},
			{"the ttl changed, the deadline deleted", lifecycle.InstanceTags{TTL: time.Hour}, after(time.Hour)},
			{"all, again", lifecycle.InstanceTags{}, after(time.Hour)},
			{"as first", same, after(8 * time.Hour)},
		}},
		{"an extension survives deletion", start, []poll{
			{"extended", lifecycle.InstanceTags{TTL: 8 * time.Hour, Deadline: after(12 * time.Hour)}, after(12 * time.Hour)},
			{"deleted", lifecycle.InstanceTags{}, after(12 * time.Hour)},
		}},
		{"a policy that never knew its ttl", lifecycle.Policy{Launched: launched, Deadline: after(8 * time.Hour)}, []poll{
			{"first sight is no change", lifecycle.InstanceTags{TTL: time.Hour, Deadline: after(8 * time.Hour)}, after(8 * time.Hour)},
			{"the second may be", lifecycle.InstanceTags{TTL: 2 * time.Hour, Deadline: after(8 * time.Hour)}, after(2 * time.Hour)},
		}},
		{"a policy that does not know its launch", lifecycle.Policy{Deadline: after(8 * time.Hour), TTL: 8 * time.Hour}, []poll{
			{"nothing to count from", lifecycle.InstanceTags{TTL: time.Hour}, after(8 * time.Hour)},
			{"until the tag is seen", lifecycle.InstanceTags{TTL: time.Hour, Origin: lifecycle.Origin{Created: launched}}, after(time.Hour)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.start
			for _, poll := range tt.polls {
				p = p.Merge(poll.tags)
				if p.Deadline != poll.want {
					t.Fatalf("%s: the deadline is %s, want %s", poll.what, p.Deadline, poll.want)
				}
			}
		})
	}
}

func TestTheRecordedLaunchTimeWinsOverTheTag(t *testing.T) {
	launched := at(t, "2026-11-23T10:00:00Z")
	p := lifecycle.Policy{Launched: launched, Deadline: lifecycle.DeadlineAt(launched.Add(8 * time.Hour)), TTL: 8 * time.Hour}
	p = p.Merge(lifecycle.InstanceTags{TTL: time.Hour, Origin: lifecycle.Origin{Created: launched.Add(1000 * time.Hour)}})
	if want := lifecycle.DeadlineAt(launched.Add(time.Hour)); p.Deadline != want {
		t.Errorf("the deadline is %s, want %s", p.Deadline, want)
	}
}

// The rules that hold for any tags in any order.
func TestMergeKeepsADeadline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies().Draw(t, "policy")
		for _, tags := range rapid.SliceOfN(readTags(), 1, 6).Draw(t, "polls") {
			before := p
			p = p.Merge(tags)
			if p.Deadline.IsZero() {
				t.Fatalf("%+v lost its deadline to %+v", before, tags)
			}
			if again := p.Merge(tags); !again.Equal(p) {
				t.Fatalf("the same tags again turned %+v into %+v", p, again)
			}
			if !tags.Deadline.IsZero() && tags.Deadline != before.Tagged && p.Deadline != tags.Deadline {
				t.Fatalf("the deadline tag says %s, the policy %s", tags.Deadline, p.Deadline)
			}
			if empty := p.Merge(lifecycle.InstanceTags{}); !empty.Equal(p) {
				t.Fatalf("no tags turned %+v into %+v", p, empty)
			}
		}
	})
}

// An agent that restarts between two polls must not forget what it has seen.
func TestMergeIsTheSameAfterARestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept := policies().Draw(t, "policy")
		reread := kept
		for _, tags := range rapid.SliceOfN(readTags(), 1, 6).Draw(t, "polls") {
			b, err := json.Marshal(reread)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &reread); err != nil {
				t.Fatal(err)
			}
			kept, reread = kept.Merge(tags), reread.Merge(tags)
			if !kept.Equal(reread) {
				t.Fatalf("running on: %+v, after a restart: %+v", kept, reread)
			}
		}
	})
}

func FuzzPolicyJSON(f *testing.F) {
	f.Add([]byte(`{"schema":1,"launched":"2026-11-23T10:00:00Z","ttl":"8h","deadline":"2026-11-23T18:00:00Z"}`))
	f.Add([]byte(`{"deadline":"2026-11-23T18:00:00Z","deadline":null}`))
	f.Add([]byte(`{"deadline":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p lifecycle.Policy
		if err := p.UnmarshalJSON(b); err != nil {
			if !p.Equal(lifecycle.Policy{}) {
				t.Fatalf("%q is refused and yet read as %+v", b, p)
			}
			return
		}
		if p.Deadline.IsZero() || p.Tagged.IsZero() || p.TTL < 0 {
			t.Fatalf("%q is read as %+v", b, p)
		}
		var again lifecycle.Policy
		if b, err := json.Marshal(p); err != nil || json.Unmarshal(b, &again) != nil || !again.Equal(p) {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
	})
}

func TestMergeFindsADeadlineWhereOnlyTheTTLIsLeft(t *testing.T) {
	created := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tags := lifecycle.InstanceTags{Origin: lifecycle.Origin{Created: created}, TTL: time.Hour}
	if got := (lifecycle.Policy{}).Merge(tags).Deadline; got != lifecycle.DeadlineAt(created.Add(time.Hour)) {
		t.Errorf("deadline %v", got)
	}
}

func TestTheIdlePolicyInTheFile(t *testing.T) {
	full := lifecycle.IdlePolicy{
		Timeout: time.Hour, CPU: 2.5, Action: lifecycle.Stop,
		BusyWhile: lifecycle.BusyWhile{Files: []string{"/run/busy"}, Processes: []string{"rsync"}},
	}
	for idle, want := range map[string]lifecycle.IdlePolicy{
		`{"timeout":"1h","cpu":2.5,"action":"stop","busy_while":{"files":["/run/busy"],"processes":["rsync"]}}`: full,
		`{"timeout":"1h"}`:            {Timeout: time.Hour},
		`{"timeout":"1h","mood":[1]}`: {Timeout: time.Hour}, // a newer spawn's
		// Half a policy might end a busy instance.
		`{"timeout":"1h","action":"reboot"}`:               {},
		`{"timeout":"1h","cpu":"5"}`:                       {},
		`{"timeout":"1h","cpu":500}`:                       {},
		`{"timeout":"1h","cpu":-1}`:                        {},
		`{"timeout":"banana","action":"stop"}`:             {},
		`{"timeout":"1h","busy_while":["/run/busy"]}`:      {},
		`{"timeout":"1h","busy_while":{"files":["busy"]}}`: {},
		`{"timeout":"1h","busy_while":{"processes":[""]}}`: {},
		`null`: {}, `[]`: {}, `"1h"`: {},
	} {
		var p lifecycle.Policy
		text := `{"deadline":"2026-11-23T18:00:00Z","idle":` + idle + `}`
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatalf("%s cost the deadline: %v", idle, err)
		}
		if !p.Idle.Equal(want) {
			t.Errorf("%s is read as %+v, want %+v", idle, p.Idle, want)
		}
	}
}

// Tags override what the file says of idleness, word by word; what vanishes
// holds on.
func TestIdleTagsOverTheFile(t *testing.T) {
	p := lifecycle.Policy{
		Deadline: lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:00Z")),
		Idle:     lifecycle.IdlePolicy{Timeout: time.Hour, Action: lifecycle.Hibernate, BusyWhile: lifecycle.BusyWhile{Files: []string{"/run/busy"}}},
		PreStop:  "true",
	}
	for _, step := range []struct {
		tags    map[string]string
		timeout time.Duration
		cpu     float64
		action  lifecycle.IdleAction
	}{
		{nil, time.Hour, 5, lifecycle.Hibernate},
		{map[string]string{lifecycle.TagIdleTimeout: "2h"}, 2 * time.Hour, 5, lifecycle.Hibernate},
		{nil, 2 * time.Hour, 5, lifecycle.Hibernate},
		{map[string]string{lifecycle.TagIdleTimeout: "banana"}, 2 * time.Hour, 5, lifecycle.Hibernate},
		{map[string]string{lifecycle.TagIdleTimeout: "1m", lifecycle.TagIdleCPU: "banana"}, 2 * time.Hour, 5, lifecycle.Hibernate},
		{map[string]string{lifecycle.TagIdleTimeout: "1m", lifecycle.TagIdleAction: "reboot"}, 2 * time.Hour, 5, lifecycle.Hibernate},
		{map[string]string{lifecycle.TagIdleCPU: "1.5", lifecycle.TagIdleAction: "stop"}, 2 * time.Hour, 1.5, lifecycle.Stop},
		{map[string]string{lifecycle.TagHibernateOnIdle: "true"}, 2 * time.Hour, 1.5, lifecycle.Hibernate},
	} {
		tags, _ := lifecycle.ReadInstanceTags(step.tags)
		p = p.Merge(tags)
		if p.Idle.Timeout != step.timeout || p.Idle.Threshold() != step.cpu || p.Idle.Does() != step.action {
			t.Errorf("after %v: %+v", step.tags, p.Idle)
		}
		if p.PreStop != "true" || len(p.Idle.BusyWhile.Files) != 1 {
			t.Errorf("after %v: the file's own words are lost: %+v", step.tags, p)
		}
	}
}
