package core

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// witness watches a life from outside and keeps its own books, by rules as
// plain as it can have them.
type witness struct {
	t        *rapid.T
	ended    map[lifecycle.Deadline]bool
	warned   map[lifecycle.Deadline]bool
	notices  map[string]int
	done     int           // ends because the workload is done
	retiring bool          // an idle action is being carried out
	warnedAt time.Duration // the first standing warning of an idle action; -1: none
	lastUse  time.Duration // the last moment at which the machine was used or nobody knew
}

// TestAnyLife draws the steps of an instance's life: time that passes, clocks
// that leap, tags, sensors that work, fail, hang and are silent, notices,
// people, actions that fail. It checks what must hold in every life.
func TestAnyLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := in(time.Duration(rapid.IntRange(-600, 40000).Draw(t, "ttl")) * time.Second)
		policy.Idle = lifecycle.IdlePolicy{
			Timeout: time.Duration(rapid.SampledFrom([]int{0, 60, 600, 3600}).Draw(t, "idle")) * time.Second,
			Action:  rapid.SampledFrom([]lifecycle.IdleAction{"", lifecycle.Stop, lifecycle.Hibernate}).Draw(t, "action"),
		}
		w := &witness{
			t: t, ended: map[lifecycle.Deadline]bool{}, warned: map[lifecycle.Deadline]bool{},
			notices: map[string]int{}, warnedAt: -1,
		}
		var s State
		now := Input{Now: start, Policy: policy}
		for range rapid.IntRange(1, 150).Draw(t, "ticks") {
			leapt := drawStep(t, &now)
			if now.Policy.Deadline.IsZero() {
				t.Fatal("a tag removed the deadline")
			}
			w.use(now, leapt)
			before, again := s, now
			var decisions []Decision
			s, decisions = s.Decide(now)
			if _, same := before.Decide(again); !reflect.DeepEqual(decisions, same) {
				t.Fatal("the same state and the same input led to another decision: it is not pure")
			}
			w.judge(now, decisions)
			if _, more := s.Decide(now); len(more) != 0 {
				t.Fatalf("decided again in the same moment: %v, at first %v", more, decisions)
			}
			if w.retiring && rapid.IntRange(0, 3).Draw(t, "outcome") == 0 {
				w.retiring, w.warnedAt = false, -1
				s = s.Failed(now.Elapsed)
			}
		}
	})
}

// drawStep lets something happen and tells whether the clock leapt.
func drawStep(t *rapid.T, in *Input) (leapt bool) {
	step := time.Duration(rapid.SampledFrom([]int{1, 1, 1, 5, 29, 60, 300, 3500}).Draw(t, "step")) * time.Second
	in.Now, in.Elapsed = in.Now.Add(step), in.Elapsed+step
	switch rapid.IntRange(0, 40).Draw(t, "clock") {
	case 0:
		leap := time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "leap")) * time.Second
		in.Now = in.Now.Add(leap)
		leapt = leap.Abs() > leapTolerance
	case 1:
		in.Now = in.Now.Add(time.Duration(rapid.IntRange(-3000, 3000).Draw(t, "slew")) * time.Millisecond)
	}
	in.Policy = in.Policy.Merge(drawTags(t, in.Now))
	if rapid.IntRange(0, 9).Draw(t, "sampled") > 0 {
		in.Sampled, in.Signals = in.Elapsed, drawSignals(t, in.Now)
	}
	switch rapid.IntRange(0, 60).Draw(t, "event") {
	case 0:
		in.KeepaliveUntil = in.Now.Add(time.Duration(rapid.IntRange(-60, 3600).Draw(t, "keepalive")) * time.Second)
	case 1:
		in.Completed = &Completion{Status: "ok"}
	case 2:
		in.Notices = []Notice{{
			Kind: rapid.SampledFrom([]NoticeKind{SpotInterruption, Rebalance, ScheduledEvent}).Draw(t, "kind"),
			ID:   fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "id")), Action: "stop",
			At: in.Now.Add(time.Duration(rapid.IntRange(-60, 200).Draw(t, "in")) * time.Second),
		}}
	case 3:
		in.Notices = nil
	}
	return leapt
}

// drawSignals draws a sample, mostly of a quiet machine.
func drawSignals(t *rapid.T, now time.Time) []Signal {
	cpu := Signal{Name: "cpu"}
	switch rapid.IntRange(0, 30).Draw(t, "sensors") {
	case 0:
		cpu.Active = true
	case 1:
		cpu.Err = errors.New("it hangs")
	case 2:
		return []Signal{cpu, {Name: "keyboard", Last: now.Add(-time.Duration(rapid.IntRange(-10, 4000).Draw(t, "typed")) * time.Second)}}
	case 3:
		return nil
	}
	return []Signal{cpu}
}

// use books when the machine was used, or not known not to be.
func (w *witness) use(in Input, leapt bool) {
	unknown := len(in.Signals) == 0 || in.Elapsed-in.Sampled > readingHolds
	if leapt || unknown {
		w.lastUse = in.Elapsed
	}
	if !in.KeepaliveUntil.IsZero() {
		w.lastUse = max(w.lastUse, in.Elapsed-max(0, in.Now.Sub(in.KeepaliveUntil)))
	}
	for _, s := range in.Signals {
		switch {
		case s.Err != nil, s.Active:
			w.lastUse = max(w.lastUse, in.Sampled)
		case !s.Last.IsZero():
			w.lastUse = max(w.lastUse, in.Elapsed-max(0, in.Now.Sub(s.Last)))
		}
	}
}

// judge checks what was decided.
func (w *witness) judge(in Input, decisions []Decision) {
	deadline := in.Policy.Deadline
	for _, d := range decisions {
		if d.Why == "" || d.Deadline != deadline || !d.Now.Equal(in.Now) {
			w.t.Fatalf("%s was decided without its reasons: %+v", d.Action, d)
		}
		switch d.Cause {
		case Deadline:
			w.judgeDeadline(in, d)
		case Idle:
			w.judgeIdle(in, d)
		case Completed:
			if d.Action == End {
				w.done++
			}
			if w.done > 1 || in.Completed == nil {
				w.t.Fatalf("ended %d times because the workload is done (%v)", w.done, in.Completed)
			}
		default:
			if d.Action == Warn {
				w.notices[d.Notice.ID]++
			}
			if w.notices[d.Notice.ID] > 1 || d.Hooks > spotWarning {
				w.t.Fatalf("notice %s was handled %d times, its hooks may take %s", d.Notice.ID, w.notices[d.Notice.ID], d.Hooks)
			}
		}
	}
	if deadline.Passed(in.Now) && !w.ended[deadline] {
		w.t.Fatalf("the deadline %s was missed at %s", deadline, in.Now)
	}
}

func (w *witness) judgeDeadline(in Input, d Decision) {
	deadline := in.Policy.Deadline
	for other := range w.ended {
		if other != deadline {
			delete(w.ended, other) // it moved: all begins again
			delete(w.warned, other)
		}
	}
	switch d.Action {
	case Warn:
		w.warned[deadline] = true
	case End:
		if !deadline.Passed(in.Now) || w.ended[deadline] || !w.warned[deadline] || d.Hooks != 0 {
			w.t.Fatalf("ended %s before the deadline, again %v, warned %v, waiting %s for hooks",
				deadline.Left(in.Now), w.ended[deadline], w.warned[deadline], d.Hooks)
		}
		w.ended[deadline] = true
	case Prepare:
		if d.Hooks > deadline.Left(in.Now) {
			w.t.Fatalf("hooks may take %s with %s left", d.Hooks, deadline.Left(in.Now))
		}
	}
}

func (w *witness) judgeIdle(in Input, d Decision) {
	idle := in.Policy.Idle
	switch d.Action {
	case Warn:
		if w.warnedAt < 0 {
			w.warnedAt = in.Elapsed
		}
	case CallOff:
		w.warnedAt = -1
	case Withdraw:
		w.retiring = false
	case End:
		quiet := in.Elapsed - w.lastUse
		switch {
		case w.retiring:
			w.t.Fatal("an idle action was decided twice")
		case !idle.On() || quiet < idle.Timeout:
			w.t.Fatalf("taken for idle after %s of quiet with a timeout of %s: %s", quiet, idle.Timeout, d.Why)
		case w.warnedAt < 0 || in.Elapsed-w.warnedAt < min(5*time.Minute, idle.Timeout/2):
			w.t.Fatalf("acted at %s after a warning at %s", in.Elapsed, w.warnedAt)
		case deadlineComes(in):
			w.t.Fatal("an idle action after the deadline")
		}
		w.retiring = true
	}
}

func deadlineComes(in Input) bool { return in.Policy.Deadline.Passed(in.Now) }
