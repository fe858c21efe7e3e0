package run

import (
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

// board is what users are being told: a line for each thing that is to happen
// to their instance, so that one warning neither hides another nor takes it
// along when it is called off.
type board []line

// line is one of them.
type line struct {
	cause core.Cause
	id    string    // of the notice, if it is about one
	why   string    // the reason when it first came up
	at    time.Time // when it happens, as it was known then
	text  string
}

// maxLines is how many lines are kept: those of the latest decisions.
const maxLines = 8

// put adds a line, or renews the one about the same.
func (b *board) put(d core.Decision, text string) {
	l := line{cause: d.Cause, id: d.Notice.ID, why: d.Why, at: d.At, text: text}
	for i, old := range *b {
		if old.cause == l.cause && old.id == l.id {
			l.why, l.at = old.why, old.at
			(*b)[i] = l
			return
		}
	}
	*b = append(*b, l)
	if len(*b) > maxLines {
		*b = slices.Delete(*b, 0, len(*b)-maxLines)
	}
}

// remove takes the lines about a cause away and tells that there were some.
func (b *board) remove(cause core.Cause) bool {
	before := len(*b)
	*b = slices.DeleteFunc(*b, func(l line) bool { return l.cause == cause })
	return len(*b) < before
}

// prune takes away lines about notices that no longer stand, and tells that
// there were some.
func (b *board) prune(notices []core.Notice) bool {
	before := len(*b)
	*b = slices.DeleteFunc(*b, func(l line) bool {
		return l.id != "" && !slices.ContainsFunc(notices, func(n core.Notice) bool { return n.ID == l.id })
	})
	return len(*b) < before
}

// text is all of it.
func (b *board) text() string {
	var lines []string
	for _, l := range *b {
		lines = append(lines, l.text)
	}
	return strings.Join(lines, "\n")
}

// end is the line about an end that is to come, nil if there is none.
func (b *board) end() *line {
	for _, l := range slices.Backward(*b) {
		switch l.cause {
		case core.Deadline, core.Idle, core.Completed, core.Cause(core.SpotInterruption):
			return &l
		}
	}
	return nil
}
