package settings

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteWhole writes a file whole or not at all, with a mode. Its folder must be
// there.
func WriteWhole(path string, text []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		// The first error says what happened; what could not be written is
		// worth nothing.
		_ = os.Remove(file.Name())
	}
	return err
}
