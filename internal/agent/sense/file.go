package sense

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

// busyFiles senses the files whose presence says that the instance is busy. A
// link that points nowhere is not there.
type busyFiles struct{}

func (busyFiles) sense(m moment) []core.Signal {
	var signals []core.Signal
	for _, path := range m.idle.BusyWhile.Files {
		s := core.Signal{Name: "file"}
		switch _, err := os.Stat(path); {
		case err == nil:
			s.Active, s.Detail = true, printable(path)+" is there"
		case errors.Is(err, fs.ErrNotExist):
			s.Detail = printable(path) + " is not there"
		default:
			s.Active, s.Detail, s.Err = true, printable(path)+" unknown", fmt.Errorf("look for a file: %w", err)
		}
		signals = append(signals, s)
	}
	return signals
}
