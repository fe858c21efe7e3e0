package sense

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// maxPolicy is the size of the largest policy file that is read, in bytes.
const maxPolicy = 64 << 10

// Policy reads a policy file: the one that the bootstrap wrote or the last
// good one. A file that is not there is an error for which
// errors.Is(err, fs.ErrNotExist) holds.
func Policy(path string) (lifecycle.Policy, error) {
	b, err := readFile(path, maxPolicy)
	if err != nil {
		return lifecycle.Policy{}, err
	}
	var p lifecycle.Policy
	if err := json.Unmarshal(b, &p); err != nil {
		return lifecycle.Policy{}, fmt.Errorf("read the policy in %s: %w", path, err)
	}
	return p, nil
}

// RecordedInstance reads the id of the instance that the policy on this disk
// was written for; "" if it was not recorded. A disk that was copied into an
// image carries the policy of an instance that is not this one.
func RecordedInstance(path string) (string, error) {
	b, err := readFile(path, 256)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}

// Exists tells that a file is there. Any doubt is no.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readFile reads a regular file of at most limit bytes; a pipe or a device in
// its place would block or never end.
func readFile(path string, limit int64) (b []byte, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err = io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, nil
}
