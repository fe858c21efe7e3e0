// Package files writes files as others need to find them: whole, and ready to be
// executed.
package files

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteWhole writes a file in one step, with a mode whatever the umask is:
// readers see the old one or the new one, a crash leaves one of them. Its folder
// must be there.
//
// The folder may belong to everybody: a link planted at path is replaced by the
// rename, and O_EXCL refuses one at the temporary name, which nobody can guess.
// Neither is followed.
func WriteWhole(path string, content []byte, mode fs.FileMode) (err error) {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		err = errors.Join(err, ignoreMissing(os.Remove(temporary)))
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
