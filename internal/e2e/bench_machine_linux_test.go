package e2e_test

import (
	"fmt"
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

	pid := quiet.show("spored", "MainPID")
	// Nanoseconds on a processor, of all its threads: hundredths of a second are
	// too coarse for what is measured.
	// https://docs.kernel.org/scheduler/sched-stats.html
	spent := func() (nanoseconds float64) {
		out := quiet.do("awk '{ sum += $1 } END { printf \"%.0f\", sum }' /proc/" + pid + "/task/*/schedstat")
		if _, err := fmt.Sscan(out, &nanoseconds); err != nil {
			b.Fatal(err)
		}
		return nanoseconds
	}
	before, since := spent(), time.Now()
	time.Sleep(time.Minute)
	t.add("spored, of a core over a minute", 100*(spent()-before)/float64(time.Since(since)), 0.05, "%", "")
	var kilobytes float64
	if _, err := fmt.Sscan(quiet.do("awk '$1 == \"VmRSS:\" { print $2 }' /proc/"+pid+"/status"), &kilobytes); err != nil {
		b.Fatal(err)
	}
	t.add("spored under systemd, resident", kilobytes/1e3, 15, "MB", "")

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
