package machine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/runtime/counters"
)

// figuresDir is where the figures are inside. They keep their names there for
// services to which systemd gives a /proc of their own.
const figuresDir = "/run/figures"

// figures keep a machine's own figures in its /proc: the host's work is none of
// the machine's, and must not make it look busy.
type figures struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// showFigures lays the machine's figures over the host's and refreshes them
// until stop is called. systemd must run inside.
func showFigures(leader, vcpus int, log *slog.Logger) (*figures, error) {
	root := "/proc/" + strconv.Itoa(leader) + "/root"
	if err := os.MkdirAll(root+figuresDir, 0o755); err != nil { //nolint:gosec // as /proc
		return nil, fmt.Errorf("show the machine's own figures: %w", err)
	}
	made, err := counters.Create(root+figuresDir, vcpus)
	if err != nil {
		return nil, fmt.Errorf("show the machine's own figures: %w", err)
	}
	script := "for f in " + strings.Join(counters.Names(), " ") + "; do mount --bind " + figuresDir + "/$f /proc/$f && mount -o remount,bind,ro /proc/$f || exit 1; done"
	out, err := exec.Command("nsenter", "--target", strconv.Itoa(leader), "--mount", "--root", "--", "/bin/sh", "-c", script).CombinedOutput()
	if err != nil {
		_ = made.Close() // nothing will read them
		return nil, fmt.Errorf("show the machine's own figures: %w: %s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &figures{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		if err := made.Run(ctx, root+"/proc"); err != nil {
			log.Debug("the machine's own figures stand still, as when it has ended", "error", err)
		}
		_ = made.Close() // the machine's copies are what counts
	}()
	return f, nil
}

// stop stands the figures still. It may be called of none.
func (f *figures) stop() {
	if f != nil {
		f.cancel()
		<-f.ended
	}
}
