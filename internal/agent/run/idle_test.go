package run

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/control"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// idleWorld is a quiet machine with a far deadline that goes idle in an hour.
func idleWorld(action lifecycle.IdleAction) *world {
	w := newWorld()
	w.tags[lifecycle.TagDeadline] = within(30 * 24 * time.Hour)
	w.tags[lifecycle.TagIdleTimeout] = "1h"
	w.tags[lifecycle.TagIdleAction] = string(action)
	return w
}

// busy is a machine that works.
func busy(context.Context, time.Time) []core.Signal {
	return []core.Signal{{Name: "cpu", Active: true, Detail: "CPU 43 % of 2 processors over 5m (idle below 5 %)"}}
}

// soon is how late an idle action may be: a sample, a tick and the last words.
const soon = senseEvery + seldom

func TestIdleInstanceIsStopped(t *testing.T) {
	for action, how := range map[lifecycle.IdleAction]string{lifecycle.Stop: "stop", lifecycle.Hibernate: "hibernate"} {
		synctest.Test(t, func(t *testing.T) {
			w, start := idleWorld(action), time.Now()
			w.hooksTake = time.Minute
			done, stop := run(t, w.options())
			time.Sleep(62 * time.Minute)
			stop() // as systemd does when the machine stops
			<-done
			if len(w.rested) != 1 || w.rested[0].how != how || len(w.terminated)+len(w.off) != 0 {
				t.Fatalf("rested %v, terminated %v, off %v; want one %s", w.rested, w.terminated, w.off, how)
			}
			endsAt(t, start, []time.Time{w.rested[0].at}, time.Hour+w.hooksTake, soon)
			if len(w.hooked) != 1 || w.hooked[0].Action != how || w.hooked[0].At.IsZero() {
				t.Errorf("hooks: %+v", w.hooked)
			}
			if len(w.warned) != 3 || w.warned[0].Sub(start) > 55*time.Minute+seldom {
				t.Errorf("users were warned at %v", w.warned)
			}
			phase := map[string]string{"stop": "stopping", "hibernate": "hibernating"}[how]
			if got := phases(w.told); got != "ready warned "+phase {
				t.Errorf("the status went %q", got)
			}
			if s := w.told[1]; s.Next.Sub(start).Round(10*time.Second) != time.Hour || !strings.Contains(s.Why, "idle since") {
				t.Errorf("the warning's status is %s", s)
			}
		})
	}
}

func TestIdleInstanceIsTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := idleWorld(lifecycle.Terminate), time.Now()
		done, stop := run(t, w.options())
		defer stop()
		<-done
		endsAt(t, start, w.terminated, time.Hour, soon)
		endsAt(t, start, w.off, time.Hour+terminatePatience, soon) // EC2 agreed and did nothing
		if len(w.rested) != 0 {
			t.Errorf("rested %v", w.rested)
		}
	})
}

func TestABusyInstanceLives(t *testing.T) {
	for name, sensors := range map[string]func(context.Context, time.Time) []core.Signal{
		"busy": busy,
		"a sensor fails": func(context.Context, time.Time) []core.Signal {
			return []core.Signal{{Name: "gpu", Err: errors.New("nvidia-smi hangs")}}
		},
		"the sensors hang": func(ctx context.Context, _ time.Time) []core.Signal { <-ctx.Done(); return nil },
		"no sensors":       func(context.Context, time.Time) []core.Signal { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, start := idleWorld(lifecycle.Terminate), time.Now()
				w.tags[lifecycle.TagDeadline] = within(24 * time.Hour)
				w.sensors = sensors
				done, stop := run(t, w.options())
				defer stop()
				<-done
				endsAt(t, start, w.terminated, 24*time.Hour, tick) // by its deadline, and on time
			})
		})
	}
}

func TestUseCallsTheStopOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := idleWorld(lifecycle.Stop)
		done, stop := run(t, w.options())
		time.Sleep(57 * time.Minute)
		w.set(func(w *world) { w.sensors = busy })
		time.Sleep(2 * time.Hour)
		stop()
		<-done
		if len(w.rested) != 0 || len(w.calledOff) != 1 || phases(w.told) != "ready warned ready" {
			t.Errorf("rested %v, called off %v, status %s", w.rested, w.calledOff, phases(w.told))
		}
		if last := w.told[len(w.told)-1]; !strings.Contains(last.Why, "CPU 43 %") {
			t.Errorf("the status does not say why it lives on: %s", last)
		}
	})
}

// TestAStopThatFails keeps the instance, says so and tries again, not in a
// storm; the deadline holds.
func TestAStopThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := idleWorld(lifecycle.Hibernate), time.Now()
		w.tags[lifecycle.TagDeadline] = within(12 * time.Hour)
		w.unrest = errors.New("UnsupportedOperation")
		done, stop := run(t, w.options())
		defer stop()
		time.Sleep(61 * time.Minute)
		w.set(func(w *world) {
			last := w.told[len(w.told)-1]
			if last.Phase != lifecycle.PhaseFailed || !strings.Contains(last.Why, "UnsupportedOperation") {
				t.Errorf("the status says %s", last)
			}
			if text := w.texts[len(w.texts)-1]; len(w.calledOff) == 0 && !strings.Contains(text, "runs on") {
				t.Errorf("users read %q", text)
			}
			if len(w.off)+len(w.terminated) != 0 {
				t.Error("a failed hibernation became an end")
			}
		})
		<-done
		if n := len(w.rested); n < 5 || n > 13 {
			t.Errorf("%d tries in eleven hours", n)
		}
		endsAt(t, start, w.terminated, 12*time.Hour, tick)
	})
}

// TestTheDeadlineComesWhileHooksHang has hooks that never end by themselves.
func TestTheDeadlineComesWhileHooksHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := idleWorld(lifecycle.Stop), time.Now()
		w.tags[lifecycle.TagDeadline] = within(61 * time.Minute)
		w.hooksTake = 1000 * time.Hour
		done, stop := run(t, w.options())
		defer stop()
		<-done
		endsAt(t, start, w.terminated, 61*time.Minute, tick)
	})
}

func TestHooksRunBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(time.Hour)
		w.hooksTake = 10 * time.Second
		done, stop := run(t, w.options())
		defer stop()
		<-done
		if len(w.hooked) != 1 || w.hooked[0].at.Sub(start) != time.Hour-core.HookTime {
			t.Errorf("hooks ran at %v", w.hooked)
		}
		endsAt(t, start, w.terminated, time.Hour, tick)
	})
}

// TestATagChangesTheIdlePolicy is heard of within half a minute, and
// acknowledged.
func TestATagChangesTheIdlePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(24 * time.Hour)
		done, stop := run(t, w.options())
		time.Sleep(2 * time.Hour)
		w.set(func(w *world) {
			w.tags[lifecycle.TagIdleTimeout], w.tags[lifecycle.TagIdleAction] = "20m", "stop"
		})
		time.Sleep(30 * time.Second)
		w.set(func(w *world) {
			last := w.told[len(w.told)-1]
			if want := (lifecycle.IdlePolicy{Timeout: 20 * time.Minute, Action: lifecycle.Stop}).Watch(); last.Idle != want {
				t.Errorf("acknowledged %s, want %s", last.Idle, want)
			}
		})
		time.Sleep(10 * time.Minute)
		stop()
		<-done
		if len(w.rested) == 0 || len(w.warned) < 2 || w.rested[0].at.Sub(w.warned[0]) < 5*time.Minute {
			t.Errorf("stopped %v after warnings at %v, since %s", w.rested, w.warned, start)
		}
	})
}

// TestAnIdlePolicyThatWasJustChangedWins moves the tag after the last poll.
func TestAnIdlePolicyThatWasJustChangedWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := idleWorld(lifecycle.Stop)
		done, stop := run(t, w.options())
		time.Sleep(time.Hour - 500*time.Millisecond)
		w.set(func(w *world) { w.tags[lifecycle.TagIdleTimeout] = "5h" })
		time.Sleep(30 * time.Minute)
		stop()
		<-done
		if len(w.rested) != 0 {
			t.Errorf("stopped %v", w.rested)
		}
	})
}

func TestResumedFromHibernation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := idleWorld(lifecycle.Hibernate)
		done, stop := run(t, w.options())
		time.Sleep(time.Hour + time.Minute)
		w.set(func(w *world) { w.skew = 100 * time.Hour }) // asleep, and awake again
		resumed := time.Now()
		time.Sleep(58 * time.Minute)
		w.set(func(w *world) {
			if len(w.rested) != 1 {
				t.Errorf("rested %v, want once before and not again", w.rested)
			}
			if last := w.told[len(w.told)-1]; last.Phase == lifecycle.PhaseFailed || last.Phase == lifecycle.PhaseHibernating {
				t.Errorf("awake, the status still says %s", last)
			}
		})
		time.Sleep(5 * time.Minute)
		stop()
		<-done
		if len(w.rested) != 2 || w.rested[1].at.Sub(resumed) < time.Hour {
			t.Errorf("rested %v, want again an hour after %s", w.rested, resumed)
		}
	})
}

func TestSpotInterruption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := idleWorld(lifecycle.Stop)
		o := w.options()
		o.StateDir = t.TempDir()
		synced := 0
		o.Sync = func(context.Context) { w.set(func(*world) { synced++ }) }
		done, stop := run(t, o)
		time.Sleep(10 * time.Minute)
		told := time.Now()
		w.set(func(w *world) {
			w.notices = []core.Notice{{Kind: core.SpotInterruption, ID: "a", Action: "terminate", At: told.Add(2 * time.Minute)}}
			w.hooksTake = 20 * time.Second
		})
		time.Sleep(time.Minute)
		stop()
		<-done
		if len(w.hooked) != 1 || w.hooked[0].at.Sub(told) > noticesEvery+tick || w.hooked[0].Action != "terminate" || synced != 1 {
			t.Fatalf("hooks %+v, synced %d times", w.hooked, synced)
		}
		if last := w.told[len(w.told)-1]; last.Phase != lifecycle.PhaseWarned || !strings.Contains(last.Why, "Spot") {
			t.Errorf("the status says %s", last)
		}
		warnings := len(w.warned)

		done, stop = run(t, o)
		time.Sleep(50 * time.Second)
		stop()
		<-done
		if len(w.hooked) != 1 || len(w.warned) != warnings || len(w.terminated)+len(w.rested) != 0 {
			t.Errorf("a restarted agent began again: hooks %+v, warnings %v", w.hooked, w.warned)
		}
	})
}

func TestADamagedMemoryIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := idleWorld(lifecycle.Stop), t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, act.MemoryFile), []byte("\x00{"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := w.options()
		o.StateDir = dir
		w.notices = []core.Notice{{Kind: core.SpotInterruption, ID: "a", Action: "stop"}}
		done, stop := run(t, o)
		time.Sleep(time.Minute)
		stop()
		<-done
		if len(w.hooked) != 1 {
			t.Errorf("hooks ran %d times", len(w.hooked))
		}
	})
}

// counter is where the instance's users ask: it hands the agent to the test.
type counter struct{ agents chan control.Agent }

func (c counter) Serve(ctx context.Context, a control.Agent) {
	c.agents <- a
	<-ctx.Done()
}

// asked runs an agent that the test can ask.
func asked(t *testing.T, o Options) (a control.Agent, done chan error, stop context.CancelFunc) {
	t.Helper()
	c := counter{make(chan control.Agent, 1)}
	o.Control = c
	done, stop = run(t, o)
	return <-c.agents, done, stop
}

func TestComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(10 * time.Hour)
		w.hooksTake = 30 * time.Second
		a, done, stop := asked(t, w.options())
		defer stop()
		time.Sleep(time.Hour)
		if err := a.Complete(core.Completion{Status: "ok"}); err != nil {
			t.Fatal(err)
		}
		if a.Complete(core.Completion{Status: "failed"}) == nil {
			t.Error("a second word was taken")
		}
		time.Sleep(10 * time.Second)
		if s := a.Status(); s.Completed != "ok" || s.Phase != lifecycle.PhaseEnding {
			t.Errorf("the status is %+v", s)
		}
		<-done
		endsAt(t, start, w.terminated, time.Hour+w.hooksTake, 2*tick)
		if len(w.hooked) != 1 || len(w.warned) == 0 {
			t.Errorf("hooks %v, warnings %v", w.hooked, w.warned)
		}
	})
}

func TestKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := idleWorld(lifecycle.Stop), time.Now()
		o := w.options()
		o.StateDir = t.TempDir()
		a, done, stop := asked(t, o)
		time.Sleep(30 * time.Minute)
		until, err := a.Keepalive(3 * time.Hour)
		if err != nil || until.Sub(start) != 3*time.Hour+30*time.Minute {
			t.Fatalf("kept alive until %s, %v", until, err)
		}
		if shorter, err := a.Keepalive(time.Minute); err != nil || !shorter.Equal(until) {
			t.Errorf("a shorter time after a longer one: until %s, %v", shorter, err)
		}
		time.Sleep(5 * time.Second)
		stop() // and again, as after an update
		<-done
		a, done, stop = asked(t, o)
		time.Sleep(150 * time.Minute)
		if s := a.Status(); !s.KeepaliveUntil.Equal(until) || s.Idle.Now || len(w.rested) != 0 {
			t.Errorf("after a restart the keepalive is forgotten: %+v", s)
		}
		time.Sleep(2 * time.Hour)
		stop()
		<-done
		if len(w.rested) == 0 || w.rested[0].at.Before(until.Add(time.Hour)) {
			t.Errorf("stopped %v, want an hour after %s", w.rested, until)
		}
	})
}

func TestTheInstanceAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		o := w.options()
		o.PolicyFile = filepath.Join(t.TempDir(), "policy.json")
		at := lifecycle.DeadlineAt(start.Add(5 * time.Hour))
		b, err := json.Marshal(lifecycle.Policy{
			Deadline: at, Tagged: at, PreStop: "sync-it",
			Idle: lifecycle.IdlePolicy{Timeout: time.Hour, Action: lifecycle.Stop, BusyWhile: lifecycle.BusyWhile{Files: []string{"/run/busy"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(o.PolicyFile, b, 0o600); err != nil {
			t.Fatal(err)
		}
		w.tags[lifecycle.TagIdleTimeout] = "2h"
		a, done, stop := asked(t, o)
		time.Sleep(30 * time.Minute)
		s := a.Status()
		if s.Phase != lifecycle.PhaseReady || s.Deadline != at || s.Instance != w.id || len(s.Signals) != 1 || s.Tag.Value == "" {
			t.Errorf("the status is %+v", s)
		}
		if !s.Idle.Now || s.Idle.Timeout != 7200 || s.Next == nil || s.Next.Action != "stop" || s.Next.At.Sub(start) != 2*time.Hour {
			t.Errorf("idle %+v, next %+v", s.Idle, s.Next)
		}
		file := "the file " + o.PolicyFile
		want := map[string]control.Setting{
			"deadline":         {Value: at.String(), From: file},
			"idle timeout":     {Value: "2h", From: "the tag spawn:idle-timeout"},
			"idle CPU":         {Value: "5 %", From: "the default"},
			"idle action":      {Value: "stop", From: file},
			"busy while files": {Value: "/run/busy", From: file},
			"pre-stop":         {Value: "sync-it", From: file},
		}
		for _, setting := range a.Config().Settings {
			expect, there := want[setting.Name]
			if there && (setting.Value != expect.Value || setting.From != expect.From) {
				t.Errorf("%s is %q from %s, want %q from %s", setting.Name, setting.Value, setting.From, expect.Value, expect.From)
			}
			delete(want, setting.Name)
		}
		if len(want) != 0 {
			t.Errorf("not told: %v", want)
		}
		stop()
		<-done
	})
}

// TestRootChangesTheFile edits the policy file and restarts the agent, as an
// administrator would. The deadline that a tag moved is kept.
func TestRootChangesTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		o := w.options()
		o.StateDir, o.PolicyFile = t.TempDir(), policyFile(t, t.TempDir(), time.Hour)
		w.tags[lifecycle.TagDeadline] = within(20 * time.Hour)
		done, stop := run(t, o)
		time.Sleep(time.Minute)
		stop()
		<-done

		b := `{"deadline":"` + lifecycle.DeadlineAt(start.Add(time.Hour)).String() + `","idle":{"timeout":"30m","action":"stop"},"pre_stop":"mine"}`
		if err := os.WriteFile(o.PolicyFile, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(100 * 365 * 24 * time.Hour) // the bubble's clock is not the disk's
		if err := os.Chtimes(o.PolicyFile, later, later); err != nil {
			t.Fatal(err)
		}
		w.set(func(w *world) { w.silent = true })
		a, done, stop := asked(t, o)
		time.Sleep(2 * time.Hour)
		if s := a.Status(); s.Deadline != lifecycle.DeadlineAt(start.Add(20*time.Hour)) || s.Idle.Timeout != 1800 {
			t.Errorf("deadline %s, idle %+v", s.Deadline, s.Idle)
		}
		stop()
		<-done
	})
}

// TestAMonth lives a month of an instance that is used now and then, hears
// notices and is asked how it stands; nothing grows.
func TestAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := idleWorld(lifecycle.Stop), time.Now()
		w.unrest = errors.New("IncorrectInstanceState")
		w.sensors = func(_ context.Context, now time.Time) []core.Signal {
			hour := now.Sub(start) / time.Hour
			return []core.Signal{{Name: "cpu", Active: hour%4 < 2}}
		}
		a, done, stop := asked(t, w.options())
		defer stop()
		time.Sleep(time.Hour)
		before := runtime.NumGoroutine()
		most := 0
		for range 29 {
			time.Sleep(24*time.Hour - time.Minute)
			w.set(func(w *world) { w.warned, w.texts, w.told, w.rested, w.notified = nil, nil, nil, nil, nil })
			time.Sleep(time.Minute)
			a.Status()
			most = max(most, runtime.NumGoroutine())
		}
		if most > before+2 { // a hook or two at work
			t.Errorf("%d goroutines grew to %d", before, most)
		}
		<-done
		endsAt(t, start, w.terminated, 30*24*time.Hour, tick)
	})
}
