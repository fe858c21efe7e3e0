//go:build unix

package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openRegular keeps an open from following a link and from waiting at a pipe.
const openRegular = unix.O_NOFOLLOW | unix.O_NONBLOCK

// lock takes the file's lock, which the kernel gives back when the process
// ends, however it ends. It waits while another process looks whether the file
// is abandoned, which takes no longer than reading it.
func lock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// tryLock takes the file's lock unless somebody holds it.
func tryLock(file *os.File) (bool, error) {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// removeLocked removes the file at path and gives up its lock, in this order:
// nobody else may lock what is about to vanish.
func removeLocked(file *os.File, path string) error {
	return errors.Join(os.Remove(path), file.Close())
}

// syncDir makes the names in dir as durable as what they name.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
