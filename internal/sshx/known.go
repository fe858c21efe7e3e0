package sshx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KnownHosts returns the file that remembers the host key of one instance, and
// makes its folder, dir/known_hosts.d, if need be. Addresses are given to one
// instance after another; a file of its own for each keeps a new instance from
// looking like an attack and an attack from looking like a new instance.
func KnownHosts(dir, instanceID string) (string, error) {
	path, err := knownHosts(dir, instanceID)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("remember host keys: %w", err)
	}
	return path, nil
}

// ForgetHost removes what KnownHosts remembers of an instance that is gone. To
// forget what was never known is no error.
func ForgetHost(dir, instanceID string) error {
	path, err := knownHosts(dir, instanceID)
	if err != nil {
		return err
	}
	for _, name := range []string{path, path + ".old"} { // ssh keeps the older one
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget host key: %w", err)
		}
	}
	return nil
}

func knownHosts(dir, instanceID string) (string, error) {
	hex, isInstance := strings.CutPrefix(instanceID, "i-")
	if !isInstance || hex == "" || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is not an instance's id", instanceID)
	}
	return filepath.Join(dir, "known_hosts.d", instanceID), nil
}
