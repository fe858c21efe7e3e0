package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// copyEtc gives a machine that boots for the first time an /etc of its own: a
// copy of what every user of the host may read. Keys, password hashes and the
// like are not among it, so root and a plain user get the same.
func (m rootMaker) copyEtc() error {
	if _, err := os.Lstat("root/etc"); err == nil {
		return nil
	}
	// Renamed when it is whole: half a copy must not be taken for one.
	const unfinished = "root/etc.unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	err := filepath.WalkDir("/etc", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return m.skipUnreadable(path, err)
		}
		return m.copyEntry(path, filepath.Join(unfinished, strings.TrimPrefix(path, "/etc")), d)
	})
	if err != nil {
		return err
	}
	if err := accounts(unfinished); err != nil {
		return err
	}
	if err := m.names(unfinished); err != nil {
		return err
	}
	return os.Rename(unfinished, "root/etc")
}

// skipUnreadable lets the copy go on without what cannot be read or has just
// gone.
func (m rootMaker) skipUnreadable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil
	default:
		m.warn(fmt.Sprintf("%s is missing inside: %v", path, err))
		return nil
	}
}

func (m rootMaker) copyEntry(from, to string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return m.skipUnreadable(from, err)
	}
	switch mode := info.Mode(); {
	case d.IsDir() && (mode&0o005 != 0o005 || from == "/etc/ssl/private"):
		return fs.SkipDir
	case d.IsDir():
		err = os.Mkdir(to, 0o755) //nolint:gosec // as on the host
	case mode&fs.ModeSymlink != 0:
		target, rerr := os.Readlink(from)
		if rerr != nil {
			return m.skipUnreadable(from, rerr)
		}
		return os.Symlink(target, to)
	case mode.IsRegular() && mode&0o004 != 0 && !strings.HasPrefix(filepath.Base(from), "ssh_host_"):
		copied, cerr := copyFile(from, to)
		if !copied {
			return m.skipUnreadable(from, cerr)
		}
		err = cerr
	default:
		return nil // a secret, a socket, a device
	}
	if err != nil {
		return err
	}
	return sameOwner(to, info, info.Mode().Perm())
}

// sameOwner gives a copy its original's owner and a mode. An owner who does not
// exist inside, as the host's root does not for a plain user, leaves it root's.
func sameOwner(path string, original fs.FileInfo, mode fs.FileMode) error {
	if owner, ok := original.Sys().(*syscall.Stat_t); ok {
		err := os.Chown(path, int(owner.Uid), int(owner.Gid))
		if err != nil && !errors.Is(err, syscall.EINVAL) {
			return err
		}
	}
	return os.Chmod(path, mode) // afterwards: chown takes bits away
}

// copyFile copies a file's bytes. The bool is false if it could not be opened,
// true for any other failure.
func copyFile(from, to string) (bool, error) {
	in, err := os.Open(from)
	if err != nil {
		return false, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return true, err
	}
	_, err = io.Copy(out, in)
	return true, errors.Join(err, out.Close())
}

// accounts writes the files that only root may read anew: every account exists,
// none has a password, and root may use sudo.
func accounts(etc string) error {
	for _, f := range []struct{ public, secret, rest string }{
		{"passwd", "shadow", ":*:19000:0:99999:7:::"},
		{"group", "gshadow", ":*::"},
	} {
		b, err := os.ReadFile(filepath.Join(etc, f.public))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var out strings.Builder
		for line := range strings.Lines(string(b)) {
			if name, _, ok := strings.Cut(line, ":"); ok {
				out.WriteString(name + f.rest + "\n")
			}
		}
		if err := os.WriteFile(filepath.Join(etc, f.secret), []byte(out.String()), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(etc, "sudoers"), []byte("root ALL=(ALL:ALL) NOPASSWD: ALL\n"), 0o440) //nolint:gosec // the mode that sudo insists on
}

// names writes the files that say which machine this is.
func (m rootMaker) names(etc string) error {
	id := sha256.Sum256([]byte(m.spec.ID))
	hosts := "127.0.0.1 localhost\n::1 localhost\n"
	if m.spec.PrivateIP != "" {
		hosts += m.spec.PrivateIP + " " + m.spec.Hostname + "\n"
	}
	for name, text := range map[string]string{
		"hostname":   m.spec.Hostname + "\n",
		"hosts":      hosts,
		"machine-id": hex.EncodeToString(id[:16]) + "\n",
		// There is no name server inside; without a file programs wait for one.
		"resolv.conf": "# this machine has no name server\n",
	} {
		path := filepath.Join(etc, name)
		// Removed first: on the host it may be a link to somewhere else.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // public
			return err
		}
	}
	return nil
}
