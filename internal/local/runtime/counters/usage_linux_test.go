package counters

import (
	"strings"
	"testing"
	"time"
)

func TestUsageCountsEveryTickOnce(t *testing.T) {
	at := func(pid int) identity { return identity{pid, int64(pid)} }
	p := func(own, dead int64) process {
		return process{'S', ticks{user: own}, ticks{user: dead}}
	}
	for name, c := range map[string]struct {
		seen []census
		want int64
	}{
		"what lives":                            {[]census{{at(2): p(5, 0)}, {at(2): p(9, 0)}}, 9},
		"the init's own time is not used":       {[]census{{at(1): p(50, 3)}, {at(1): p(90, 3)}}, 3},
		"children that nobody saw":              {[]census{{at(2): p(1, 0)}, {at(2): p(1, 70)}, {at(2): p(2, 140)}}, 142},
		"a child that was seen, waited for":     {[]census{{at(2): p(1, 0), at(3): p(40, 0)}, {at(2): p(1, 45)}}, 46},
		"an orphan, waited for by the init":     {[]census{{at(1): p(0, 0), at(2): p(1, 0), at(3): p(40, 0)}, {at(1): p(0, 43)}}, 43},
		"a family that ends":                    {[]census{{at(1): p(0, 0), at(2): p(5, 10), at(3): p(40, 2)}, {at(1): p(0, 60)}}, 60},
		"a number that is used again":           {[]census{{at(2): p(50, 0)}, {identity{2, 99}: p(7, 0), at(1): p(0, 50)}}, 57},
		"a child that nobody waited for":        {[]census{{at(2): p(1, 0), at(3): p(40, 0)}, {at(2): p(9, 0)}, {at(2): p(19, 0)}}, 59},
		"then children that somebody waits for": {[]census{{at(2): p(1, 0), at(3): p(40, 0)}, {at(2): p(1, 0)}, {at(2): p(1, 0)}, {at(2): p(1, 30)}}, 71},
		// It was reaped between two looks of one census: missed by the first,
		// which saw its parent already, or seen twice, by the second.
		"missed while it ended": {[]census{{at(2): p(1, 0), at(3): p(40, 0)}, {at(2): p(1, 0)}, {at(2): p(1, 42)}}, 43},
	} {
		t.Run(name, func(t *testing.T) {
			u, got := &usage{}, int64(0)
			for _, s := range c.seen {
				got += u.add(s).sum()
			}
			if got != c.want {
				t.Errorf("counted %d ticks, want %d", got, c.want)
			}
		})
	}
}

func TestParseProcess(t *testing.T) {
	begun, p, err := parseProcess([]byte("7 (a) R 1 (b) D 1 7 7 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0 999 1 1\n"))
	if err != nil || begun != 999 || p != (process{'D', ticks{11, 12}, ticks{13, 14}}) {
		t.Errorf("%d, %+v, %v", begun, p, err)
	}
	for _, bad := range []string{"", "7 (x)", "7 (x) R 1", "7 (x) R " + strings.Repeat("x ", 30)} {
		if _, _, err := parseProcess([]byte(bad)); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestProcessorsGiveNoMoreThanTimeHas(t *testing.T) {
	c := newCPUs(2)
	c.pass(100, ticks{user: 60, system: 60}, nil) // a busy one and a fifth
	if c.busy[0] != (ticks{60, 40}) || c.busy[1] != (ticks{0, 20}) || c.idle() != 80 {
		t.Errorf("%+v, idle %d", c.busy, c.idle())
	}
	c.pass(200, ticks{user: 1000}, nil) // four times what there is
	if c.total() != (ticks{260, 60}) || c.idle() != 80 {
		t.Errorf("%+v, idle %d", c.total(), c.idle())
	}
	for at := int64(300); at <= 1000; at += 100 {
		c.pass(at, ticks{}, nil)
	}
	if got := c.total().user; got != 460 { // and a second's worth of what was over
		t.Errorf("busy for %d ticks in all", got)
	}
	if c.idle() != 2000-c.total().sum() {
		t.Errorf("idle %d", c.idle())
	}
}

func TestACalmMachineIsLookedAtLessOften(t *testing.T) {
	for still, want := range map[int]time.Duration{0: refresh, calm - 1: refresh, calm: calmRefresh, 1000: calmRefresh} {
		if got := pause(still); got != want {
			t.Errorf("after %d refreshes without work the next comes in %v, not %v", still, got, want)
		}
	}
}
