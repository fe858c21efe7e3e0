package files_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/spawn-ec2/spawn/internal/files"
)

func TestWriteWholeReplacesALinkAndLeavesNothingElse(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "file")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := files.WriteWhole(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{victim: "precious", path: "new"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", filepath.Base(name), got, err, want)
		}
	}
	if info, err := os.Lstat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o644 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	if err := files.WriteWhole(dir, []byte("new"), 0o644); err == nil {
		t.Error("a folder was replaced")
	}
	if there, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); err != nil || len(there) > 0 {
		t.Errorf("beside it is left: %v, %v", there, err)
	}
}
