package crash_test

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// boundary is a place in a run of spawn: a point of the so-many-th call of an
// action. Calls that are made side by side come in any order, so that a number
// among all calls would name another one in each run.
type boundary struct {
	action string
	nth    int // from 1
	point  tape.Point
}

func (b boundary) String() string {
	return b.call() + [...]string{"-before", "-effect", "-after"}[b.point]
}

// call names the call.
func (b boundary) call() string { return fmt.Sprintf("%s-%d", b.action, b.nth) }

// numbered is a call with its number among those of its action, from 1.
type numbered struct {
	tape.Call
	nth int
}

// calls runs spawn undisturbed and returns the calls that it made.
func (m machine) calls(t *testing.T, args ...string) (all []numbered) {
	t.Helper()
	before := m.Local.Tape().Count()
	m.must(t, args...)
	seen := map[string]int{}
	for _, c := range m.Local.Tape().Calls(before) {
		if c.Principal == m.userARN && c.Action != "" {
			seen[c.Action]++
			all = append(all, numbered{c, seen[c.Action]})
		}
	}
	return all
}

// boundaries are those of all calls that spawn makes when it is not disturbed.
func (m machine) boundaries(t *testing.T, args ...string) (all []boundary) {
	t.Helper()
	for _, c := range m.calls(t, args...) {
		for _, p := range []tape.Point{tape.Before, tape.Effect, tape.After} {
			all = append(all, boundary{c.Action, c.nth, p})
		}
	}
	return all
}

// executioner kills a process at a boundary. What the process had sent before
// takes its course, what would come after it does not arrive.
type executioner struct {
	user string
	at   boundary

	mu      sync.Mutex
	victim  *os.Process
	seen    map[string]int
	numbers map[uint64]int // of the calls under way, by their number on the tape
	dead    bool
	idle    *sync.Cond
}

// runToDeath runs spawn and kills it at the boundary. It returns when the process
// is gone and nothing it sent is under way any more.
func (m machine) runToDeath(t *testing.T, at boundary, args ...string) (killed bool, said string) {
	t.Helper()
	x := &executioner{user: m.userARN, at: at, seen: map[string]int{}, numbers: map[uint64]int{}}
	x.idle = sync.NewCond(&x.mu)
	defer m.Local.Tape().AddHook(x.hook)()
	cmd := m.command(t, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	x.mu.Lock()
	err := cmd.Start()
	x.victim = cmd.Process
	x.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.numbers) > 0 {
		x.idle.Wait()
	}
	if !x.dead && err != nil {
		t.Errorf("spawn %v was not killed, and failed: %v\n%s", args, err, out.String())
	}
	return x.dead, out.String()
}

// hook is asked at each point of each call.
func (x *executioner) hook(p tape.Point, c tape.Call) tape.Verdict {
	if c.Principal != x.user {
		return tape.Continue
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if p == tape.Before {
		if x.dead {
			return tape.HangUp
		}
		x.seen[c.Action]++
		x.numbers[c.Seq] = x.seen[c.Action]
	}
	verdict := tape.Continue
	if !x.dead && x.at == (boundary{c.Action, x.numbers[c.Seq], p}) {
		x.dead = true
		_ = x.victim.Kill() // it waits for an answer, so it is there
		verdict = tape.HangUp
	}
	if verdict == tape.HangUp || p == tape.After {
		delete(x.numbers, c.Seq)
		x.idle.Broadcast()
	}
	return verdict
}
