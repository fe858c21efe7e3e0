package run

import (
	"context"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Sensor tells whether the instance is in use. *sense.Activity is the real one:
// it returns within moments, whatever hangs.
type Sensor interface {
	Sense(ctx context.Context, now time.Time, idle lifecycle.IdlePolicy) []core.Signal
}

// NoticeBoard is where EC2 says what will happen to the instance.
// *sense.Notices is the real one. What it returns with an error still stands.
type NoticeBoard interface {
	Read(context.Context) ([]core.Notice, error)
}

const (
	senseEvery      = 12 * time.Second // between two samples
	noticesEvery    = 4 * time.Second  // how late a Spot interruption is heard of: hooks have begun within five
	noticesPatience = 4 * time.Second  // for one look
)

// senseUse takes samples of the machine's use, also while idleness ends
// nothing: whoever asks wants to know, and a tag may switch it on.
func (a *agent) senseUse(ctx context.Context) {
	if a.Sensor == nil {
		return
	}
	for {
		a.readScripts(ctx)
		begun, at, idle := a.elapsed(), a.wall(), a.known.current().Idle
		signals := a.Sensor.Sense(ctx, at, idle)
		if ctx.Err() == nil {
			a.known.locked(func() { a.known.signals, a.known.sampled, a.known.sampledAt = signals, begun, at })
		}
		if wait(ctx, a.untilNext(senseEvery)) != nil {
			return
		}
	}
}

// readNotices looks for EC2's notices. Of a row of failures it logs the first.
func (a *agent) readNotices(ctx context.Context) {
	if a.Notices == nil {
		return
	}
	failing := false
	for {
		bounded, cancel := context.WithTimeout(ctx, noticesPatience)
		notices, err := a.Notices.Read(bounded)
		cancel()
		if ctx.Err() != nil {
			return
		}
		why := ""
		if err != nil {
			why = err.Error()
		}
		if notices == nil && err == nil {
			notices = []core.Notice{} // asked, and there are none
		}
		a.known.locked(func() {
			if !slices.Equal(a.known.notices, notices) {
				a.wake()
			}
			a.known.notices, a.known.noticesError = notices, why
		})
		if err != nil && !failing {
			a.Log.WarnContext(ctx, "EC2's notices cannot be read: trying on", "error", err)
		}
		failing = err != nil
		if wait(ctx, a.untilNext(noticesEvery)) != nil {
			return
		}
	}
}
