package sandbox

import (
	_ "embed" // the commands are files
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spawn-ec2/spawn/internal/files"
)

// The host's own commands talk to the host's init, over sockets and pipes that
// do not exist inside. These talk to ours.
var (
	//go:embed commands/poweroff.sh
	poweroffCommand string
	//go:embed commands/shutdown.sh
	shutdownCommand string
	//go:embed commands/systemctl.sh
	systemctlCommand string
)

// powerCommands installs them, first in the search path, and in the place of
// the host's: scripts call these by their full names.
func (m rootMaker) powerCommands() error {
	const dir = "/usr/local/sbin"
	if err := makeDirs(dir, 0o755, "."); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"poweroff": poweroffCommand, "halt": poweroffCommand, "reboot": poweroffCommand, "shutdown": shutdownCommand,
	} {
		ours := filepath.Join(dir, name)
		if err := install(ours, text); err != nil {
			return err
		}
		for _, there := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
			if err := replaceCommand(ours, filepath.Join(there, name)); err != nil {
				m.warn(fmt.Sprintf("%s/%s does not work inside, %s does: %v", there, name, ours, err))
			}
		}
	}
	if _, err := os.Stat("/usr/bin/systemctl"); err != nil {
		return nil //nolint:nilerr // a script that looks for it must not find one
	}
	return install(filepath.Join(dir, "systemctl"), systemctlCommand)
}

func install(path string, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return files.WriteProgram(path, []byte(text), 0o755)
}

// replaceCommand puts a link to ours where the host has a command, unless the
// link is there from an earlier boot or under another of the folder's names.
func replaceCommand(ours, host string) error {
	if _, err := os.Lstat(host); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if target, err := os.Readlink(host); err == nil && target == ours {
		return nil
	}
	return replaceLink(ours, host)
}
