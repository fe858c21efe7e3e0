package lifecycle_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const day = 24 * time.Hour

func TestParseDurationAccepts(t *testing.T) {
	for input, want := range map[string]time.Duration{
		"1s":                 time.Second,
		"90s":                90 * time.Second,
		"45m":                45 * time.Minute,
		"8h":                 8 * time.Hour,
		"1d":                 day,
		"2d12h":              60 * time.Hour,
		"1w":                 7 * day,
		"1w2d3h4m5s":         9*day + 3*time.Hour + 4*time.Minute + 5*time.Second,
		"36h":                36 * time.Hour,
		"0h5m":               5 * time.Minute,
		"007s":               7 * time.Second,
		"15250w":             15250 * 7 * day,
		"9223372036s":        9223372036 * time.Second,
		"106751d23h47m16s":   math.MaxInt64 / time.Second * time.Second,
		"00000000000000001h": time.Hour,
	} {
		got, err := lifecycle.ParseDuration(input)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", input, got, err, want)
		}
	}
}

func TestParseDurationRefuses(t *testing.T) {
	for _, input := range []string{
		"", "0", "0s", "0h0m", "8", "8h30", "h", "banana", "-1h", "+1h", "1 h", " 1h", "1h ", "1h\n",
		"1.5h", "1,5h", "1e3s", "5ms", "5us", "5ns", "1M", "1H", "1y", "1mo", "1min", "1hr",
		"1h2h", "30m1h", "1s1w", "1d1d", "٣h", "1ｈ", "1h-", "--", "none", "0x10s",
		"9223372037s", "106751d23h47m17s", "15251w", "99999999999999999999s", "15250w99999d",
	} {
		got, err := lifecycle.ParseDuration(input)
		var refused *lifecycle.DurationError
		if !errors.As(err, &refused) || got != 0 {
			t.Errorf("%q: %v, %v; want a *DurationError and nothing else", input, got, err)
			continue
		}
		if refused.Input != input || refused.Reason == "" {
			t.Errorf("%q: the refusal is about %q, because %q", input, refused.Input, refused.Reason)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s":    0,
		"1s":    1999 * time.Millisecond,
		"1m30s": 90 * time.Second,
		"8h":    8 * time.Hour,
		"1d":    day,
		"2d12h": 60 * time.Hour,
		"1w":    7*day + 500*time.Millisecond,
		"8d":    8 * day,
		"7d1s":  7*day + time.Second,
		"2w":    14 * day,
	} {
		if got := lifecycle.FormatDuration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for _, d := range []time.Duration{-1, -time.Hour, math.MinInt64, time.Second - 1} {
		if got := lifecycle.FormatDuration(d); got != "0s" {
			t.Errorf("%d ns: %q, want 0s", d, got)
		}
	}
}

// wholeSeconds draws a duration that a tag can hold.
func wholeSeconds() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Int64Range(1, math.MaxInt64/int64(time.Second)), func(n int64) time.Duration {
		return time.Duration(n) * time.Second
	})
}

func TestDurationsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := wholeSeconds().Draw(t, "duration")
		text := lifecycle.FormatDuration(d)
		if got, err := lifecycle.ParseDuration(text); err != nil || got != d {
			t.Fatalf("%d ns is written %q, which is read as %d ns, %v", d, text, got, err)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"90s", "2d12h", "1w", "banana", "", "0s", "9223372037s", "1h1h", "-1h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		d, err := lifecycle.ParseDuration(input)
		if err != nil {
			if d != 0 {
				t.Fatalf("%q is refused and yet means %v", input, d)
			}
			return
		}
		if d <= 0 || d%time.Second != 0 {
			t.Fatalf("%q means %d ns", input, d)
		}
		if again, err := lifecycle.ParseDuration(lifecycle.FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q means %v, rewritten %q it means %v, %v", input, d, lifecycle.FormatDuration(d), again, err)
		}
	})
}
