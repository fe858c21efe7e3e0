//go:build unix

package e2e_test

import (
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// measureQuestions counts what truffle asks of a cloud, from the cloud's tape.
func measureQuestions(b *testing.B, t *budgets) {
	u := newUser(b, false)
	u.do(nil, "spawn", "local", "up", "--runtime", "none")
	// As slow as a far cloud: calls to one on the same machine would end before
	// others of the same round trip have begun.
	u.do(nil, "spawn", "local", "fault", "latency", "--delay", "1s")
	_, control := u.contact().look(b)
	for _, q := range []struct {
		args  []string
		depth float64 // round trips
	}{
		{[]string{"search", "m7i.large"}, 1},
		{[]string{"search", "m7i.*", "-r", "all"}, 2},
		{[]string{"search", "--vcpus", "2+", "-r", "all"}, 2},
	} {
		before, err := control.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		begun := time.Now()
		u.do(nil, "truffle", append(q.args, "--local", "--limit", "1")...)
		took := time.Since(begun)
		calls, err := control.Tape(b.Context(), before.Calls)
		if err != nil {
			b.Fatal(err)
		}
		name := "truffle"
		for _, arg := range q.args {
			name += " " + arg
		}
		t.add(name+", asked", milliseconds(took), 0, "ms", "")
		t.add(name+", round trips deep", float64(tape.Depth(calls)), q.depth, "", "")
		t.add(name+", calls", float64(len(calls)), 0, "", "")
	}
}
