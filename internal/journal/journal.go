package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// schema is the version of the file's form. A file with another one was written
// by another spawn and is left to it.
const schema = 1

// suffix ends the name of every journal; what stands before it is the launch's
// id.
const suffix = ".journal"

// maxSize bounds a journal in bytes: a launch writes some dozens of lines, the
// longest of them a request of at most 64 KiB.
const maxSize = 16 << 20

// Header says which launch a journal belongs to and where it takes place. A
// journal may only be undone against the same endpoint, account and region.
type Header struct {
	Launch   string    `json:"launch"`             // letters, digits and hyphens, at most 64
	Endpoint string    `json:"endpoint,omitempty"` // empty for AWS itself
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Created  time.Time `json:"created,omitzero"`
}

// Kind says what an entry is about. Whatever a launch makes is recorded once it
// was made, under the kind that its maker knows it by; those that are known here
// have a meaning of their own.
type Kind string

// The kinds with a meaning.
const (
	// Attempt is recorded before the request that makes an instance is sent:
	// its id is the client token, its Request the request's bytes.
	Attempt Kind = "attempt"
	// Instance is an instance that such a request made.
	Instance Kind = "instance"
	// Schedule says that the cloud's layer of the deadline is armed for the
	// instance with the id.
	Schedule Kind = "schedule"
)

// Entry is one thing that a launch made or is about to ask for.
type Entry struct {
	Kind    Kind      `json:"kind"`
	ID      string    `json:"id"`
	Region  string    `json:"region,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Request []byte    `json:"request,omitempty"` // an attempt's frozen request, to be replayed byte for byte
}

// end is the last line of a journal whose launch is complete. Removing
// a file is not durable by itself: without this line, a file that comes back
// after a power failure would have a finished launch undone.
type end struct {
	Done bool `json:"done"`
}

// ErrClosed says that the journal was closed before.
var ErrClosed = errors.New("the journal is closed")

// Journal is the journal of a launch that lives in this process. Its methods
// may be called by several goroutines.
type Journal struct {
	path string

	mu   sync.Mutex
	file *os.File // nil once closed
	size int64    // of the lines that are whole
	made memory   // for after the end
}

// Begin starts the journal of a launch in dir, which is made if need be and
// belongs to the user alone, and takes its lock. The header is on disk when
// Begin returns. It is an error if the launch has a journal already.
func Begin(dir string, h Header) (*Journal, error) {
	if !validLaunch(h.Launch) {
		return nil, fmt.Errorf("begin journal: %q cannot be a launch's id", h.Launch)
	}
	if err := makePrivate(dir); err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	path := filepath.Join(dir, h.Launch+suffix)
	file, err := createLocked(path)
	if err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	forgetBefore(dir, h.Created)
	j := &Journal{path: path, file: file, made: memory{Schema: schema, Created: h.Created}}
	err = j.append(struct {
		Schema int `json:"schema"`
		Header
	}{schema, h})
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin journal %s: %w", path, err), removeLocked(file, path))
	}
	return j, nil
}

// Record adds an entry, which is on disk when Record returns nil. After an error
// the entry may be recorded again.
func (j *Journal) Record(e Entry) error {
	if e.Kind == "" || e.ID == "" {
		return fmt.Errorf("record in journal: an entry needs a kind and an id, this one has %q and %q", e.Kind, e.ID)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(e); err != nil {
		return fmt.Errorf("record %s %s in journal %s: %w", e.Kind, e.ID, j.path, err)
	}
	if e.Kind != Attempt {
		j.made.IDs = append(j.made.IDs, e.ID)
	}
	return nil
}

// Done ends the journal of a launch that needs neither finishing nor undoing.
// The file is removed; for a day, Made still knows what the launch made. After
// an error from Done the journal is closed all the same.
func (j *Journal) Done() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(end{Done: true}); err != nil {
		return fmt.Errorf("end journal %s: %w", j.path, errors.Join(err, j.close()))
	}
	if err := errors.Join(remember(j.path, j.made), j.remove()); err != nil {
		return fmt.Errorf("end journal %s: %w", j.path, err)
	}
	return nil
}

// Close gives up the lock and keeps the file: what the launch made is then
// abandoned and left to whoever looks next. Closing what is closed or done does
// nothing, so that Close may be deferred.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.close()
}

func (j *Journal) close() error {
	if j.file == nil {
		return nil
	}
	file := j.file
	j.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("close journal %s: %w", j.path, err)
	}
	return nil
}

// remove removes the file and gives up its lock.
func (j *Journal) remove() error {
	file := j.file
	j.file = nil
	return removeLocked(file, j.path)
}

// append writes v as one line and waits for the disk. A line that was written
// in part is cut off again; should even that fail, the next line overwrites it.
func (j *Journal) append(v any) error {
	if j.file == nil {
		return ErrClosed
	}
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if j.size+int64(len(line)) > maxSize {
		return fmt.Errorf("it would be longer than %d bytes", maxSize)
	}
	_, err = j.file.WriteAt(line, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return errors.Join(err, j.file.Truncate(j.size))
	}
	j.size += int64(len(line))
	return nil
}

// createLocked makes the file at path and returns it locked. Between its making
// and its lock another process may take it for an empty journal left by a crash
// and remove it: then it is made again.
func createLocked(path string) (*os.File, error) {
	for range 100 { // who looks for remains all the time wins some of these races, not all
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), removeLocked(file, path))
		}
		there, err := isAt(file, path)
		if there {
			return file, nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s was removed by others again and again", path)
}

// isAt tells whether file is still what path names.
func isAt(file *os.File, path string) (bool, error) {
	named, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	open, err := file.Stat()
	if err != nil {
		return false, err
	}
	return os.SameFile(named, open), nil
}

// makePrivate makes dir, and closes it to everybody else: whoever could write
// there could have us delete things.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm() != 0o700 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// validLaunch tells whether id can be a launch's id and a file's name.
func validLaunch(id string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return id != "" && len(id) <= 64 && id[0] != '-' && strings.Trim(id, letters+"-") == ""
}
