package act

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

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
	if err := replaceFile(filepath.Join(dir, PolicyFile), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep the policy: %w", err)
	}
	seconds := strconv.FormatInt(p.Deadline.Time().Unix(), 10)
	if err := replaceFile(filepath.Join(dir, DeadlineFile), []byte(seconds+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the deadline: %w", err)
	}
	return nil
}

// replaceFile writes a file in one step: readers see the old one or the new
// one, a crash leaves one of them. The folder may belong to everybody: a link
// planted at path is replaced by the rename, and O_EXCL refuses one at the
// temporary name, which nobody can guess. Neither is followed.
func replaceFile(path string, content []byte, mode fs.FileMode) (err error) {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(temporary)))
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode) // whatever the umask was
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
