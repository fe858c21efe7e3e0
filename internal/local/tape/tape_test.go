package tape_test

import (
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/tape"
)

func TestDepthCountsWhatCameInSequence(t *testing.T) {
	var tp tape.Tape
	begin := func() *tape.Call { c := &tape.Call{}; tp.Begin(c); return c }
	a, b := begin(), begin() // at the same time
	tp.End(b)
	c := begin() // after b, beside a
	tp.End(a)
	tp.End(c)
	d := begin()
	tp.End(d)
	calls := tp.Calls(0)
	if len(calls) != 4 || calls[0].Seq != 1 {
		t.Fatalf("the tape holds %+v", calls)
	}
	if got := tape.Depth(calls); got != 3 {
		t.Errorf("depth %d, want 3: b, c, d", got)
	}
	if got := tp.Calls(calls[2].Seq); len(got) != 1 || got[0].Seq != d.Seq {
		t.Errorf("calls since the third: %+v", got)
	}
}

func TestHooks(t *testing.T) {
	var tp tape.Tape
	remove := tp.AddHook(func(p tape.Point, _ tape.Call) tape.Verdict {
		if p == tape.Effect {
			return tape.HangUp
		}
		return tape.Continue
	})
	if tp.Ask(tape.Before, &tape.Call{}) != tape.Continue || tp.Ask(tape.Effect, &tape.Call{}) != tape.HangUp {
		t.Error("the hook was not asked, or not heard")
	}
	remove()
	if tp.Ask(tape.Effect, &tape.Call{}) != tape.Continue {
		t.Error("the hook was asked after its removal")
	}
}

func TestTapeIsBounded(t *testing.T) {
	var tp tape.Tape
	for range 2 * tape.Keep {
		c := &tape.Call{}
		tp.Begin(c)
		tp.End(c)
	}
	calls := tp.Calls(0)
	if len(calls) > tape.Keep || calls[len(calls)-1].Seq != 2*tape.Keep {
		t.Errorf("holds %d calls", len(calls))
	}
	if tp.Dropped()+uint64(len(calls)) != 2*tape.Keep {
		t.Errorf("%d dropped, %d held", tp.Dropped(), len(calls))
	}
}
