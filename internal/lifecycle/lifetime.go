package lifecycle

import "time"

// The lives that instances are given when their user does not say.
const (
	DefaultTTL     = 8 * time.Hour       // neither a TTL nor an idle timeout was given
	IdleOnlyTTL    = 7 * 24 * time.Hour  // only an idle timeout was given
	DefaultCeiling = 30 * 24 * time.Hour // "--ttl none", unless configured
)

// NoTTL is what a user writes to ask for the longest life allowed.
const NoTTL = "none"

// Lifetime is how long an instance may live, and why that long.
type Lifetime struct {
	TTL    time.Duration
	Reason LifetimeReason
}

// LifetimeReason says who chose a lifetime.
type LifetimeReason string

// The reasons for a lifetime.
const (
	Asked      LifetimeReason = "as asked"
	Configured LifetimeReason = "as configured"
	ByDefault  LifetimeReason = "the default"
	IdleOnly   LifetimeReason = "the longest an idle timeout may wait"
	Ceiling    LifetimeReason = "the ceiling"
	BlockEnds  LifetimeReason = "as long as its Capacity Block lets it"
)

// ChooseLifetime applies the rule that every instance has a deadline. ttl is
// what the user wrote: a duration, NoTTL, or "" for nothing. A ceiling that is
// not above zero was not configured and is DefaultCeiling. A ttl above the
// ceiling is refused rather than shortened unseen; the error is a
// *DurationError.
func ChooseLifetime(ttl string, idleTimeout, ceiling time.Duration) (Lifetime, error) {
	if ceiling <= 0 {
		ceiling = DefaultCeiling
	}
	switch {
	case ttl == NoTTL:
		return Lifetime{TTL: ceiling, Reason: Ceiling}, nil
	case ttl == "" && idleTimeout > 0:
		return Lifetime{TTL: min(IdleOnlyTTL, ceiling), Reason: IdleOnly}, nil
	case ttl == "":
		return Lifetime{TTL: min(DefaultTTL, ceiling), Reason: ByDefault}, nil
	}
	d, err := ParseDuration(ttl)
	if err != nil {
		return Lifetime{}, err
	}
	if d > ceiling {
		return Lifetime{}, &DurationError{Input: ttl, Reason: "it is longer than the ceiling of " + FormatDuration(ceiling)}
	}
	return Lifetime{TTL: d, Reason: Asked}, nil
}
