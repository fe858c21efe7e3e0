package lifecycle_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

func TestChooseLifetime(t *testing.T) {
	ceiling := lifecycle.DefaultCeiling
	tests := []struct {
		name          string
		ttl           string
		idle, ceiling time.Duration
		want          time.Duration
		reason        lifecycle.LifetimeReason
	}{
		{"nothing said", "", 0, ceiling, 8 * time.Hour, lifecycle.ByDefault},
		{"only an idle timeout", "", time.Hour, ceiling, 7 * day, lifecycle.IdleOnly},
		{"none", "none", 0, ceiling, 30 * day, lifecycle.Ceiling},
		{"none with an idle timeout", "none", time.Hour, ceiling, 30 * day, lifecycle.Ceiling},
		{"none under a configured ceiling", "none", 0, 3 * day, 3 * day, lifecycle.Ceiling},
		{"asked", "2d12h", 0, ceiling, 60 * time.Hour, lifecycle.Asked},
		{"asked with an idle timeout", "1h", 2 * time.Hour, ceiling, time.Hour, lifecycle.Asked},
		{"exactly the ceiling", "30d", 0, ceiling, 30 * day, lifecycle.Asked},
		{"the default above a low ceiling", "", 0, time.Hour, time.Hour, lifecycle.ByDefault},
		{"idle only above a low ceiling", "", time.Hour, 2 * day, 2 * day, lifecycle.IdleOnly},
		{"none with no ceiling configured", "none", 0, 0, 30 * day, lifecycle.Ceiling},
		{"nothing said with no ceiling configured", "", 0, 0, 8 * time.Hour, lifecycle.ByDefault},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := lifecycle.ChooseLifetime(tt.ttl, tt.idle, tt.ceiling)
			if want := (lifecycle.Lifetime{TTL: tt.want, Reason: tt.reason}); err != nil || got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestChooseLifetimeRefuses(t *testing.T) {
	for _, ttl := range []string{"banana", "0s", "-1h", "forever", "None", "NONE", "none ", "30d1s", "15250w"} {
		got, err := lifecycle.ChooseLifetime(ttl, time.Hour, lifecycle.DefaultCeiling)
		var refused *lifecycle.DurationError
		if !errors.As(err, &refused) || got != (lifecycle.Lifetime{}) {
			t.Errorf("%q: %+v, %v", ttl, got, err)
		}
	}
}

// Whatever is written, an instance gets a life that is longer than zero and
// not longer than the ceiling, or none at all.
func TestEveryInstanceHasADeadline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ttl := rapid.OneOf(rapid.SampledFrom([]string{"", "none", "0s"}), rapid.StringMatching(`([0-9]{1,5}[wdhms]){1,3}`), rapid.String()).Draw(t, "ttl")
		idle := rapid.OneOf(rapid.Just(time.Duration(0)), wholeSeconds()).Draw(t, "idle timeout")
		ceiling := wholeSeconds().Draw(t, "ceiling")
		got, err := lifecycle.ChooseLifetime(ttl, idle, ceiling)
		if err != nil {
			return
		}
		if got.TTL <= 0 || got.TTL > ceiling || got.Reason == "" {
			t.Fatalf("--ttl %q, idle %v, ceiling %v: %+v", ttl, idle, ceiling, got)
		}
	})
}
