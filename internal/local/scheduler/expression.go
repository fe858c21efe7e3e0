package scheduler

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// timing is what a schedule expression says: one time, or an interval.
type timing struct {
	at    time.Time
	every time.Duration
}

var (
	atForm   = regexp.MustCompile(`^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$`)
	rateForm = regexp.MustCompile(`^rate\(([1-9]\d{0,8}) (minute|hour|day)s?\)$`)
)

// parseExpression reads a schedule expression: at(yyyy-mm-ddThh:mm:ss), in the
// time zone given and so without one of its own, and rate(value unit). cron is
// refused: nothing here needs it.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func parseExpression(expression, zone string) (timing, error) {
	if zone == "" {
		zone = "UTC"
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return timing{}, errValidation("Invalid Schedule Expression Timezone %s.", zone)
	}
	if strings.HasPrefix(expression, "cron(") {
		return timing{}, errValidation("This cloud has no cron schedules: %s", expression)
	}
	if m := atForm.FindStringSubmatch(expression); m != nil {
		at, err := time.ParseInLocation("2006-01-02T15:04:05", m[1], location)
		if err != nil {
			return timing{}, errExpression(expression)
		}
		return timing{at: at.UTC()}, nil
	}
	m := rateForm.FindStringSubmatch(expression)
	if m == nil {
		return timing{}, errExpression(expression)
	}
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
	value, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || value > int64(100*365*24*time.Hour/unit) { // a hundred years: no interval overflows
		return timing{}, errExpression(expression)
	}
	return timing{every: time.Duration(value) * unit}, nil
}

func errExpression(expression string) error {
	return errValidation("Invalid Schedule Expression %s.", expression)
}

// next is the first time from a moment on at which a schedule runs; false if
// there is none. anchor is where a repeating schedule begins to count. EndDate
// ends it: what falls on that very time does not run. For a single time both
// dates are ignored, and one that has passed never comes.
func (t timing) next(from, anchor time.Time, end *time.Time) (time.Time, bool) {
	if t.every == 0 {
		return t.at, !t.at.Before(from)
	}
	due := anchor
	if from.After(anchor) {
		steps := (from.Sub(anchor) + t.every - 1) / t.every
		due = anchor.Add(steps * t.every)
	}
	return due, end == nil || due.Before(*end)
}
