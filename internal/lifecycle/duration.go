package lifecycle

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Units of a duration as people write it, longest first. A day is always 24
// hours and a week seven days: these are lengths of time, not calendar dates.
var durationUnits = []struct {
	symbol byte
	length time.Duration
}{
	{'w', 7 * 24 * time.Hour},
	{'d', 24 * time.Hour},
	{'h', time.Hour},
	{'m', time.Minute},
	{'s', time.Second},
}

// durationHint says what ParseDuration accepts.
const durationHint = "write it like 90s, 45m, 8h, 1d, 2d12h or 1w"

// DurationError is a duration that cannot be understood.
type DurationError struct {
	Input  string // what was given
	Reason string // why it was refused
}

func (e *DurationError) Error() string {
	return fmt.Sprintf("%q is not a duration: %s; %s", e.Input, e.Reason, durationHint)
}

// ParseDuration reads a length of time such as 90s, 45m, 8h, 1d, 2d12h or 1w.
//
// It is strict, because a misread duration is money or work lost: whole
// numbers with a unit each, longer units before shorter ones, no unit twice,
// no sign, no space, nothing empty, zero or too long for a time.Duration. The
// error is a *DurationError.
func ParseDuration(s string) (time.Duration, error) {
	refuse := func(reason string) (time.Duration, error) {
		return 0, &DurationError{Input: s, Reason: reason}
	}
	if s == "" {
		return refuse("it is empty")
	}
	var total time.Duration
	next := 0 // the longest unit that may still follow
	for rest := s; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 {
			return refuse("a number is expected at " + strconv.Quote(rest))
		}
		if digits == len(rest) {
			return refuse("the unit is missing after " + rest)
		}
		unit := unitIndex(rest[digits])
		switch {
		case unit < 0 || !endsUnit(rest[digits+1:]):
			return refuse("the unit of " + strconv.Quote(rest) + " is unknown")
		case unit < next:
			return refuse("units go from long to short, each once")
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		length := durationUnits[unit].length
		if err != nil || n > int64((math.MaxInt64-total)/length) {
			return refuse("it is too long")
		}
		total += time.Duration(n) * length
		next, rest = unit+1, rest[digits+1:]
	}
	if total == 0 {
		return refuse("it must be longer than zero")
	}
	return total, nil
}

func unitIndex(symbol byte) int {
	for i, u := range durationUnits {
		if u.symbol == symbol {
			return i
		}
	}
	return -1
}

// endsUnit tells whether a unit's symbol is complete where rest begins: the
// end, or the next number. "5ms" has no such place.
func endsUnit(rest string) bool {
	return rest == "" || rest[0] >= '0' && rest[0] <= '9'
}

// FormatDuration writes d so that ParseDuration reads it back, in the fewest
// units: 8h, 1d, 2d12h. What is shorter than a second is dropped; what is not
// longer than zero is "0s", which ParseDuration refuses.
func FormatDuration(d time.Duration) string {
	d = d.Truncate(time.Second)
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range durationUnits {
		if u.symbol == 'w' && d%u.length != 0 {
			continue // 8d reads better than 1w1d
		}
		if n := d / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.symbol)
			d -= n * u.length
		}
	}
	return b.String()
}
