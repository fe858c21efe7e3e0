package sshconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spawn-ec2/spawn/internal/files"
)

// included is the file of ours, beside the user's own. A relative path in the
// user's configuration is one below ~/.ssh.
//
// https://man.openbsd.org/ssh_config
const included = "spawn.config"

// install writes the blocks into a file of their own and lets the user's
// configuration include it. Nothing else of that is touched.
func install(blocks []string) (where string, err error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find ssh's configuration: %w", err)
	}
	dir := filepath.Join(home, ".ssh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("write ssh's configuration: %w", err)
	}
	where = filepath.Join(dir, included)
	text := "# Written by spawn ssh-config --install; it is written anew each time.\n\n" + strings.Join(blocks, "\n")
	if err := files.WriteWhole(where, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write ssh's configuration: %w", err)
	}
	return where, include(filepath.Join(dir, "config"))
}

// include puts one line before everything else, since what follows a Host line
// belongs to that host. A link leads to the file that is changed; its mode stays.
func include(config string) error {
	if led, err := filepath.EvalSymlinks(config); err == nil {
		config = led
	}
	text, err := os.ReadFile(config)
	mode := os.FileMode(0o600)
	switch info, statErr := os.Stat(config); {
	case os.IsNotExist(err):
	case err != nil:
		return fmt.Errorf("read ssh's configuration: %w", err)
	case statErr != nil:
		return fmt.Errorf("read ssh's configuration: %w", statErr)
	default:
		mode = info.Mode().Perm()
	}
	if includes(string(text)) {
		return nil
	}
	if err := files.WriteWhole(config, append([]byte("Include "+included+"\n"), text...), mode); err != nil {
		return fmt.Errorf("write ssh's configuration: %w", err)
	}
	return nil
}

// includes tells whether a configuration has our line where it holds for every
// host.
func includes(config string) bool {
	for line := range strings.Lines(config) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		switch keyword := strings.ToLower(words[0]); {
		case keyword == "host" || keyword == "match":
			return false
		case keyword == "include" && len(words) == 2 && words[1] == included:
			return true
		}
	}
	return false
}
