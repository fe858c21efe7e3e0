package lifecycle_test

import (
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

func origins() *rapid.Generator[lifecycle.Origin] {
	return rapid.Custom(func(t *rapid.T) lifecycle.Origin {
		return lifecycle.Origin{
			Owner:   rapid.StringMatching(`(arn:aws:iam::[0-9]{12}:user/[a-z]{1,9})?`).Draw(t, "owner"),
			Launch:  rapid.StringMatching(`([a-z0-9]{1,20})?`).Draw(t, "launch"),
			Created: rapid.OneOf(rapid.Just(time.Time{}), moments()).Draw(t, "created"),
		}
	})
}

func instanceTags() *rapid.Generator[lifecycle.InstanceTags] {
	return rapid.Custom(func(t *rapid.T) lifecycle.InstanceTags {
		maybe := rapid.OneOf(rapid.Just(time.Duration(0)), wholeSeconds())
		return lifecycle.InstanceTags{
			Origin:   origins().Draw(t, "origin"),
			Name:     rapid.String().Draw(t, "name"),
			TTL:      maybe.Draw(t, "ttl"),
			Deadline: rapid.OneOf(rapid.Just(lifecycle.Deadline{}), deadlines()).Draw(t, "deadline"),
			User:     rapid.StringMatching(`([a-z_][a-z0-9_-]{0,31})?`).Draw(t, "user"),
			Idle: lifecycle.IdlePolicy{
				Timeout: maybe.Draw(t, "idle timeout"),
				CPU:     rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-9, 100)).Draw(t, "idle cpu"),
				Action: rapid.SampledFrom([]lifecycle.IdleAction{
					"", lifecycle.Terminate, lifecycle.Stop, lifecycle.Hibernate,
				}).Draw(t, "idle action"),
			},
		}
	})
}

func TestInstanceTagsRoundTrip(t *testing.T) {
	key := regexp.MustCompile(`^[a-zA-Z0-9+\-=.,_:@]+$`)
	rapid.Check(t, func(t *rapid.T) {
		want := instanceTags().Draw(t, "tags")
		tags := want.Tags()
		got, problems := lifecycle.ReadInstanceTags(tags)
		if len(problems) != 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n%s", problems, cmp.Diff(want, got, cmp.Comparer(func(a, b lifecycle.Deadline) bool { return a == b })))
		}
		if !lifecycle.Managed(tags) || lifecycle.Kept(tags) || tags[lifecycle.TagRoot] != "true" {
			t.Fatalf("the marks of an instance are missing in %v", tags)
		}
		for k, v := range tags {
			if !key.MatchString(k) {
				t.Fatalf("instance metadata refuses the key %q", k)
			}
			if v == "" {
				t.Fatalf("%s is empty", k)
			}
		}
	})
}

func TestOriginTags(t *testing.T) {
	o := lifecycle.Origin{Owner: "arn:aws:iam::123456789012:user/ada", Launch: "k3v", Created: at(t, "2026-11-23T18:00:00Z")}
	want := map[string]string{
		"spawn:managed":    "true",
		"spawn:created-by": "spawn",
		"spawn:schema":     "1",
		"spawn:owner":      "arn:aws:iam::123456789012:user/ada",
		"spawn:launch":     "k3v",
		"spawn:created":    "2026-11-23T18:00:00Z",
	}
	if diff := cmp.Diff(want, o.Tags()); diff != "" {
		t.Error(diff)
	}
	if got := lifecycle.ReadOrigin(want); got != o {
		t.Errorf("read back: %+v", got)
	}
	for _, created := range []string{"banana", "", "0001-01-01T00:00:00Z", "0000-05-05T00:00:00Z"} {
		if got := lifecycle.ReadOrigin(map[string]string{lifecycle.TagCreated: created}); !got.Created.IsZero() {
			t.Errorf("created at %q is read as %v", created, got.Created)
		}
	}
}

func TestMarksAreExact(t *testing.T) {
	for _, value := range []string{"", "false", "True", "1", " true"} {
		if lifecycle.Managed(map[string]string{lifecycle.TagManaged: value}) {
			t.Errorf("managed=%q counts as ours", value)
		}
		if lifecycle.Kept(map[string]string{lifecycle.TagKeep: value}) {
			t.Errorf("keep=%q counts as kept", value)
		}
	}
	if lifecycle.Managed(nil) {
		t.Error("no tags count as ours")
	}
}

func TestGarbageTagsAreNamedAndYieldNothing(t *testing.T) {
	zero := func(t lifecycle.InstanceTags) bool { return reflect.DeepEqual(t, lifecycle.InstanceTags{}) }
	for key, values := range map[string][]string{
		lifecycle.TagTTL:             {"", "banana", "0s", "-1h", "8", "none", "99999999w"},
		lifecycle.TagDeadline:        {"", "banana", "tomorrow", "0001-01-01T00:00:00Z", "1795456800"},
		lifecycle.TagCreated:         {"", "banana", "yesterday"},
		lifecycle.TagIdleTimeout:     {"", "banana", "0s"},
		lifecycle.TagIdleCPU:         {"", "banana", "0", "-5", "101", "NaN", "Inf", "0x10", "1e1", "5%", "+5", "1_0"},
		lifecycle.TagIdleAction:      {"", "banana", "Stop", "reboot"},
		lifecycle.TagHibernateOnIdle: {"", "banana", "True", "yes"},
		lifecycle.TagUser:            {"", "-oProxyCommand=x", "a b", "a@b", "Root", "a;b", "ü", "a\n"},
	} {
		for _, value := range values {
			got, problems := lifecycle.ReadInstanceTags(map[string]string{key: value})
			if !zero(got) {
				t.Errorf("%s=%q is read as %+v", key, value, got)
			}
			if len(problems) != 1 {
				t.Errorf("%s=%q: the problems are %v, want one", key, value, problems)
			}
		}
	}
}

func TestOneBadTagDoesNotSpoilTheOthers(t *testing.T) {
	tags := lifecycle.InstanceTags{TTL: time.Hour, Deadline: lifecycle.DeadlineAt(at(t, "2026-11-23T18:00:00Z"))}.Tags()
	tags[lifecycle.TagTTL] = "banana"
	got, problems := lifecycle.ReadInstanceTags(tags)
	if got.Deadline.String() != "2026-11-23T18:00:00Z" || got.TTL != 0 {
		t.Errorf("read as %+v", got)
	}
	var refused *lifecycle.DurationError
	if len(problems) != 1 || !errors.As(problems[0], &refused) {
		t.Errorf("the problems are %v", problems)
	}
}

func TestIdleActionWinsOverItsOlderForm(t *testing.T) {
	for want, tags := range map[lifecycle.IdleAction]map[string]string{
		lifecycle.Hibernate: {lifecycle.TagHibernateOnIdle: "true"},
		lifecycle.Stop:      {lifecycle.TagHibernateOnIdle: "true", lifecycle.TagIdleAction: "stop"},
		lifecycle.Terminate: {lifecycle.TagHibernateOnIdle: "false", lifecycle.TagIdleAction: "terminate"},
		"":                  {lifecycle.TagHibernateOnIdle: "false"},
	} {
		if got, _ := lifecycle.ReadInstanceTags(tags); got.Idle.Action != want {
			t.Errorf("%v: %q, want %q", tags, got.Idle.Action, want)
		}
	}
}

func TestSortedKeys(t *testing.T) {
	tags := lifecycle.InstanceTags{Name: "x", TTL: time.Hour}.Tags()
	keys := lifecycle.SortedKeys(tags)
	if !slices.IsSorted(keys) || len(keys) != len(tags) {
		t.Errorf("%v", keys)
	}
}

func FuzzReadInstanceTags(f *testing.F) {
	f.Add("8h", "2026-11-23T18:00:00Z", "2026-11-23T10:00:00Z", "30m", "5", "stop", "true", "demo")
	f.Add("banana", "", "\xff", "0s", "NaN", "Stop", "1", "")
	f.Add("9999999999999w", "9999-12-31T23:59:59-23:59", "0000-00-00T00:00:00Z", "-1h", "1e309", "hibernate ", "TRUE", "\x00")
	f.Fuzz(func(t *testing.T, ttl, deadline, created, idle, cpu, action, hibernate, name string) {
		tags := map[string]string{
			lifecycle.TagTTL: ttl, lifecycle.TagDeadline: deadline, lifecycle.TagCreated: created,
			lifecycle.TagIdleTimeout: idle, lifecycle.TagIdleCPU: cpu, lifecycle.TagIdleAction: action,
			lifecycle.TagHibernateOnIdle: hibernate, lifecycle.TagName: name,
		}
		before := maps.Clone(tags)
		got, problems := lifecycle.ReadInstanceTags(tags)
		if !maps.Equal(before, tags) {
			t.Fatal("reading changed the tags")
		}
		if got.TTL < 0 || got.Idle.Timeout < 0 || !(got.Idle.CPU >= 0 && got.Idle.CPU <= 100) ||
			got.Idle.Action != "" && !got.Idle.Action.Valid() {
			t.Fatalf("read as %+v", got)
		}
		// What was understood means the same when it is written and read again.
		again, more := lifecycle.ReadInstanceTags(got.Tags())
		if !reflect.DeepEqual(again, got) || len(more) != 0 {
			t.Fatalf("%+v (%v) became %+v (%v)", got, problems, again, more)
		}
		// And no tag, however bad, costs an instance its deadline.
		policy := lifecycle.Policy{Launched: time.Unix(1e9, 0), Deadline: lifecycle.DeadlineAt(time.Unix(2e9, 0)), TTL: time.Hour}
		merged := policy.Merge(got)
		if merged.Deadline.IsZero() || !merged.Merge(got).Equal(merged) {
			t.Fatalf("%+v merged is %+v", got, merged)
		}
	})
}
