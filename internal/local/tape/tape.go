// Package tape records every call to the local cloud in the order in which they
// came, and lets a test stand between a call and its effect. Budgets of calls,
// the depth of a sequence and least privilege are read from it; a client is
// killed at any boundary by a hook on it.
//
// It keeps the last calls only and never changes what a call does, but for
// hanging up where a hook says so.
package tape

import (
	"slices"
	"sync"
	"time"
)

// Keep is how many calls a tape holds; older ones are dropped.
const Keep = 20_000

// Call is one call, as it is written to the tape when it has been answered.
type Call struct {
	Seq       uint64        `json:"seq"`   // 1 for the first call
	Began     uint64        `json:"began"` // Began and Ended count the tape's events, so that
	Ended     uint64        `json:"ended"` // a call that began after another had ended has Began > Ended
	Time      time.Time     `json:"time"`  // cloud time of its arrival
	Duration  time.Duration `json:"duration_ns"`
	Principal string        `json:"principal,omitempty"` // ARN; empty if it was not authenticated
	Region    string        `json:"region,omitempty"`
	Service   string        `json:"service,omitempty"`
	Action    string        `json:"action,omitempty"`
	RequestID string        `json:"request_id"`
	Needs     []Need        `json:"needs,omitempty"` // the permissions it was checked for
	Status    int           `json:"status"`          // of HTTP; 0 if a hook hung up
	Error     string        `json:"error,omitempty"` // AWS's code
}

// Need is a permission that a call was checked for.
type Need struct {
	Action   string              `json:"action"`
	Resource string              `json:"resource"`
	Context  map[string][]string `json:"context,omitempty"` // the keys that conditions could ask for, in lower case
	Granted  bool                `json:"granted"`
}

// Point is a place in a call where hooks are asked.
type Point int

// The points.
const (
	Before Point = iota // the call was authenticated; nothing has happened
	Effect              // it took effect; the caller does not know
	After               // the answer was sent
)

// Verdict is what a hook wants.
type Verdict int

// The verdicts.
const (
	Continue Verdict = iota
	HangUp           // cut the connection without an answer; at After there is nothing left to cut
)

// Hook is asked at every point of every call. It may block: the call waits,
// others do not. Several hooks run in the order in which they were added.
type Hook func(Point, Call) Verdict

// Tape is a record of calls. The zero Tape is empty and ready.
type Tape struct {
	mu      sync.Mutex
	events  uint64
	seq     uint64
	calls   []Call
	dropped uint64
	hooks   []*Hook
}

// AddHook adds a hook; remove takes it away again.
func (t *Tape) AddHook(h Hook) (remove func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := &h
	t.hooks = append(t.hooks, own)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.hooks = slices.DeleteFunc(slices.Clone(t.hooks), func(p *Hook) bool { return p == own })
	}
}

// Begin gives a call that arrives its numbers.
func (t *Tape) Begin(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events++
	t.seq++
	c.Seq, c.Began = t.seq, t.events
}

// End writes a call that has been answered to the tape.
func (t *Tape) End(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events++
	c.Ended = t.events
	if len(t.calls) >= Keep {
		half := len(t.calls) / 2
		t.calls = slices.Clone(t.calls[half:])
		t.dropped += uint64(half)
	}
	t.calls = append(t.calls, *c)
}

// Ask asks the hooks at a point. It stops at the first that wants to hang up.
func (t *Tape) Ask(p Point, c *Call) Verdict {
	t.mu.Lock()
	hooks := t.hooks
	t.mu.Unlock()
	for _, h := range hooks {
		if (*h)(p, *c) == HangUp {
			return HangUp
		}
	}
	return Continue
}

// Calls are the calls that ended and are still held, in the order in which
// they arrived, from the one after number since on.
func (t *Tape) Calls(since uint64) []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Call
	for _, c := range t.calls {
		if c.Seq > since {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Call) int { return int(a.Seq) - int(b.Seq) })
	return out
}

// Count is how many calls have begun.
func (t *Tape) Count() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seq
}

// Dropped is how many calls the tape no longer holds.
func (t *Tape) Dropped() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropped
}

// Depth is how many of calls came one after the other: the length of the
// longest chain in which each began after the one before it had ended. Calls
// that were under way at the same time count once.
func Depth(calls []Call) int {
	byEnd := slices.Clone(calls)
	slices.SortFunc(byEnd, func(a, b Call) int { return int(a.Ended) - int(b.Ended) })
	depth, last := 0, uint64(0)
	for _, c := range byEnd {
		if c.Began > last {
			depth++
			last = c.Ended
		}
	}
	return depth
}
