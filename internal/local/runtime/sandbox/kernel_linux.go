package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// proc mounts the machine's own processes. The switches in it that turn the
// host's kernel belong to the host's root, who is the same user as root inside
// if root runs the cloud: they are made read-only, or covered.
func (m rootMaker) proc() error {
	err := unix.Mount("proc", "root/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("a container hides parts of /proc, so a fresh one is refused: %w", err)
	}
	if err != nil {
		return err
	}
	for _, name := range []string{"acpi", "bus", "fs", "irq", "scsi", "sys", "sysrq-trigger"} {
		path := filepath.Join("root/proc", name)
		err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")
		if errors.Is(err, fs.ErrNotExist) {
			continue // not in this kernel
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := readOnly(path); err != nil {
			return err
		}
	}
	for _, name := range []string{"kcore", "keys", "timer_list"} {
		err := unix.Mount("/dev/null", filepath.Join("root/proc", name), "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// sys mounts sysfs read-only, where the host lets us.
func (m rootMaker) sys() error {
	err := unix.Mount("sysfs", "root/sys", "sysfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err != nil {
		m.warn("/sys is empty inside: " + err.Error())
	}
	return nil
}

// dev makes the devices that every program expects, and terminals of the
// machine's own.
func (m rootMaker) dev() error {
	if err := mountTmpfsDev(); err != nil {
		return err
	}
	for _, name := range []string{"full", "null", "random", "tty", "urandom", "zero"} {
		path := filepath.Join("root/dev", name)
		if err := os.WriteFile(path, nil, 0o666); err != nil { //nolint:gosec // covered by the device
			return err
		}
		if err := unix.Mount("/dev/"+name, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
		"ptmx": "pts/ptmx", "console": "/proc/1/fd/1",
	} {
		if err := os.Symlink(target, filepath.Join("root/dev", name)); err != nil {
			return err
		}
	}
	if err := makeDirs("root/dev", 0o755, "pts", "shm"); err != nil {
		return err
	}
	const options = "newinstance,ptmxmode=0666,mode=0620"
	// Group 5 is tty, which write and wall use; a plain user has it not.
	err := unix.Mount("devpts", "root/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, options+",gid=5")
	if errors.Is(err, unix.EINVAL) {
		err = unix.Mount("devpts", "root/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, options)
	}
	if err != nil {
		return fmt.Errorf("terminals: %w", err)
	}
	return mountTmpfs("root/dev/shm", "mode=1777")
}

// mountTmpfsDev mounts the folder of the devices; the devices themselves are
// the host's, bound one by one.
func mountTmpfsDev() error {
	return unix.Mount("tmpfs", "root/dev", "tmpfs", syscall.MS_NOSUID, "mode=0755")
}
