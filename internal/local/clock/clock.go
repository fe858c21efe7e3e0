// Package clock is the time of the local cloud: real time plus an offset that
// can be moved forward. Everything in the cloud that has to do with time asks
// this clock, so an hour passes in no time where a test or a user wants it to.
//
// It never moves backward, and nothing in it sleeps: a timer fires because
// real time came to it or because somebody advanced the clock past it.
package clock

import (
	"container/heap"
	"fmt"
	"sync"
	"time"
)

// Clock tells cloud time and fires timers by it. Make one with New or Frozen.
type Clock struct {
	real func() time.Time

	// firing is held while timers fire, so that they do so one at a time, in
	// the order of their times, and Close can wait for the last of them.
	firing sync.Mutex

	mu     sync.Mutex // guards what follows
	offset time.Duration
	timers timers
	made   uint64
	alarm  *time.Timer // wakes the clock when real time comes to the next timer; nil when frozen
	closed bool
}

// New returns a clock that shows real time until it is advanced.
func New() *Clock {
	c := &Clock{real: time.Now}
	c.alarm = time.AfterFunc(time.Hour, c.wake)
	c.alarm.Stop()
	return c
}

// Frozen returns a clock that stands at t and moves by Advance alone.
func Frozen(t time.Time) *Clock {
	return &Clock{real: func() time.Time { return t }}
}

// Now is the cloud's time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// Offset is how far the clock was advanced beyond its source.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// now strips the monotonic reading: cloud times are compared, stored and
// printed, and a stored one has none.
func (c *Clock) now() time.Time { return c.real().Add(c.offset).UTC().Round(0) }

// Advance moves the clock forward by d. Each timer that comes due on the way
// fires at its own time, before the clock goes on, so a timer that sets
// another one within d sees that fire as well. It returns when all have
// fired. It must not be called from a timer.
func (c *Clock) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("advance the clock by %s: cloud time never goes back", d)
	}
	c.firing.Lock()
	defer c.firing.Unlock()
	c.mu.Lock()
	left := d
	for {
		t := c.timers.next()
		if t == nil || c.closed {
			break
		}
		step := max(0, t.due.Sub(c.now()))
		if step > left {
			break
		}
		c.offset += step
		left -= step
		heap.Pop(&c.timers)
		c.mu.Unlock()
		t.f()
		c.mu.Lock()
	}
	c.offset += left
	c.arm()
	c.mu.Unlock()
	return nil
}

// Timer is a function that waits for its time.
type Timer struct {
	clock *Clock
	due   time.Time
	seq   uint64
	f     func()
	index int // in the heap; -1 when it is no longer there
}

// AfterFunc calls f once, when d of cloud time has passed. f runs while no
// other timer does and must return soon; it may set timers, but not advance
// the clock.
func (c *Clock) AfterFunc(d time.Duration, f func()) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	t := &Timer{clock: c, due: c.now().Add(d), seq: c.made, f: f, index: -1}
	if !c.closed {
		heap.Push(&c.timers, t)
		c.arm()
	}
	return t
}

// Stop keeps the timer from firing and tells whether it did: false means that
// it has fired, is firing, or was stopped before.
func (t *Timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.timers, t.index)
	t.clock.arm()
	return true
}

// Close drops every timer and waits for one that is firing. Time goes on to be
// told.
func (c *Clock) Close() {
	c.mu.Lock()
	c.closed = true // from here on none begins to fire
	c.mu.Unlock()
	c.firing.Lock() // a timer that fires holds it
	defer c.firing.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.timers) > 0 {
		heap.Pop(&c.timers)
	}
	c.arm()
}

// wake fires what has come due by real time.
func (c *Clock) wake() {
	c.firing.Lock()
	defer c.firing.Unlock()
	c.mu.Lock()
	for {
		t := c.timers.next()
		if t == nil || c.closed || t.due.After(c.now()) {
			break
		}
		heap.Pop(&c.timers)
		c.mu.Unlock()
		t.f()
		c.mu.Lock()
	}
	c.arm()
	c.mu.Unlock()
}

// arm sets the alarm to the next timer. The caller holds mu.
func (c *Clock) arm() {
	if c.alarm == nil {
		return
	}
	t := c.timers.next()
	if t == nil {
		c.alarm.Stop()
		return
	}
	c.alarm.Reset(max(0, t.due.Sub(c.now())))
}

// timers is a heap, the earliest first and, at the same time, the one set first.
type timers []*Timer

func (h timers) next() *Timer {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

func (h timers) Len() int { return len(h) }

func (h timers) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].seq < h[j].seq
}

func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push adds a *Timer; it is for container/heap.
func (h *timers) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop removes the last; it is for container/heap.
func (h *timers) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = -1
	return t
}
