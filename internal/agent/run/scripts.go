package run

import (
	"context"

	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// readScripts looks how the user's scripts fare. That one has begun or ended is
// told in the status tag.
func (a *agent) readScripts(ctx context.Context) {
	if a.ScriptsFile == "" {
		return
	}
	scripts, err := sense.Scripts(a.ScriptsFile)
	if err != nil {
		a.Log.WarnContext(ctx, "how the user's scripts fare cannot be read", "error", err)
		return
	}
	fate := fateOf(scripts)
	a.known.locked(func() {
		if a.known.script != fate {
			a.wake()
		}
		a.known.script = fate
	})
}

// fateOf is what becomes of all scripts together: one that runs, else the first
// that failed.
func fateOf(scripts []sense.Script) (fate lifecycle.ScriptFate) {
	for _, s := range scripts {
		switch {
		case s.Failed != "":
			fate = fate.And(lifecycle.ScriptUnrun)
		case s.Exit == nil:
			return lifecycle.ScriptRuns
		default:
			fate = fate.And(lifecycle.ScriptExit(*s.Exit))
		}
	}
	return fate
}

func (k *knowledge) scriptFate() (fate lifecycle.ScriptFate) {
	k.locked(func() { fate = k.script })
	return fate
}
