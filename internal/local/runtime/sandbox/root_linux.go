package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/spawn-ec2/spawn/internal/local/runtime/counters"
)

// rootMaker builds the machine's file tree below "root" in the disk's folder,
// which is the working directory: overlayfs splits its options at commas and
// colons, which a relative path does not have.
type rootMaker struct {
	spec     spec
	warn     func(string)
	counters *counters.Counters // once they are shown
}

// makeRoot builds the tree and moves into it. Afterwards nothing of the host's
// is reachable but what was mounted on purpose. The counters want to be run.
func makeRoot(s spec, warn func(string)) (*counters.Counters, error) {
	m := &rootMaker{spec: s, warn: warn}
	if err := os.Chdir(s.Disk); err != nil {
		return nil, fmt.Errorf("enter the disk: %w", err)
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"keep mounts to ourselves", m.private},
		{"make the root folder", m.skeleton},
		{"copy /etc", m.copyEtc},
		{"show the host's programs", m.programs},
		{"lay the overlays", m.overlays},
		{"keep the host's state out of /var", m.ownVar},
		{"hide the home directory", m.hideHome},
		{"mount /proc", m.proc},
		{"mount /sys", m.sys},
		{"make /dev", m.dev},
		{"mount /run and /tmp", m.temporary},
		{"show the machine's own counters", m.showCounters},
		{"change the root", m.pivot},
		{"name the machine", m.hostname},
		{"install the commands that power off", m.powerCommands},
	} {
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return m.counters, nil
}

// showCounters covers the host's figures. It leaves no name behind: what is
// mounted has no need of one.
func (m *rootMaker) showCounters() (err error) {
	const dir = "root/run"
	if m.counters, err = counters.Create(dir, m.spec.VCPUs); err != nil {
		return err
	}
	for _, name := range counters.Names() {
		made, at := filepath.Join(dir, name), filepath.Join("root/proc", name)
		if err := unix.Mount(made, at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if err := readOnly(at); err != nil {
			return err
		}
		if err := os.Remove(made); err != nil {
			return err
		}
	}
	return nil
}

// private keeps what is mounted here from the host, and what is unmounted.
func (rootMaker) private() error {
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}

// skeleton makes the folders of / that are the machine's own and last as long
// as its disk, and makes / a mount, which pivot_root wants.
func (rootMaker) skeleton() error {
	if err := makeDirs("root", 0o755, "."); err != nil {
		return err
	}
	if err := unix.Mount("root", "root", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := makeDirs("root", 0o700, "root"); err != nil {
		return err
	}
	return makeDirs("root", 0o755, "boot", "dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "tmp", "usr", "var")
}

// programs shows /bin, /sbin and the libraries as the host has them: links into
// /usr on a merged system, else the folders, which cannot be written to.
func (rootMaker) programs() error {
	for _, dir := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		here := filepath.Join("root", dir)
		info, err := os.Lstat("/" + dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case info.IsDir():
			if err := showReadOnly("/"+dir, here); err != nil {
				return err
			}
			continue
		}
		target, err := os.Readlink("/" + dir)
		if err != nil {
			return err
		}
		if err := replaceLink(target, here); err != nil {
			return err
		}
	}
	return nil
}

// ownVar covers the folders of /var that would show what the host keeps there,
// its logs, mail and own cloud-init among it, with folders of the machine's.
func (m rootMaker) ownVar() error {
	for dir, mode := range map[string]fs.FileMode{
		"var/lib/cloud": 0o755, "var/log": 0o755, "var/mail": 0o755, "var/spool": 0o755, "var/tmp": 0o777 | fs.ModeSticky,
	} {
		own, here := filepath.Join("own", dir), filepath.Join("root", dir)
		if info, err := os.Lstat(here); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			continue // it leads to another of these, or to /run
		}
		if err := makeDirs(own, mode, "."); err != nil {
			return err
		}
		if err := makeDirs(here, 0o755, "."); err != nil {
			return err
		}
		if err := unix.Mount(own, here, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	for link, target := range map[string]string{"root/var/run": "/run", "root/var/lock": "/run/lock"} {
		if _, err := os.Lstat(link); err == nil {
			continue
		}
		if err := os.Symlink(target, link); err != nil {
			return err
		}
	}
	return nil
}

// hideHome covers the home directory of whoever runs the cloud if it is where
// the host's files are shown, as a service's below /var is.
func (m rootMaker) hideHome() error {
	home := filepath.Clean("/" + m.spec.Home)
	if home == "/" {
		return nil
	}
	for _, dir := range []string{"/usr/", "/var/", "/opt/", "/srv/"} {
		if !strings.HasPrefix(home, dir) {
			continue
		}
		here := filepath.Join("root", home)
		if _, err := os.Stat(here); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err := makeDirs("own/home", 0o755, "."); err != nil {
			return err
		}
		return unix.Mount("own/home", here, "", unix.MS_BIND, "")
	}
	return nil
}

// temporary mounts what is empty at every boot. There is no /run/systemd in
// it, by which programs tell that systemd is not the init here.
func (rootMaker) temporary() error {
	if err := mountTmpfs("root/run", "mode=0755"); err != nil {
		return err
	}
	if err := makeDirs("root/run", 0o777|fs.ModeSticky, "lock"); err != nil {
		return err
	}
	return mountTmpfs("root/tmp", "mode=1777")
}

// pivot makes "root" the root of everything and lets go of the host's. With
// both folders the same, the old root ends up on top of the new and can be
// taken off (pivot_root(2)).
func (rootMaker) pivot() error {
	if err := os.Chdir("root"); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the host's root: %w", err)
	}
	return os.Chdir("/")
}

// hostname names the machine as its disk says.
func (m rootMaker) hostname() error {
	name, err := os.ReadFile("/etc/hostname")
	if errors.Is(err, fs.ErrNotExist) {
		name, err = []byte(m.spec.Hostname), nil // deleted by whoever used the machine
	}
	if err != nil {
		return err
	}
	return unix.Sethostname(bytes.TrimSpace(name))
}

// makeDirs makes folders below dir, and dir, whatever the umask is.
func makeDirs(dir string, mode fs.FileMode, names ...string) error {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			continue // as the machine left it
		}
		if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // everyone inside must get through
			return err
		}
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
	}
	return nil
}

// replaceLink makes a symbolic link in the place of what is there.
func replaceLink(target, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, path)
}

func mountTmpfs(at, options string) error {
	if err := unix.Mount("tmpfs", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", at, err)
	}
	return nil
}

// showReadOnly shows a folder of the host, and what is mounted in it.
func showReadOnly(from, at string) error {
	if err := makeDirs(at, 0o755, "."); err != nil {
		return err
	}
	if err := unix.Mount(from, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s: %w", from, err)
	}
	return readOnly(at)
}

// readOnly forbids writing through a mount. The other restrictions it has are
// locked in a user namespace and must be asked for again.
func readOnly(at string) error {
	var now unix.Statfs_t
	if err := unix.Statfs(at, &now); err != nil {
		return fmt.Errorf("look at %s: %w", at, err)
	}
	// The ST_ and MS_ values of these are the same; of ST_RELATIME they are not.
	keep := uintptr(now.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME)
	if err := unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|keep, ""); err != nil {
		return fmt.Errorf("forbid writing to %s: %w", at, err)
	}
	return nil
}
