package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Remains is the journal of a launch whose process is gone. It is locked by
// this process, so that nobody else finishes or undoes the same launch, until
// Done, Forget or Release.
type Remains struct {
	Header  Header
	Entries []Entry // as recorded, oldest first
	Torn    bool    // the launch died while it wrote the last line
	Damaged int     // lines that cannot be read; what they named must be found by its tags

	journal *Journal
}

// Path is the journal's file.
func (r *Remains) Path() string { return r.journal.path }

// Record adds what was done about the launch since, so that it is not done again.
func (r *Remains) Record(e Entry) error {
	if err := r.journal.Record(e); err != nil {
		return err
	}
	r.Entries = append(r.Entries, e)
	return nil
}

// Forget removes the journal: its launch was finished, or nothing of it is left.
func (r *Remains) Forget() error {
	j := r.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(end{Done: true}); err != nil {
		return fmt.Errorf("forget journal %s: %w", j.path, errors.Join(err, j.close()))
	}
	if err := j.remove(); err != nil {
		return fmt.Errorf("forget journal %s: %w", j.path, err)
	}
	return nil
}

// Done closes the journal like that of a launch which came to its end: for a day,
// Made still knows what the launch made.
func (r *Remains) Done() error {
	j := r.journal
	j.mu.Lock()
	j.made = memory{Schema: schema, Created: r.Header.Created}
	for _, e := range r.Entries {
		if e.Kind != Attempt {
			j.made.IDs = append(j.made.IDs, e.ID)
		}
	}
	j.mu.Unlock()
	return j.Done()
}

// Release keeps the journal for another try and gives up its lock. Releasing
// what is released or forgotten does nothing.
func (r *Remains) Release() error { return r.journal.Close() }

// Abandoned returns the journals in dir whose launches are gone; the caller
// owns each of them until its Done, Forget or Release. Journals of living launches
// are passed over, as is every file that is not a journal. A journal that is
// done, or in which nothing was recorded yet, is removed on the way.
//
// The error names the journals that could not be read, and does not exclude
// others that could. A folder that does not exist holds nothing.
func Abandoned(dir string) ([]*Remains, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	var found []*Remains
	var failed []error
	for _, f := range files {
		launch, isJournal := strings.CutSuffix(f.Name(), suffix)
		if !isJournal || !validLaunch(launch) || !f.Type().IsRegular() {
			continue
		}
		r, err := open(filepath.Join(dir, f.Name()), launch)
		if err != nil {
			failed = append(failed, fmt.Errorf("journal %s: %w", filepath.Join(dir, f.Name()), err))
		}
		if r != nil {
			found = append(found, r)
		}
	}
	return found, errors.Join(failed...)
}

// open returns the journal at path, locked, or nil if there is nothing to do
// about it.
func open(path, launch string) (*Remains, error) {
	file, err := os.OpenFile(path, os.O_RDWR|openRegular, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // its launch ended just now
	}
	if err != nil {
		return nil, err
	}
	free, err := tryLock(file)
	if err != nil || !free {
		return nil, errors.Join(err, file.Close())
	}
	there, err := isAt(file, path)
	if err != nil || !there {
		return nil, errors.Join(err, file.Close())
	}
	text, err := readAll(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r, err := parse(text, launch)
	switch {
	case err != nil:
		return nil, errors.Join(err, file.Close())
	case r == nil:
		return nil, removeLocked(file, path)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	r.journal = &Journal{path: path, file: file, size: int64(whole)}
	return r, nil
}

// parse reads the text of a launch's journal. It returns nil for one that is
// done and for one whose header was never complete: Begin had not returned
// then, so nothing was made.
func parse(text []byte, launch string) (*Remains, error) {
	first, rest, complete := bytes.Cut(text, []byte("\n"))
	if !complete {
		return nil, nil
	}
	var h struct {
		Schema int `json:"schema"`
		Header
	}
	if err := json.Unmarshal(first, &h); err != nil {
		return nil, fmt.Errorf("its first line cannot be read: %w", err)
	}
	if h.Schema != schema {
		return nil, fmt.Errorf("it has the form %d of another spawn", h.Schema)
	}
	if h.Launch != launch {
		return nil, fmt.Errorf("it says that it belongs to the launch %q", h.Launch)
	}
	r := &Remains{Header: h.Header}
	for len(rest) > 0 {
		var line []byte
		line, rest, complete = bytes.Cut(rest, []byte("\n"))
		var l struct {
			Entry
			end
		}
		err := json.Unmarshal(line, &l)
		switch {
		case err == nil && l.Done:
			return nil, nil
		case err == nil && l.Kind != "" && l.ID != "":
			r.Entries = append(r.Entries, l.Entry)
		case complete:
			r.Damaged++
		}
		r.Torn = !complete
	}
	return r, nil
}

// readAll reads a file that may not be longer than a journal.
func readAll(file *os.File) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("it is longer than %d bytes", maxSize)
	}
	return text, err
}
