package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"runtime/debug"
	"strconv"
)

// Path is the log on an instance; what was rotated is Path and ".1".
const Path = "/var/log/spored.log"

// maxSize is how large the file grows before it is rotated, in bytes. One older
// file is kept, so the log never takes more than twice as much.
const maxSize = 2 << 20

// File is a log file that rotates itself. It is opened when something is
// written, and again after a failure. Only one goroutine may use it.
//
// Hooks say what they like in the log, so it is not for everybody: root reads
// it, and the group adm where the machine has one, which the first user of the
// images of Amazon Linux, Ubuntu and Debian is in, and which reads the journal
// as well.
type File struct {
	Path    string
	Crashes bool // the program's own crash is written here, too

	f    *os.File
	size int64
}

// Write appends to the file.
func (l *File) Write(b []byte) (int, error) {
	if l.f != nil && l.size > 0 && l.size+int64(len(b)) > maxSize {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	if l.f == nil {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	if err != nil {
		err = errors.Join(err, l.Close())
	}
	return n, err
}

// Close closes the file; the next Write opens it again.
func (l *File) Close() error {
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}

// rotate makes of the file the older one.
func (l *File) rotate() error {
	err := l.Close()
	if renameErr := os.Rename(l.Path, l.Path+".1"); renameErr != nil && !errors.Is(renameErr, fs.ErrNotExist) {
		// Rather no old lines than ever more of them.
		err = errors.Join(err, renameErr, os.Truncate(l.Path, 0))
	}
	return err
}

func (l *File) open() error {
	f, err := os.OpenFile(l.Path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", l.Path)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.f, l.size = f, info.Size()
	// A log that only root can read, or that has no crashes in it, is still a log.
	if err := errors.Join(l.share(), l.crashes()); err != nil {
		n, writeErr := l.f.Write(record(slog.LevelWarn, fmt.Sprintf("this log is not as it should be: %v", err)))
		l.size += int64(n)
		return writeErr
	}
	return nil
}

// share lets the group of those who may read logs read this one. A machine
// without the group, or an agent that is not root, keeps it to itself.
func (l *File) share() error {
	group, err := user.LookupGroup("adm")
	if err != nil || os.Geteuid() != 0 {
		return l.f.Chmod(0o600)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return fmt.Errorf("the group adm has the number %q: %w", group.Gid, err)
	}
	if err := l.f.Chown(-1, gid); err != nil {
		return err
	}
	return l.f.Chmod(0o640)
}

// crashes lets the runtime write a crash here as well as to standard error.
func (l *File) crashes() error {
	if !l.Crashes {
		return nil
	}
	return debug.SetCrashOutput(l.f, debug.CrashOptions{})
}

// Holds tells that an open file is the log itself: where a supervisor without
// systemd sends standard error into the log, nothing is to be written twice.
func (l *File) Holds(f *os.File) bool {
	if f == nil {
		return false
	}
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(l.Path)
	return err == nil && os.SameFile(a, b)
}
