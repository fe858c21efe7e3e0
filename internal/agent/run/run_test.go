package run

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// The tests below live in a bubble of testing/synctest: time there is made up
// and passes at once when everybody waits for it.

// within is a deadline tag for d from now.
func within(d time.Duration) string { return lifecycle.DeadlineAt(time.Now().Add(d)).String() }

// policyFile writes a policy file whose deadline is d from now.
func policyFile(t *testing.T, dir string, d time.Duration) string {
	t.Helper()
	path := filepath.Join(dir, "bootstrap.json")
	at := lifecycle.DeadlineAt(time.Now().Add(d))
	b, err := lifecycle.Policy{Launched: time.Now(), Deadline: at, Tagged: at}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func phases(told []lifecycle.Status) string {
	var names []string
	for _, s := range told {
		names = append(names, string(s.Phase))
	}
	return strings.Join(names, " ")
}

// endsAt checks that the agent ended its instance once, so long after start.
func endsAt(t *testing.T, start time.Time, ends []time.Time, want, late time.Duration) {
	t.Helper()
	if len(ends) != 1 {
		t.Fatalf("ended %d times, want once", len(ends))
	}
	if got := ends[0].Sub(start); got < want || got > want+late {
		t.Errorf("ended after %s, want %s and at most %s later", got, want, late)
	}
}

func TestAnOrdinaryLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start, state := newWorld(), time.Now(), t.TempDir()
		w.tags[lifecycle.TagDeadline] = within(10 * time.Minute)
		o := w.options()
		o.StateDir = state
		done, stop := run(t, o)
		defer stop()

		time.Sleep(time.Minute)
		w.set(func(w *world) {
			if phases(w.told) != "ready" || w.told[0].Deadline.String() != w.tags[lifecycle.TagDeadline] {
				t.Errorf("after a minute the status says %v", w.told)
			}
			if len(w.notified) == 0 || w.notified[0] != "READY=1" {
				t.Errorf("the service manager was told %v", w.notified)
			}
		})
		kept, err := os.ReadFile(filepath.Join(state, act.DeadlineFile))
		want := strconv.FormatInt(start.Add(10*time.Minute).Unix(), 10) + "\n"
		if err != nil || string(kept) != want {
			t.Errorf("the operating system's timer is told %q (%v), want %q", kept, err, want)
		}

		if err := <-done; err != nil {
			t.Fatal(err)
		}
		endsAt(t, start, w.terminated, 10*time.Minute, tick)
		endsAt(t, start, w.off, 10*time.Minute+terminatePatience, tick) // EC2 agreed and did nothing
		if len(w.warned) != 3 {
			t.Errorf("users were warned %d times, want 5 minutes and 1 minute before and at the end", len(w.warned))
		}
		if got := phases(w.told); got != "ready warned ending" {
			t.Errorf("the status went %q", got)
		}
	})
}

func TestStoppingTheAgentEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.tags[lifecycle.TagDeadline] = within(time.Hour)
		done, stop := run(t, w.options())
		time.Sleep(time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Errorf("a clean stop returned %v", err)
		}
		if len(w.terminated)+len(w.off) != 0 {
			t.Error("stopping the agent ended the instance")
		}
	})
}

func TestExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(10 * time.Minute)
		done, stop := run(t, w.options())
		defer stop()

		time.Sleep(6 * time.Minute)
		later := lifecycle.DeadlineAt(start.Add(time.Hour)).String()
		w.set(func(w *world) { w.tags[lifecycle.TagDeadline] = later })
		time.Sleep(pollEvery + 2*tick)
		w.set(func(w *world) {
			last := w.told[len(w.told)-1]
			if last.Phase != lifecycle.PhaseReady || last.Deadline.String() != later {
				t.Errorf("the extension was acknowledged as %s", last)
			}
			if len(w.calledOff) != 1 {
				t.Errorf("the warning was called off %d times", len(w.calledOff))
			}
		})
		<-done
		endsAt(t, start, w.terminated, time.Hour, tick)
	})
}

// TestExtendedAtTheLastMoment moves the tag after the last poll before the
// deadline: the look before the end must see it.
func TestExtendedAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(7 * time.Second)
		done, stop := run(t, w.options())
		defer stop()
		time.Sleep(6500 * time.Millisecond)
		w.set(func(w *world) { w.tags[lifecycle.TagDeadline] = within(time.Hour) })
		<-done
		endsAt(t, start, w.terminated, time.Hour, 7*time.Second+tick)
	})
}

func TestShortenedIntoThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(time.Hour)
		done, stop := run(t, w.options())
		defer stop()
		time.Sleep(10 * time.Minute)
		w.set(func(w *world) { w.tags[lifecycle.TagDeadline] = lifecycle.DeadlineAt(start).String() })
		<-done
		endsAt(t, start, w.terminated, 10*time.Minute, pollEvery+tick)
		if len(w.warned) == 0 || w.warned[0].After(w.terminated[0]) {
			t.Error("the instance was ended before its users were warned")
		}
	})
}

// TestTornTags lets the agent read the tags in the middle of a change: for one
// reader there is a new TTL next to the deadline from before, which would mean
// another deadline, two minutes away.
func TestTornTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		created := start.UTC().Format(time.RFC3339)
		w.tags = map[string]string{
			lifecycle.TagDeadline: within(3 * time.Hour), lifecycle.TagTTL: "3h", lifecycle.TagCreated: created,
		}
		done, stop := run(t, w.options())
		defer stop()
		time.Sleep(2 * time.Hour)
		w.set(func(w *world) {
			w.torn = map[string]string{
				lifecycle.TagDeadline: w.tags[lifecycle.TagDeadline], lifecycle.TagTTL: "2h2m", lifecycle.TagCreated: created,
			}
		})
		<-done
		endsAt(t, start, w.terminated, 3*time.Hour, tick)
		if len(w.warned) != 3 {
			t.Errorf("users were warned %d times, want 3", len(w.warned))
		}
	})
}

func TestGarbageTagsMoveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(10 * time.Minute)
		done, stop := run(t, w.options())
		defer stop()
		time.Sleep(time.Minute)
		w.set(func(w *world) { w.tags[lifecycle.TagDeadline] = "$(poweroff)" })
		time.Sleep(time.Minute)
		w.set(func(w *world) { w.tags = map[string]string{} })
		<-done
		endsAt(t, start, w.terminated, 10*time.Minute, tick)
	})
}

// TestSilentMetadata has a file and a service that accepts and never answers.
func TestSilentMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.silent, w.hangs = true, true
		o := w.options()
		o.PolicyFile = policyFile(t, t.TempDir(), 2*time.Minute)
		done, stop := run(t, o)
		defer stop()
		<-done
		endsAt(t, start, w.off, 2*time.Minute, confirmPatience+lastWords+terminatePatience+tick)
	})
}

func TestMetadataComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.silent = true
		w.tags[lifecycle.TagDeadline] = within(3 * time.Hour)
		o := w.options()
		o.PolicyFile = policyFile(t, t.TempDir(), time.Hour)
		done, stop := run(t, o)
		defer stop()
		time.Sleep(30 * time.Minute)
		w.set(func(w *world) { w.silent = false })
		<-done
		endsAt(t, start, w.terminated, 3*time.Hour, tick)
	})
}

// TestExtendedWhileStopped starts with a deadline long past in the file, and
// metadata that is late with the news that it was moved.
func TestExtendedWhileStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.silent = true
		w.tags[lifecycle.TagDeadline] = within(time.Hour)
		o := w.options()
		o.PolicyFile = policyFile(t, t.TempDir(), -time.Hour)
		done, stop := run(t, o)
		defer stop()
		time.Sleep(30 * time.Second)
		w.set(func(w *world) { w.silent = false })
		<-done
		endsAt(t, start, w.terminated, time.Hour, tick)
	})
}

func TestPastWhenStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		o := w.options()
		o.PolicyFile = policyFile(t, t.TempDir(), -time.Hour)
		done, stop := run(t, o)
		defer stop()
		<-done
		endsAt(t, start, w.terminated, 0, tick)
	})
}

// TestForeignDisk starts from an image of another instance's disk.
func TestForeignDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		o := w.options()
		o.PolicyFile = policyFile(t, dir, -time.Hour)
		o.InstanceFile = filepath.Join(dir, "instance")
		if err := os.WriteFile(o.InstanceFile, []byte("i-0other\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		done, stop := run(t, o)
		time.Sleep(24 * time.Hour)
		stop()
		<-done
		if len(w.terminated)+len(w.off) != 0 {
			t.Error("ended by the deadline of another instance")
		}
	})
}

// TestRefused has an EC2 that refuses everything and a power switch that
// sticks: the agent must not give up.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(2 * time.Minute)
		w.refuse, w.untold, w.stuck = errors.New("UnauthorizedOperation"), errors.New("UnauthorizedOperation"), 2
		done, stop := run(t, w.options())
		defer stop()
		<-done
		endsAt(t, start, w.off, 2*time.Minute, lastWords+3*(terminatePatience+tick))
	})
}

func TestNoRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(2 * time.Minute)
		w.refuse = act.ErrNoRole
		done, stop := run(t, w.options())
		defer stop()
		<-done
		endsAt(t, start, w.off, 2*time.Minute, lastWords+tick)
	})
}

// TestClockJumps suspends the machine, or sets its clock: the wall clock jumps,
// Go's timers do not notice. The agent goes by the wall. A clock that is set back
// makes it as late, which is what the cloud's own layer is for.
func TestClockJumps(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		by, ends, late time.Duration
	}{
		"over its deadline": {by: 11 * time.Hour, ends: time.Minute, late: seldom},
		"a day on":          {by: day, ends: time.Minute, late: seldom},
		"not so far":        {by: 4 * time.Hour, ends: 6 * time.Hour, late: tick},
		"a day back":        {by: -day, ends: 10*time.Hour + day, late: tick},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, start := newWorld(), time.Now()
				w.tags[lifecycle.TagDeadline] = within(10 * time.Hour)
				done, stop := run(t, w.options())
				defer stop()
				time.Sleep(time.Minute)
				w.set(func(w *world) { w.skew = tt.by })
				<-done
				endsAt(t, start, w.terminated, tt.ends, tt.late)
			})
		})
	}
}

// TestRestart starts a second agent after the first learnt of an extension:
// it must know of it without any metadata.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		o := w.options()
		o.StateDir = t.TempDir()
		o.PolicyFile = policyFile(t, t.TempDir(), 10*time.Minute)
		w.tags[lifecycle.TagDeadline] = within(time.Hour)
		done, stop := run(t, o)
		time.Sleep(time.Minute)
		stop()
		<-done

		w.set(func(w *world) { w.silent = true })
		done, stop = run(t, o)
		defer stop()
		<-done
		endsAt(t, start, w.off, time.Hour, confirmPatience+lastWords+terminatePatience+tick)
	})
}

func TestStatusIsWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.tags[lifecycle.TagDeadline] = within(time.Hour)
		w.untold = errors.New("RequestLimitExceeded")
		done, stop := run(t, w.options())
		time.Sleep(10 * time.Minute)
		w.set(func(w *world) { w.untold = nil })
		time.Sleep(lastTellRetry)
		stop()
		<-done
		if got := phases(w.told); got != "ready" {
			t.Errorf("the status went %q", got)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	o := newWorld().options()
	o.PowerOff = nil
	if Run(t.Context(), o) == nil {
		t.Error("ran without a way to end")
	}
}
