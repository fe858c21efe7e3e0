package crash_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// trouble is a launch of which one call meets a fault.
type trouble struct {
	scenario
	call  tape.Call
	after int // so many calls of its action come before it
	kind  fault.Kind
	code  string // of an error
	times int
}

func (x trouble) String() string {
	how := x.code
	if x.kind == fault.Lose {
		how = fmt.Sprintf("%d answers lost", x.times)
	}
	return strings.ReplaceAll(x.name+"/"+boundary{x.call.Action, x.after + 1, tape.Before}.call()+"/"+how, " ", "_")
}

// cause is what an error must name. The answer to HEAD has no body that could:
// the SDK makes a code of its status.
func (x trouble) cause() string {
	switch {
	case !strings.HasPrefix(x.call.Action, "Head"):
		return x.code
	case x.code == internal:
		return "InternalServerError"
	default:
		return "ServiceUnavailable"
	}
}

// retries is how often the SDK asks before it gives up: awsx sets it.
const retries = 5

// rule is the fault.
func (x trouble) rule() fault.Rule {
	r := fault.Rule{Kind: x.kind, Service: x.call.Service, Action: x.call.Action, After: x.after, Times: x.times, Code: x.code}
	if x.code == internal {
		r.Status = 500
	}
	return r
}

const internal = "InternalError"

// throttles is how a service says that there were too many calls.
func throttles(service string) string {
	switch service {
	case "ec2":
		return "RequestLimitExceeded"
	case "s3":
		return "SlowDown"
	case "scheduler", "ssm":
		return "ThrottlingException"
	default:
		return "Throttling"
	}
}

// TestEachCallInTroubleLeavesNothing fails and throttles each call until its last
// retry, and loses one answer of it or all, in turn. A launch succeeds, or
// nothing of it is left; what else fails is made good by a cleanup.
func TestEachCallInTroubleLeavesNothing(t *testing.T) {
	t.Parallel()
	needAgents(t)
	var troubles []trouble
	for _, s := range scenarios() {
		var own []trouble
		m := newStage(t, !s.noDefault).machine(t)
		if s.prepare != nil {
			s.prepare(t, m)
		}
		for _, c := range m.calls(t, s.args...) {
			own = append(own,
				trouble{s, c.Call, c.nth - 1, fault.Error, internal, retries},
				trouble{s, c.Call, c.nth - 1, fault.Error, throttles(c.Service), retries},
				trouble{s, c.Call, c.nth - 1, fault.Lose, "", 1},
				trouble{s, c.Call, c.nth - 1, fault.Lose, "", retries})
		}
		if !all() {
			own = pick(t, s.name, own, sample)
		}
		troubles = append(troubles, own...)
	}
	t.Logf("%d troubles", len(troubles))
	atOnce(t, 25, troubles, func(t *testing.T, x trouble) { x.run(t) }) // they wait, mostly
}

func (x trouble) run(t *testing.T) {
	m := newStage(t, !x.noDefault).machine(t)
	if x.prepare != nil {
		x.prepare(t, m)
	}
	before := len(m.living(t))
	if _, err := m.Local.Faults().Add(x.rule()); err != nil {
		t.Fatal(err)
	}
	said, err := m.run(t, x.args...)
	hits := m.Local.Faults().List()[0].Hits
	m.Local.Faults().Clear("")
	switch {
	case hits == 0 && x.call.Action == polled:
		t.Skip("the call was not made: this time one look fewer was enough")
	case hits == 0:
		t.Fatalf("the call was not made\n%s", said)
	}
	if n := len(m.launched(t)); n > x.count {
		t.Errorf("%d instances of %d\n%s", n, x.count, said)
	}
	if err != nil && x.kind == fault.Error && !strings.Contains(said, x.cause()) {
		t.Errorf("the cause is not named:\n%s", said)
	}
	if x.args[0] == "launch" {
		x.wantAllOrNothing(t, m, len(m.living(t))-before, before, said, err)
	}
	m.must(t, "cleanup", "--yes")
	x.wantGuarded(t, m, true)
	m.pass(t, end)
	told := m.must(t, "cleanup", "--yes")
	if n := len(m.launched(t)); n > x.count {
		t.Errorf("%d instances of %d: one was replaced", n, x.count)
	}
	m.wantNothingLeft(t, "after the end: "+told)
	if left := m.journals(t); len(left) > 0 {
		t.Errorf("journals are left: %v", left)
	}
}

// wantAllOrNothing looks at what a launch came to: all its instances live, perhaps
// without what it says they lack, or it failed and nothing of it is left.
func (x trouble) wantAllOrNothing(t *testing.T, m machine, got, before int, said string, err error) {
	t.Helper()
	want := x.count - before
	switch {
	case got == want:
	case got != 0 || err == nil:
		t.Errorf("%d of %d live, and the launch says: %v\n%s", got, want, err, said)
	case before == 0:
		m.wantNothingLeft(t, "after a launch that failed: "+said)
	}
}
