package crash_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestLaunchesAndACleanupAtOnce: old furniture lies about, which a cleanup takes
// away while ten launches begin to use it.
func TestLaunchesAndACleanupAtOnce(t *testing.T) {
	t.Parallel()
	rounds := 1
	if all() {
		rounds = 20
	}
	for round := range rounds {
		for _, defaultVPC := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d/default VPC %v", round, defaultVPC), func(t *testing.T) { together(t, defaultVPC) })
		}
	}
}

func together(t *testing.T, defaultVPC bool) {
	s := newStage(t, defaultVPC)
	warm, cold, cleaner := s.machine(t), s.machine(t), s.machine(t)
	warm.must(t, launchArgs()...)
	warm.must(t, "terminate", "it", "--yes", "--region", "us-east-1")
	s.pass(t, young)
	before := len(s.launched(t))
	var working sync.WaitGroup
	for i := range 10 {
		m := []machine{warm, cold}[i%2]
		working.Go(func() {
			if said, err := m.run(t, launchArgs("--name", fmt.Sprint("it-", i))...); err != nil {
				t.Errorf("launch %d: %v\n%s", i, err, said)
			}
		})
	}
	working.Go(func() {
		if said, err := cleaner.run(t, "cleanup", "--yes"); err != nil {
			t.Errorf("cleanup: %v\n%s", err, said)
		}
	})
	working.Wait()
	if n := len(s.launched(t)) - before; n != 10 || len(s.living(t)) != 10 {
		t.Errorf("%d launched, %d live", n, len(s.living(t)))
	}
	s.pass(t, end)
	told := cleaner.must(t, "cleanup", "--yes")
	s.wantNothingLeft(t, "when all have ended: "+told)
}
