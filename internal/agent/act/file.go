package act

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// The files that Keep writes into its folder.
const (
	PolicyFile   = "policy.json" // the last good policy
	DeadlineFile = "deadline"    // the deadline in seconds since 1970, for the operating system's timer
)

// Keep writes the last good policy and its deadline into dir, so that both a
// restarted agent and the operating system's timer know what the agent knew.
// A policy without a deadline is refused: it must not replace a good one.
func Keep(dir string, p lifecycle.Policy) error {
	if p.Deadline.IsZero() {
		return errors.New("keep the policy: it has no deadline")
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep the policy: %w", err)
	}
	if err := files.WriteWhole(filepath.Join(dir, PolicyFile), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep the policy: %w", err)
	}
	seconds := strconv.FormatInt(p.Deadline.Time().Unix(), 10)
	if err := files.WriteWhole(filepath.Join(dir, DeadlineFile), []byte(seconds+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the deadline: %w", err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
