//go:build unix

package localcmd

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// watchSize reports the sizes that a terminal takes until stop is called, which
// waits for the end of it.
func watchSize(terminal int) (sizes <-chan runtime.Size, stop func()) {
	changed := make(chan os.Signal, 1) // several changes may be one signal: the last size counts
	signal.Notify(changed, syscall.SIGWINCH)
	out, ended := make(chan runtime.Size), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-changed:
			}
			columns, rows, err := term.GetSize(terminal)
			if err != nil {
				continue // it stays as it was
			}
			select {
			case out <- runtime.Size{Rows: rows, Cols: columns}:
			case <-ended:
				return
			}
		}
	})
	return out, func() {
		signal.Stop(changed)
		close(ended)
		watching.Wait()
	}
}
