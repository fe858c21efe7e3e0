package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// overlays shows the host's folders under layers that take what the machine
// changes. An overlay of / itself would need no list, but a user namespace may
// not make one: the host's other mounts are below it.
func (m rootMaker) overlays() error {
	if err := m.layersFolder(); err != nil {
		return err
	}
	if err := m.overlay("usr"); err != nil {
		// Something is mounted below /usr, as on WSL.
		m.warn("/usr is laid folder by folder: " + err.Error())
		if err := m.piecewise("usr"); err != nil {
			return err
		}
	}
	for _, dir := range []string{"var", "opt", "srv"} {
		if err := m.overlay(dir); err != nil {
			// Docker mounts below /var, for one; and the machine's own folder may
			// be below it. The machine does without what the host has there.
			m.warn(fmt.Sprintf("/%s begins empty inside: %v", dir, err))
		}
	}
	if err := makeDirs("root/var", 0o755, "lib", "cache"); err != nil {
		return err
	}
	return nil
}

// piecewise shows what is in a folder of the host one by one. A folder that
// cannot have an overlay either can at least be read.
func (m rootMaker) piecewise(name string) error {
	entries, err := os.ReadDir("/" + name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		below := filepath.Join(name, e.Name())
		host, here := "/"+below, filepath.Join("root", below)
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(host)
			if err != nil {
				return err
			}
			if err := replaceLink(target, here); err != nil {
				return err
			}
		case e.IsDir():
			if err := makeDirs(here, 0o755, "."); err != nil {
				return err
			}
			if err := m.overlay(below); err != nil {
				m.warn(host + " cannot be written to inside: " + err.Error())
				if err := showReadOnly(host, here); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// layersFolder makes sure that the folder of the layers can carry an overlay.
// Where the disk's file system cannot, as another overlay or NFS, they are in
// memory and what is written there is lost at power-off.
func (m rootMaker) layersFolder() error {
	if err := makeDirs("layers", 0o755, "."); err != nil {
		return err
	}
	onDisk := probeOverlay()
	if onDisk == nil {
		return nil
	}
	if err := mountTmpfs("layers", "mode=0755"); err != nil {
		return err
	}
	if err := probeOverlay(); err != nil {
		return fmt.Errorf("this kernel mounts no overlay in a user namespace (Linux 5.11 does): %w", err)
	}
	m.warn("what the machine writes below /usr, /var, /opt and /srv is lost when it stops, because its folder's file system carries no overlay: " + onDisk.Error())
	return nil
}

// probeOverlay mounts an overlay of nothing and takes it away.
func probeOverlay() error {
	const dir = "layers/probe"
	if err := makeDirs(dir, 0o755, "lower", "upper", "work", "merged"); err != nil {
		return err
	}
	if err := mountOverlay(dir+"/lower", dir, dir+"/merged"); err != nil {
		return err
	}
	// Whoever replaces a file of the host's needs this, and it depends on the
	// file system underneath.
	mark := dir + "/merged/mark"
	err := unix.Setxattr(dir+"/upper", "user.overlay.probe", []byte("y"), 0)
	if err == nil {
		err = os.WriteFile(mark, nil, 0o600)
	}
	return errors.Join(err, unix.Unmount(dir+"/merged", 0))
}

// mountOverlay mounts lower under the layers in dir. Only userxattr works for
// all: the usual attributes belong to the host's root alone.
func mountOverlay(lower, dir, at string) error {
	options := strings.Join([]string{"lowerdir=" + lower, "upperdir=" + dir + "/upper", "workdir=" + dir + "/work", "userxattr"}, ",")
	if err := unix.Mount("overlay", at, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount an overlay of %s: %w", lower, err)
	}
	return nil
}

// overlay shows one folder of the host, which may not exist.
func (m rootMaker) overlay(name string) error {
	host, at := "/"+name, filepath.Join("root", name)
	info, err := os.Lstat(host)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", host)
	}
	dir := filepath.Join("layers", strings.ReplaceAll(name, "/", "-"))
	if err := makeDirs(dir, 0o755, "upper", "work"); err != nil {
		return err
	}
	for _, sub := range writable(name) {
		if err := m.matchDir(filepath.Join(host, sub), filepath.Join(dir, "upper", sub)); err != nil {
			return err
		}
	}
	return mountOverlay(host, dir, at)
}

// writable are the folders, itself the first, that a script writes to. They
// are made in the upper layer beforehand: for a plain user the host's belong to
// an owner who does not exist inside, and overlayfs cannot copy such a folder.
func writable(name string) []string {
	local := []string{".", "bin", "etc", "include", "lib", "libexec", "sbin", "share", "src"}
	switch name {
	case "usr":
		dirs := []string{".", "bin", "include", "lib", "lib64", "lib/systemd", "lib/systemd/system", "libexec", "sbin", "share"}
		for _, d := range local {
			dirs = append(dirs, filepath.Join("local", d))
		}
		return dirs
	case "usr/local":
		return local
	case "var":
		return []string{".", "cache", "lib", "lib/misc", "local", "opt"}
	default:
		return []string{"."}
	}
}

// matchDir makes a folder of the upper layer as the host's is. What is no
// folder on the host, a link above all, must not be hidden by one.
func (m rootMaker) matchDir(host, upper string) error {
	info, err := os.Lstat(host)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(upper, ".")); err == nil && filepath.Base(upper) != "upper" {
		return nil // the machine has been booted before
	}
	if _, err := os.Lstat(filepath.Dir(upper)); errors.Is(err, fs.ErrNotExist) {
		return nil // below a link
	}
	if err := os.Mkdir(upper, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // as on the host
		return err
	}
	return sameOwner(upper, info, info.Mode().Perm()|info.Mode()&(fs.ModeSetgid|fs.ModeSticky))
}
