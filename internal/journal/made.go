package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/files"
)

// madeSuffix ends the name of the file that says what a finished launch made.
const madeSuffix = ".made"

// rememberFor is how long a finished launch is remembered. What it made is young
// for a matter of minutes; a day leaves room for clocks that disagree.
const rememberFor = 24 * time.Hour

// memory is what stays of a journal when its launch is complete: ids, without
// the requests, which hold the user's own scripts.
type memory struct {
	Schema  int       `json:"schema"`
	Created time.Time `json:"created,omitzero"`
	IDs     []string  `json:"ids"`
}

// Made returns the ids of all that this machine's launches are known to have
// made and no longer work on: those that finished within about a day, and those
// that were abandoned. What a living launch made is not among them.
//
// It answers one question: may something be deleted although it is so young
// that, for all its tags tell, somebody may be about to use it? Of a launch whose
// memory cannot be read the answer is no, until what it made is older.
func Made(dir string) (map[string]bool, error) {
	made := map[string]bool{}
	remains, err := Abandoned(dir)
	failed := []error{err}
	for _, r := range remains {
		for _, e := range r.Entries {
			if e.Kind != Attempt {
				made[e.ID] = true
			}
		}
		failed = append(failed, r.Release())
	}
	paths, err := memories(dir)
	failed = append(failed, err)
	for _, path := range paths {
		m, err := recall(path)
		if err != nil {
			continue
		}
		for _, id := range m.IDs {
			made[id] = true
		}
	}
	return made, errors.Join(failed...)
}

// remember writes what the launch with the journal at path made.
func remember(path string, m memory) error {
	if len(m.IDs) == 0 {
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return files.WriteWhole(strings.TrimSuffix(path, suffix)+madeSuffix, text, 0o600)
}

// forgetBefore removes the memories of launches that were made long before now,
// the beginning of another launch by the same service's clock. One that cannot
// be removed costs a few hundred bytes and is tried again by the next launch,
// so that it is no reason to stop this one.
func forgetBefore(dir string, now time.Time) {
	paths, err := memories(dir)
	if err != nil || now.IsZero() {
		return
	}
	for _, path := range paths {
		if m, err := recall(path); err != nil || now.Sub(m.Created) > rememberFor {
			_ = os.Remove(path)
		}
	}
}

// memories lists the memories in dir.
func memories(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list what launches made: %w", err)
	}
	var paths []string
	for _, f := range files {
		launch, isMemory := strings.CutSuffix(f.Name(), madeSuffix)
		if isMemory && validLaunch(launch) && f.Type().IsRegular() {
			paths = append(paths, filepath.Join(dir, f.Name()))
		}
	}
	return paths, nil
}

// recall reads a memory.
func recall(path string) (memory, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|openRegular, 0)
	if err != nil {
		return memory{}, err
	}
	text, err := readAll(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return memory{}, err
	}
	var m memory
	if err := json.Unmarshal(text, &m); err != nil {
		return memory{}, err
	}
	if m.Schema != schema {
		return memory{}, fmt.Errorf("it has the form %d of another spawn", m.Schema)
	}
	return m, nil
}
