package e2e_test

import (
	"os"
	"testing"
	"time"
)

// measureMachine measures the agent where it lives: under systemd, on a machine
// that does nothing else.
func measureMachine(b *testing.B, t *budgets) {
	if os.Getenv("SPAWN_E2E_MACHINE") == "" {
		t.rows = append(t.rows, "spored under systemd\tnot measured: no disk to boot from, make e2e makes it")
		return
	}
	s := newSite(b)
	begun := time.Now()
	quiet := s.launch(b, "quiet", "--ttl", "30m")
	t.add("launch until the agent is ready, under systemd", time.Since(begun).Seconds(), 0, "s", "")

	spot := s.launch(b, "quiet-spot", "--spot", "--ttl", "30m")
	before, beforeSpot, since := quiet.spent(), spot.spent(), time.Now()
	time.Sleep(time.Minute)
	t.add("spored, of a core over a minute", 100*(quiet.spent()-before)/float64(time.Since(since)), 0.05, "%", "")
	t.add("the same on a Spot Instance", 100*(spot.spent()-beforeSpot)/float64(time.Since(since)), 0.05, "%", "")
	t.add("spored under systemd, resident", quiet.vitalsNow().Resident, 15, "MB", "")

	ending := s.launch(b, "ending", "--ttl", "60s")
	t.add("action after the deadline", s.endCalled(b, ending).Sub(ending.Deadline).Seconds(), 1, "s", "")

	t.add("Spot notice until a hook runs", s.launch(b, "noticed", "--spot", "--ttl", "30m").notice(b).Seconds(), 5, "s", "")
}

// endCalled waits until an instance has ended itself and returns when it asked
// for that.
func (s *site) endCalled(b *testing.B, in *box) time.Time {
	b.Helper()
	in.awaitState("terminated", time.Until(in.Deadline)+time.Minute)
	_, control := s.user.contact().look(b)
	defer control.Close()
	calls, err := control.Tape(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, call := range calls {
		if call.Action == "TerminateInstances" {
			return call.Time
		}
	}
	b.Fatal("the instance did not end itself by the API")
	return time.Time{}
}
