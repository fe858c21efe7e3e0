package act

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// stranger is a user who is not root.
const stranger = 65534

// TestPlantedInTheWarningsPlace plants what a user without root can in a
// folder such as /tmp, and warns as root.
func TestPlantedInTheWarningsPlace(t *testing.T) {
	plant := map[string]func(path string) error{
		"a pipe": func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"a link to a pipe": func(path string) error {
			if err := syscall.Mkfifo(path+".pipe", 0o666); err != nil {
				return err
			}
			return os.Symlink(path+".pipe", path)
		},
		"a link to nowhere":   func(path string) error { return os.Symlink(path+".nowhere", path) },
		"a link to a folder":  func(path string) error { return os.Symlink(filepath.Dir(path), path) },
		"a link to itself":    func(path string) error { return os.Symlink(path, path) },
		"another user's file": func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
	}
	for name, plant := range plant {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
				t.Fatal(err)
			}
			u := &Users{File: filepath.Join(dir, "WARNING")}
			if err := plant(u.File); err != nil {
				t.Fatal(err)
			}
			if os.Geteuid() == 0 {
				if err := os.Lchown(u.File, stranger, stranger); err != nil {
					t.Fatal(err)
				}
			}
			done := make(chan error, 1)
			go func() { done <- u.Warn(t.Context(), "the end is near") }()
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("it blocks")
			}
			info, err := os.Lstat(u.File)
			if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o644 || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
				t.Errorf("the warning is %v, %v", info, err)
			}
			if b, err := os.ReadFile(u.File); err != nil || string(b) != "the end is near\n" {
				t.Errorf("people read %q, %v", b, err)
			}
			if _, err := os.Lstat(u.File + ".nowhere"); err == nil {
				t.Error("the link was followed")
			}
		})
	}
}
