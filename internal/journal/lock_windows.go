//go:build windows

package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// openRegular has no counterpart here: a link needs a privilege to be made.
const openRegular = 0

// lockAt is where the locked byte is, far beyond the text: a lock on Windows
// keeps others from reading what it covers.
const lockAt = 1 << 30

// lock takes the file's lock, which the system gives back when the process
// ends, however it ends. It waits while another process looks whether the file
// is abandoned, which takes no longer than reading it.
func lock(file *os.File) error {
	return windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &windows.Overlapped{Offset: lockAt})
}

// tryLock takes the file's lock unless somebody holds it.
func tryLock(file *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: lockAt})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// removeLocked gives up the lock and removes the file at path, in this order:
// a file that is open cannot be removed. Should another process open it in
// between, it finds the file done or empty and removes it itself.
func removeLocked(file *os.File, path string) error {
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		return err
	}
	return nil
}

// syncDir does nothing: the file system's own journal keeps names durable, and
// a folder cannot be synced.
func syncDir(string) error { return nil }
