package sense

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Memory is what an agent must know when it is restarted, beside its policy.
type Memory struct {
	Notices        []string  `json:"notices,omitempty"` // the ids of those that it acted on
	KeepaliveUntil time.Time `json:"keepalive_until,omitzero"`
}

// Remembered reads the memory in a file. One that is not there is an error for
// which errors.Is(err, fs.ErrNotExist) holds; a damaged one is an error, too,
// and the same as none.
func Remembered(path string) (Memory, error) {
	b, err := readFile(path, maxPolicy)
	if err != nil {
		return Memory{}, err
	}
	var m Memory
	if err := json.Unmarshal(b, &m); err != nil {
		return Memory{}, fmt.Errorf("read the memory in %s: %w", path, err)
	}
	return m, nil
}

// Newer tells that the file at path was written after the other. Any doubt is
// no.
func Newer(path, other string) bool {
	info, err := os.Stat(path)
	than, otherErr := os.Stat(other)
	return err == nil && otherErr == nil && info.ModTime().After(than.ModTime())
}
