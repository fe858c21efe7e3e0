package clock_test

import (
	"slices"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/clock"
)

var start = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func TestAdvanceFiresTimersInOrderAtTheirOwnTime(t *testing.T) {
	c := clock.Frozen(start)
	var fired []time.Duration
	note := func() { fired = append(fired, c.Now().Sub(start)) }
	c.AfterFunc(3*time.Minute, note)
	c.AfterFunc(time.Minute, func() {
		note()
		c.AfterFunc(time.Minute, note) // comes due within the same advance
	})
	c.AfterFunc(time.Hour, note)
	if err := c.Advance(10 * time.Minute); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute}
	if !slices.Equal(fired, want) {
		t.Errorf("fired at %v, want %v", fired, want)
	}
	if got := c.Now().Sub(start); got != 10*time.Minute {
		t.Errorf("the clock stands at +%s", got)
	}
}

func TestStoppedTimerDoesNotFire(t *testing.T) {
	c := clock.Frozen(start)
	timer := c.AfterFunc(time.Minute, func() { t.Error("fired") })
	if !timer.Stop() || timer.Stop() {
		t.Error("Stop must tell true once, then false")
	}
	if err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
}

func TestClockNeverGoesBack(t *testing.T) {
	c := clock.Frozen(start)
	if c.Advance(-time.Second) == nil || !c.Now().Equal(start) {
		t.Error("the clock went back")
	}
}

func TestTimerFiresByRealTime(t *testing.T) {
	c := clock.New()
	defer c.Close()
	fired := make(chan struct{})
	c.AfterFunc(time.Millisecond, func() { close(fired) })
	select {
	case <-fired:
	case <-time.After(10 * time.Second):
		t.Fatal("a timer of a millisecond did not fire in 10 s")
	}
}

func TestClosedClockFiresNothing(t *testing.T) {
	c := clock.Frozen(start)
	c.AfterFunc(time.Minute, func() { t.Error("fired after Close") })
	c.Close()
	c.AfterFunc(time.Minute, func() { t.Error("fired though set after Close") })
	if err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
}
