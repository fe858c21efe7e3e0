package term

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
)

// Unknown is what is shown for what is not known.
const Unknown = "unknown"

// Span is a length of time as a person would say it: two units at the most,
// and seconds only below ten minutes.
func Span(d time.Duration) string {
	if d < 0 {
		return "-" + Span(-d)
	}
	switch {
	case d < time.Second:
		return "0s"
	case d < 10*time.Minute:
		d = d.Round(time.Second)
	case d < 2*24*time.Hour:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Hour)
	}
	return lifecycle.FormatDuration(d)
}

// Took is how long something took, to a tenth of a second.
func Took(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// Moment is a time in the user's zone, with the day when it is not today's.
func Moment(t, now time.Time) string {
	if t.IsZero() {
		return Unknown
	}
	t, now = t.Local(), now.Local()
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05 MST")
	}
	return t.Format("Mon 2 Jan 15:04 MST")
}

// Stamp is when something was found out, in the user's zone: a whole date, to be
// compared with others.
func Stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// Or is s, or "unknown" when s is empty.
func Or(s string) string {
	if s == "" {
		return Unknown
	}
	return s
}

// Count is a number of things; none is not a number that anybody has.
func Count(n int) string {
	if n == 0 {
		return Unknown
	}
	return strconv.Itoa(n)
}

// Memory is an amount of memory in GiB, as instance types are sold.
func Memory(mib int) string {
	if mib == 0 {
		return Unknown
	}
	return GiB(mib) + " GiB"
}

// GiB is an amount of memory under a title that has the unit.
func GiB(mib int) string {
	if mib == 0 {
		return Unknown
	}
	return strconv.FormatFloat(math.Round(float64(mib)/102.4)/10, 'f', -1, 64)
}

// PerHour is what running costs in a market. Provenance belongs beside it.
func PerHour(p price.Price, m lifecycle.Market) string {
	switch {
	case !p.Known() && m == lifecycle.Spot:
		return "Spot price " + Unknown
	case !p.Known():
		return "price " + Unknown
	case m == lifecycle.OnDemand:
		return fmt.Sprintf("%s an hour on demand", p.Dollars())
	case m == lifecycle.Spot:
		return fmt.Sprintf("%s an hour as Spot", p.Dollars())
	default:
		return fmt.Sprintf("%s an hour", p.Dollars())
	}
}

// Provenance is where a price comes from and when it held.
func Provenance(p price.Price) string {
	if p.Source == "" {
		return Unknown
	}
	asOf := p.AsOf
	if t, err := time.Parse(time.RFC3339, asOf); err == nil { // else it is a day
		asOf = Stamp(t)
	}
	return p.Source + ", " + asOf
}
