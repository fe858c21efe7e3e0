package run

import (
	"context"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// alive feeds the service manager's watchdog, now and then, from the goroutine
// that watches the clock: if that hangs, it starves.
func (a *agent) alive() {
	if since := a.wall().Sub(a.lastAlive); since < aliveEvery && since >= 0 {
		return
	}
	a.lastAlive = a.wall()
	a.states.put("WATCHDOG=1\nSTATUS=" + a.oneLine())
}

// oneLine is what `systemctl status` shows.
func (a *agent) oneLine() string {
	d := a.state.Deadline()
	if d.IsZero() {
		return "no deadline is known yet"
	}
	line := fmt.Sprintf("ends at %s, in %s", d, lifecycle.FormatDuration(d.Left(a.lastAlive)))
	o := a.state.Outlook(a.known.input(a.lastAlive, a.elapsed()))
	switch {
	case !o.Idle.On:
	case o.Idle.Active:
		line += "; in use: " + o.Idle.Because[0]
	default:
		line += fmt.Sprintf("; idle since %s, %s at %s", lifecycle.DeadlineAt(o.Idle.Since), o.Idle.Does, lifecycle.DeadlineAt(o.Idle.Next))
	}
	return line
}

// tellManager passes on what the service manager should know, in a goroutine of
// its own because its socket can block.
func (a *agent) tellManager(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case state := <-a.states.c:
			a.notify(ctx, state)
		}
	}
}

func (a *agent) notify(ctx context.Context, state string) {
	if a.Notify == nil {
		return
	}
	if err := a.Notify(state); err != nil {
		a.Log.WarnContext(ctx, "the service manager was not told", "state", state, "error", err)
	}
}
