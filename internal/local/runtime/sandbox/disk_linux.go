package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A machine's disk is the folder "disk" in its own folder:
//
//	disk/root             the machine's / with everything that is not below
//	disk/layers/usr/...   what the machine changed of the host's /usr, /var, /opt and /srv
//	disk/own/...          folders that cover the host's: some of /var, the home directory
//	disk/lock             held while a machine runs from it

// openWorkDirs gives back to the owner of a disk the folders that overlayfs
// makes for itself without any permission, which a plain user could not delete.
func openWorkDirs(disk string) error {
	dirs, err := filepath.Glob(filepath.Join(disk, "layers", "*", "work", "*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := os.Chmod(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes a machine's folder. It does what os.RemoveAll cannot: a
// script may have left folders behind that not even their owner may write to.
// The machine must be off.
func Remove(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case d == nil:
			return err
		case !d.IsDir():
			return nil
		case err != nil:
			return err // still unreadable after the chmod below
		}
		// WalkDir calls this before it reads the folder.
		return os.Chmod(path, 0o700) //nolint:gosec // a folder
	})
	if err != nil {
		return fmt.Errorf("open up %s: %w", dir, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("delete %s: %w", dir, err)
	}
	return nil
}
