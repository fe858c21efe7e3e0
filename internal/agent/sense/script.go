package sense

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// maxScripts is the size of the largest record of scripts that is read, in
// bytes.
const maxScripts = 64 << 10

// Script is a script of the user's, which runs at the first boot.
type Script struct {
	Name    string    `json:"script"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Exit    *int      `json:"exit,omitempty"`   // nil: it has not ended, or never began
	Failed  string    `json:"failed,omitempty"` // why it could not run
}

// Scripts reads how the user's scripts fared, from the record that the
// bootstrap keeps: a line of JSON for every beginning and every end. A line
// that cannot be understood is passed over, as one that is being written is.
// No record means that there are no scripts, or none has begun.
func Scripts(path string) ([]Script, error) {
	b, err := readFile(path, maxScripts)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Script
	for line := range bytes.Lines(b) {
		var s Script
		if json.Unmarshal(line, &s) != nil || s.Name == "" {
			continue
		}
		i := slices.IndexFunc(all, func(known Script) bool { return known.Name == s.Name })
		switch {
		case i < 0:
			all = append(all, s)
		case s.Ended.IsZero(): // it began again: what was known is of another boot
			all[i] = s
		default:
			s.Started = all[i].Started
			all[i] = s
		}
	}
	return all, nil
}
