package run

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
)

// recall takes over what an earlier run of the agent left. A damaged memory is
// none: a notice may then be handled again, which is better than not at all.
func (a *agent) recall(ctx context.Context) {
	if a.StateDir == "" {
		return
	}
	m, err := sense.Remembered(a.stateFile(act.MemoryFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		a.Log.ErrorContext(ctx, "the memory of an earlier run cannot be used", "error", err)
		return
	}
	a.state = a.state.Remember(m.Notices)
	a.known.keepalive = m.KeepaliveUntil
	a.kept = m.KeepaliveUntil
}

// remember puts what must outlive this run into the hands of those who write
// it, when there is something new. It belongs to the goroutine that watches
// the clock.
func (a *agent) remember(keepalive time.Time, decidedOnNotice bool) {
	if !decidedOnNotice && keepalive.Equal(a.kept) {
		return
	}
	a.kept = keepalive
	a.memories.put(sense.Memory{Notices: a.state.Seen(), KeepaliveUntil: keepalive})
}

// writeMemory keeps the latest memory on disk, in a goroutine of its own.
func (a *agent) writeMemory(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-a.memories.c:
			if a.StateDir == "" {
				continue
			}
			if err := act.Remember(a.StateDir, m); err != nil {
				a.Log.ErrorContext(ctx, "a restarted agent will not know what this one did", "error", err)
			}
		}
	}
}
