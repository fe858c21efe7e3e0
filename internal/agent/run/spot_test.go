package run

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

var (
	errDenied    = &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"}
	errOneTime   = &smithy.GenericAPIError{Code: "UnsupportedOperation", Message: "it is associated with a one-time Spot Instance request"}
	errThrottled = errors.New("RequestLimitExceeded")
)

func TestASpotRequestIsCancelledFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := idleWorld(lifecycle.Terminate)
		w.tags[lifecycle.TagSpotRequest] = "sir-1"
		w.uncancelled = errThrottled
		done, stop := run(t, w.options())
		defer stop()
		time.Sleep(90 * time.Minute)
		w.set(func(w *world) {
			if len(w.terminated) != 0 || len(w.cancelled) == 0 || len(w.cancelled) > 4 {
				t.Errorf("terminated %v, cancelled %v: an idle Spot instance would have come back", w.terminated, w.cancelled)
			}
			w.uncancelled = nil
		})
		<-done
		if len(w.terminated) != 1 {
			t.Errorf("terminated %v", w.terminated)
		}
	})
}

// TestGarbageIsNoSpotRequest: what nobody could cancel holds no end off, and the
// request that was known is not forgotten for it.
func TestGarbageIsNoSpotRequest(t *testing.T) {
	for first, want := range map[string][]string{"$(poweroff)": nil, "sir-": nil, "sir-1": {"sir-1", "sir-1"}} {
		synctest.Test(t, func(t *testing.T) {
			w := idleWorld(lifecycle.Terminate)
			w.tags[lifecycle.TagSpotRequest] = first
			done, stop := run(t, w.options())
			defer stop()
			time.Sleep(time.Minute)
			w.set(func(w *world) { w.tags[lifecycle.TagSpotRequest] = "sir-1; reboot" })
			<-done
			if !slices.Equal(w.cancelled, want) || len(w.terminated) != 1 {
				t.Errorf("after %q: terminated %v, cancelled %v", first, w.terminated, w.cancelled)
			}
		})
	}
}

func TestTheDeadlineDoesNotWaitForTheSpotRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(), time.Now()
		w.tags[lifecycle.TagDeadline] = within(10 * time.Minute)
		w.tags[lifecycle.TagSpotRequest] = "sir-1"
		w.uncancelled = errThrottled
		done, stop := run(t, w.options())
		defer stop()
		<-done
		endsAt(t, start, w.terminated, 10*time.Minute, tick)
		if len(w.cancelled) == 0 {
			t.Error("nobody tried to cancel the Spot request")
		}
	})
}

// TestSpotInterruption is handled once, at once, and not again by an agent that
// is restarted.
// TestASpotRequestThatMayNotBeCancelled is one that is another's, or was never
// tied to this instance. It holds no end off: EC2's answer to a stop tells
// whether a replacement would come.
func TestASpotRequestThatMayNotBeCancelled(t *testing.T) {
	for name, tt := range map[string]struct {
		completed         bool
		onDemand          bool
		unrest            error
		cancelled, rested int
		ends              bool
	}{
		"idle, of a persistent request":     {cancelled: deniedTries, rested: 1},
		"idle, of a one-time request":       {unrest: errOneTime, cancelled: deniedTries + 1, rested: 1, ends: true},
		"idle, bought on demand":            {onDemand: true, ends: true},
		"complete, of a persistent request": {completed: true, cancelled: deniedTries, rested: 1},
		"complete, of a one-time request":   {completed: true, unrest: errOneTime, cancelled: deniedTries + 1, rested: 1, ends: true},
		"complete, bought on demand":        {completed: true, onDemand: true, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := idleWorld(lifecycle.Terminate)
				w.tags[lifecycle.TagSpotRequest] = "sir-1"
				w.uncancelled, w.unrest, w.onDemand = errDenied, tt.unrest, tt.onDemand
				if tt.completed {
					delete(w.tags, lifecycle.TagIdleTimeout)
				}
				a, done, stop := asked(t, w.options())
				if tt.completed {
					time.Sleep(time.Minute)
					if err := a.Complete(core.Completion{Status: "ok"}); err != nil {
						t.Fatal(err)
					}
				} else {
					time.Sleep(time.Hour)
				}
				time.Sleep(4 * time.Minute)
				if !tt.ends {
					stop() // as systemd does when the machine stops
				}
				<-done
				if len(w.cancelled) != tt.cancelled || len(w.rested) != tt.rested || (len(w.terminated) == 1) != tt.ends {
					t.Errorf("cancelled %v, rested %v, terminated %v", w.cancelled, w.rested, w.terminated)
				}
				last := lifecycle.PhaseStopping
				if tt.ends {
					last = lifecycle.PhaseEnding
				}
				if !slices.ContainsFunc(w.told, func(s lifecycle.Status) bool { return s.Phase == last }) {
					t.Errorf("the status went %q", phases(w.told))
				}
			})
		})
	}
}
