package sandbox

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// openTerminal makes a pseudo-terminal of the machine's own.
func openTerminal(rows, cols int) (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a terminal: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	defer func() {
		if err != nil {
			_ = master.Close() // nothing was written
		}
	}()
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, fmt.Errorf("unlock a terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, fmt.Errorf("name a terminal: %w", err)
	}
	if rows > 0 && cols > 0 {
		if err := setSize(master, runtime.Size{Rows: rows, Cols: cols}); err != nil {
			return nil, nil, err
		}
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a terminal: %w", err)
	}
	return master, slave, nil
}

// setSize says how large a terminal is, which its foreground processes hear as
// SIGWINCH. Either side of the terminal will do.
func setSize(terminal *os.File, to runtime.Size) error {
	if to.Rows < 1 || to.Cols < 1 {
		return fmt.Errorf("size a terminal: it cannot have %d rows and %d columns", to.Rows, to.Cols)
	}
	raw, err := terminal.SyscallConn() // Fd would make it block
	if err != nil {
		return fmt.Errorf("size a terminal: %w", err)
	}
	size := &unix.Winsize{Row: uint16(min(to.Rows, 1<<16-1)), Col: uint16(min(to.Cols, 1<<16-1))}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("size a terminal: %w", err)
	}
	return nil
}
