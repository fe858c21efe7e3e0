package lifecycle

import (
	"fmt"
	"time"
)

// Deadline is the moment at which an instance ends, to the second, in UTC.
// The zero Deadline means that none is known. It is never a reason to live
// for ever: see Policy.Merge and ChooseLifetime.
type Deadline struct{ at time.Time }

// DeadlineAt returns the deadline at t, whole seconds, never later than t: what
// lies beyond the year 9999, which RFC 3339 cannot write, is its last second.
func DeadlineAt(t time.Time) Deadline {
	t = t.UTC().Truncate(time.Second)
	if t.Year() > 9999 {
		t = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	}
	return Deadline{at: t}
}

// ParseDeadline reads the form that String writes: RFC 3339. Any zone is
// understood; years outside 1970 to 9999 are refused.
func ParseDeadline(s string) (Deadline, error) {
	t, err := parseMoment(s)
	if err != nil {
		return Deadline{}, err
	}
	return DeadlineAt(t), nil
}

// parseMoment reads a moment in RFC 3339 to whole seconds in UTC. Years outside
// 1970 to 9999 are refused: they come from garbage, and no zone may turn one
// into a year that RFC 3339 cannot write.
func parseMoment(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time such as 2026-11-23T18:00:00Z", s)
	}
	if t.Unix() <= 0 || t.UTC().Year() > 9999 {
		return time.Time{}, fmt.Errorf("%q is out of range", s)
	}
	return t.UTC().Truncate(time.Second), nil
}

// String is RFC 3339 in UTC, or "" for the zero Deadline.
func (d Deadline) String() string {
	if d.IsZero() {
		return ""
	}
	return d.at.Format(time.RFC3339)
}

// IsZero tells that no deadline is known.
func (d Deadline) IsZero() bool { return d.at.IsZero() }

// Time is the moment itself.
func (d Deadline) Time() time.Time { return d.at }

// Left is the time until the deadline, negative once it has passed.
func (d Deadline) Left(now time.Time) time.Duration { return d.at.Sub(now) }

// Passed tells whether the instance should have ended by now.
func (d Deadline) Passed(now time.Time) bool { return !now.Before(d.at) }

// Later tells whether d is after other. No deadline is ever later than one
// that is known, and none is not later than none.
func (d Deadline) Later(other Deadline) bool {
	return !d.IsZero() && d.at.After(other.at)
}

// MarshalText writes what String does.
func (d Deadline) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty is the zero Deadline.
func (d *Deadline) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Deadline{}
		return nil
	}
	var err error
	*d, err = ParseDeadline(string(b))
	return err
}
