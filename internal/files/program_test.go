package files_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/spawn-ec2/spawn/internal/files"
)

// TestWriteThenExecute has many write a script and execute it at once. With
// os.WriteFile some are told "text file busy".
func TestWriteThenExecute(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no #! scripts")
	}
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for j := range 25 {
				path := filepath.Join(dir, strconv.Itoa(i)+"-"+strconv.Itoa(j))
				if err := files.WriteProgram(path, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
					t.Error(err)
					return
				}
				if err := exec.CommandContext(t.Context(), path).Run(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 32*25 {
		t.Errorf("%d scripts, %v", len(left), err)
	}
}
