package core

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// life is an instance's, a second a step, with what its sensors say.
type life struct {
	state   State
	in      Input
	sensors func(at time.Duration) []Signal // nil: the machine is quiet
	done    []deed
}

// deed is a decision and when it was made, since the start.
type deed struct {
	At     time.Duration
	Action Action
	Cause  Cause
}

// newLife begins a life with a far deadline and an idle timeout.
func newLife(timeout time.Duration, action lifecycle.IdleAction) *life {
	policy := in(30 * 24 * time.Hour)
	policy.Idle = lifecycle.IdlePolicy{Timeout: timeout, Action: action}
	return &life{in: Input{Now: start, Policy: policy}, sensors: quiet}
}

func quiet(time.Duration) []Signal {
	return []Signal{{Name: "cpu", Detail: "CPU 1 % of 2 processors over 5m (idle below 5 %)"}, {Name: "network"}}
}

// busyUntil is a machine that works until a time and is quiet from then on.
func busyUntil(end time.Duration) func(time.Duration) []Signal {
	return func(at time.Duration) []Signal {
		signals := quiet(at)
		signals[0].Active = at < end
		return signals
	}
}

// until lives on until a time, with a sample every ten seconds.
func (l *life) until(end time.Duration) *life {
	for ; l.in.Elapsed < end; l.pass(time.Second) {
		if l.sensors != nil && l.in.Elapsed%(10*time.Second) == 0 {
			l.in.Signals, l.in.Sampled = l.sensors(l.in.Elapsed), l.in.Elapsed
		}
		l.decide()
	}
	return l
}

func (l *life) pass(d time.Duration) {
	l.in.Now, l.in.Elapsed = l.in.Now.Add(d), l.in.Elapsed+d
}

func (l *life) decide() (decisions []Decision) {
	l.state, decisions = l.state.Decide(l.in)
	for _, d := range decisions {
		l.done = append(l.done, deed{l.in.Elapsed, d.Action, d.Cause})
	}
	return decisions
}

func (l *life) did(t *testing.T, want ...deed) {
	t.Helper()
	if diff := cmp.Diff(want, l.done); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const (
	minute = time.Minute
	hour   = time.Hour
)

func TestIdle(t *testing.T) {
	for name, c := range map[string]struct {
		timeout time.Duration
		sensors func(time.Duration) []Signal
		want    []deed
	}{
		"quiet from the start": {hour, quiet, []deed{
			{55 * minute, Warn, Idle}, {59 * minute, Warn, Idle}, {60 * minute, End, Idle},
		}},
		"busy for two hours": {hour, busyUntil(2 * hour), []deed{
			{3*hour - 5*minute - 10*time.Second, Warn, Idle},
			{3*hour - minute - 10*time.Second, Warn, Idle},
			{3*hour - 10*time.Second, End, Idle},
		}},
		"a short timeout is warned of in its second half": {4 * minute, quiet, []deed{
			{2 * minute, Warn, Idle}, {3 * minute, Warn, Idle}, {4 * minute, End, Idle},
		}},
		"always busy":     {hour, busyUntil(1000 * hour), nil},
		"idleness is off": {0, quiet, nil},
		"no sample ever":  {hour, nil, nil},
		"no sensor":       {hour, func(time.Duration) []Signal { return nil }, nil},
		"a sensor fails": {hour, func(at time.Duration) []Signal {
			return append(quiet(at), Signal{Name: "gpu", Err: errors.New("nvidia-smi hangs")})
		}, nil},
		"a key was typed after half an hour": {hour, func(at time.Duration) []Signal {
			s := Signal{Name: "keyboard"}
			if at >= 30*minute {
				s.Last = start.Add(30 * minute)
			}
			return append(quiet(at), s)
		}, []deed{{85 * minute, Warn, Idle}, {89 * minute, Warn, Idle}, {90 * minute, End, Idle}}},
		"a key was typed between two warnings": {hour, func(at time.Duration) []Signal {
			s := Signal{Name: "keyboard"}
			if at >= 57*minute {
				s.Last = start.Add(57 * minute)
			}
			return append(quiet(at), s)
		}, []deed{
			{55 * minute, Warn, Idle},
			{57 * minute, CallOff, Idle},
			{112 * minute, Warn, Idle},
			{116 * minute, Warn, Idle},
			{117 * minute, End, Idle},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(c.timeout, lifecycle.Stop)
			l.sensors = c.sensors
			l.until(4*hour).did(t, c.want...)
		})
	}
}

func TestIdleExplainsItself(t *testing.T) {
	l := newLife(hour, lifecycle.Hibernate)
	l.sensors = busyUntil(10 * minute)
	l.until(70*minute - 10*time.Second)
	l.in.Signals, l.in.Sampled = quiet(0), l.in.Elapsed
	decisions := l.decide()
	if len(decisions) != 1 {
		t.Fatalf("decided %v", decisions)
	}
	d := decisions[0]
	if d.Does != lifecycle.Hibernate || d.Hooks != HookTime || len(d.Signals) != 2 || d.Policy.Idle.Timeout != hour {
		t.Errorf("decided without its inputs: %+v", d)
	}
	since := start.Add(10*minute - 10*time.Second).Format(time.RFC3339)
	if !strings.Contains(d.Why, since) || !strings.Contains(d.Why, "CPU 1 %") || !strings.Contains(d.Why, "1h") {
		t.Errorf("the reason is %q, want since when, what the last activity was and the limit", d.Why)
	}
}

// A stale sample may be from before the work began.
func TestASampleThatHangsIsNotIdleness(t *testing.T) {
	l := newLife(hour, lifecycle.Terminate).until(59*minute + 30*time.Second)
	l.sensors = nil
	l.until(10 * hour)
	for _, d := range l.done {
		if d.Action == End {
			t.Errorf("ended at %s without a reading", d.At)
		}
	}
}

func TestKeepalive(t *testing.T) {
	l := newLife(hour, lifecycle.Stop).until(56 * minute)
	l.in.KeepaliveUntil = start.Add(86 * minute)
	l.until(3*hour).did(t,
		deed{55 * minute, Warn, Idle}, deed{56 * minute, CallOff, Idle},
		deed{141 * minute, Warn, Idle}, deed{145 * minute, Warn, Idle},
		deed{146 * minute, End, Idle},
	)
}

// A word from a person takes an action back while its hooks run; the load of
// the hooks does not.
func TestAnActionIsTakenBackByAPersonOnly(t *testing.T) {
	l := newLife(hour, lifecycle.Stop).until(60*minute + time.Second)
	l.sensors = busyUntil(62 * minute)
	l.until(61*minute).did(t, deed{55 * minute, Warn, Idle}, deed{59 * minute, Warn, Idle}, deed{60 * minute, End, Idle})
	l.in.Signals = append(quiet(0), Signal{Name: "keyboard", Active: true, Last: l.in.Now})
	l.done = nil
	l.decide()
	l.did(t, deed{61 * minute, Withdraw, Idle}, deed{61 * minute, CallOff, Idle})
}

func TestAPolicyThatIsTurnedOffTakesTheActionBack(t *testing.T) {
	l := newLife(hour, lifecycle.Stop).until(60*minute + time.Second)
	l.done, l.in.Policy.Idle = nil, lifecycle.IdlePolicy{}
	l.decide()
	l.did(t, deed{60*minute + time.Second, Withdraw, Idle}, deed{60*minute + time.Second, CallOff, Idle})
}

func TestAShorterTimeoutIsWarnedOfFirst(t *testing.T) {
	l := newLife(10*hour, lifecycle.Terminate).until(3 * hour)
	l.in.Policy.Idle.Timeout = hour
	l.until(4*hour).did(t,
		deed{3 * hour, Warn, Idle}, deed{3*hour + 4*minute, Warn, Idle}, deed{3*hour + 5*minute, End, Idle})
}

func TestALongerTimeoutCallsOff(t *testing.T) {
	l := newLife(hour, lifecycle.Terminate).until(56 * minute)
	l.in.Policy.Idle.Timeout = 2 * hour
	l.until(hour+minute).did(t, deed{55 * minute, Warn, Idle}, deed{56 * minute, CallOff, Idle})
}

// A stop that fails is tried again: later, later still, and after a warning.
func TestFailures(t *testing.T) {
	l := newLife(hour, lifecycle.Hibernate)
	var tries []time.Duration
	for l.in.Elapsed < 24*hour {
		l.done = nil
		l.until(l.in.Elapsed + time.Second)
		for _, d := range l.done {
			if d.Action == End {
				tries = append(tries, d.At)
				l.state = l.state.Failed(l.in.Elapsed)
			}
		}
	}
	if len(tries) < 5 || len(tries) > 25 {
		t.Fatalf("%d tries in a day", len(tries))
	}
	for n, want := range []time.Duration{10 * minute, 20 * minute, 40 * minute, hour, hour} {
		if pause := tries[n+1] - tries[n]; pause < want || pause > want+15*time.Second {
			t.Errorf("try %d came %s after the last, want %s", n+2, pause, want)
		}
	}
}

// TestResume suspends the machine: the wall clock leaps, Elapsed does not.
// Whatever was measured before says nothing about the new life.
func TestResume(t *testing.T) {
	for name, at := range map[string]time.Duration{
		"busy before": 10 * minute, "warned before": 58 * minute, "stopping": 60*minute + 30*time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(hour, lifecycle.Hibernate).until(at)
			l.in.Now = l.in.Now.Add(48 * hour)
			l.done = nil
			resumed := l.in.Elapsed
			l.until(resumed + 54*minute)
			for _, d := range l.done {
				if d.Action == Warn || d.Action == End {
					t.Errorf("%s after %s of a new life", d.Action, d.At-resumed)
				}
			}
			l.done = nil
			l.until(resumed + 2*hour)
			if len(l.done) != 3 || l.done[2].Action != End || l.done[2].At < resumed+hour {
				t.Errorf("then %v", l.done)
			}
		})
	}
}

func TestAClockThatIsSetBackMakesNothingIdle(t *testing.T) {
	l := newLife(hour, lifecycle.Terminate).until(30 * minute)
	l.in.Now = l.in.Now.Add(-20 * hour)
	l.until(85 * minute).did(t)
}

func TestTheDeadlineWinsOverIdleness(t *testing.T) {
	l := newLife(hour, lifecycle.Stop)
	l.in.Policy.Deadline = lifecycle.DeadlineAt(start.Add(61 * minute))
	l.until(62 * minute)
	last := l.done[len(l.done)-1]
	if diff := cmp.Diff(deed{61 * minute, End, Deadline}, last); diff != "" {
		t.Error(diff)
	}
}

func TestComplete(t *testing.T) {
	l := newLife(hour, lifecycle.Stop).until(10 * minute)
	l.in.Completed = &Completion{Status: "ok"}
	decisions := l.decide()
	l.did(t, deed{10 * minute, Warn, Completed}, deed{10 * minute, End, Completed})
	if d := decisions[1]; d.Does != lifecycle.Terminate || d.Hooks != HookTime || !strings.Contains(d.Why, "ok") {
		t.Errorf("decided %+v", d)
	}
	l.pass(time.Second)
	l.until(5 * hour)
	if len(l.done) != 2 {
		t.Errorf("and then %v", l.done[2:])
	}
}

// A workload that is done within the time of the deadline gets what is left.
func TestCompleteNearTheDeadline(t *testing.T) {
	l := newLife(0, "")
	l.in.Policy.Deadline = lifecycle.DeadlineAt(start.Add(30 * time.Second))
	l.in.Completed = &Completion{Status: "failed"}
	for _, d := range l.decide() {
		if d.Cause == Completed && d.Action == End && d.Hooks != 30*time.Second {
			t.Errorf("hooks may take %s", d.Hooks)
		}
	}
}

func TestNotices(t *testing.T) {
	spot := func(id, action string, in time.Duration) Notice {
		return Notice{Kind: SpotInterruption, ID: id, Action: action, At: start.Add(in)}
	}
	rebalance := Notice{Kind: Rebalance, ID: "rebalance", At: start}
	reboot := Notice{Kind: ScheduledEvent, ID: "event-1", Action: "system-reboot", At: start.Add(72 * hour)}
	for name, c := range map[string]struct {
		notices []Notice
		want    []deed
		hooks   time.Duration
	}{
		"two minutes": {[]Notice{spot("a", "terminate", 2*minute)}, []deed{
			{0, Warn, Cause(SpotInterruption)}, {0, Prepare, Cause(SpotInterruption)},
		}, 110 * time.Second},
		"five seconds": {[]Notice{spot("a", "terminate", 5*time.Second)}, []deed{
			{0, Warn, Cause(SpotInterruption)}, {0, Prepare, Cause(SpotInterruption)},
		}, 0},
		"hibernation leaves no time": {[]Notice{spot("a", "hibernate", 2*minute)}, []deed{
			{0, Warn, Cause(SpotInterruption)}, {0, Prepare, Cause(SpotInterruption)},
		}, 0},
		"no time given": {[]Notice{{Kind: SpotInterruption, ID: "a", Action: "stop"}}, []deed{
			{0, Warn, Cause(SpotInterruption)}, {0, Prepare, Cause(SpotInterruption)},
		}, unknownWarning},
		"reworded while it stands": {[]Notice{spot("a", "terminate", 2*minute), spot("b", "terminate", 119*time.Second)}, []deed{
			{0, Warn, Cause(SpotInterruption)}, {0, Prepare, Cause(SpotInterruption)}, {0, Warn, Cause(SpotInterruption)},
		}, 110 * time.Second},
		"rebalance and a reboot": {[]Notice{rebalance, reboot}, []deed{
			{0, Warn, Cause(Rebalance)}, {0, Warn, Cause(ScheduledEvent)},
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(0, "")
			l.in.Notices = c.notices
			for _, d := range l.decide() {
				if d.Action == Prepare && d.Hooks != c.hooks {
					t.Errorf("hooks may take %s, want %s", d.Hooks, c.hooks)
				}
				if d.Notice.ID == "" || d.Why == "" {
					t.Errorf("decided without its notice: %+v", d)
				}
			}
			l.pass(time.Second)
			l.until(2 * minute) // it stands, and is read again and again
			l.did(t, c.want...)
		})
	}
}

// An agent that is restarted in the middle of an interruption does not begin
// again.
func TestNoticesAreRememberedOverARestart(t *testing.T) {
	l := newLife(0, "")
	l.in.Notices = []Notice{{Kind: SpotInterruption, ID: "a", Action: "terminate", At: start.Add(2 * minute)}}
	l.decide()
	l.state, l.done = State{}.Remember(l.state.Seen()), nil
	l.until(minute).did(t)
	if n := len(State{}.Remember(make([]string, 1000)).Seen()); n > maxSeen {
		t.Errorf("remembers %d notices", n)
	}
}

func TestAnInterruptionTakesAnIdleActionBack(t *testing.T) {
	l := newLife(hour, lifecycle.Terminate).until(60*minute + time.Second)
	l.done = nil
	l.in.Notices = []Notice{{Kind: SpotInterruption, ID: "a", Action: "stop", At: l.in.Now.Add(2 * minute)}}
	l.decide()
	at := 60*minute + time.Second
	l.did(t, deed{at, Warn, Cause(SpotInterruption)}, deed{at, Withdraw, Idle}, deed{at, CallOff, Idle}, deed{at, Prepare, Cause(SpotInterruption)})
}

func TestOutlook(t *testing.T) {
	l := newLife(hour, lifecycle.Stop)
	l.sensors = busyUntil(10 * minute)
	l.until(5 * minute)
	if o := l.state.Outlook(l.in); !o.Idle.On || !o.Idle.Active || len(o.Idle.Because) != 1 || !strings.Contains(o.Idle.Because[0], "CPU") {
		t.Errorf("busy: %+v", o.Idle)
	}
	l.until(30 * minute)
	o := l.state.Outlook(l.in)
	since := start.Add(10*minute - 10*time.Second)
	if o.Idle.Active || !o.Idle.Since.Equal(since) || !o.Idle.Next.Equal(since.Add(hour)) || o.Idle.Does != lifecycle.Stop {
		t.Errorf("quiet: %+v", o.Idle)
	}
	if o := (State{}).Outlook(Input{Now: start}); o.Idle.On || !o.Idle.Active || !o.Deadline.IsZero() {
		t.Errorf("nothing known: %+v", o)
	}
}

// TestAMonth lives through a month in which the machine is used now and then,
// and checks that the state does not grow.
func TestAMonth(t *testing.T) {
	l := newLife(2*hour, lifecycle.Stop)
	l.sensors = func(at time.Duration) []Signal {
		signals := quiet(at)
		signals[0].Active = at%(3*hour) < hour+50*minute
		return signals
	}
	for day := 1; day < 30; day++ {
		l.in.Notices = []Notice{{Kind: ScheduledEvent, ID: fmt.Sprint(day), Action: "reboot"}, {Kind: Rebalance, ID: fmt.Sprint("r", day)}}
		l.until(time.Duration(day) * 24 * hour)
	}
	var counts [Withdraw + 1]int
	for _, d := range l.done {
		counts[d.Action]++
	}
	if counts[End] != 0 || counts[Warn] != 2*29 {
		t.Errorf("%d ends and %d warnings", counts[End], counts[Warn])
	}
	if n := len(l.state.Seen()); n > maxSeen || cap(l.state.notices.seen) > 4*maxSeen {
		t.Errorf("remembers %d notices in room for %d", n, cap(l.state.notices.seen))
	}
}
