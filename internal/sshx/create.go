package sshx

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// keyComment is the comment of the keys that CreateKey makes.
const keyComment = "spawn"

// CreateKey makes an ED25519 key without a passphrase, in OpenSSH's form, at
// ~/.ssh/id_ed25519 and ~/.ssh/id_ed25519.pub, and returns it.
//
// It never overwrites: when either file is there, the error wraps fs.ErrExist
// and nothing was changed. Of two processes that try at once one succeeds.
func CreateKey(home string) (Key, error) {
	folder := filepath.Join(home, ".ssh")
	private := filepath.Join(folder, "id_ed25519")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Key{}, fmt.Errorf("create SSH key: %w", err)
	}
	for _, path := range []string{private, private + ".pub"} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return Key{}, keyInTheWay(path, private, err)
		}
	}
	privateText, publicText, err := generate()
	if err != nil {
		return Key{}, fmt.Errorf("create SSH key: %w", err)
	}
	if err := writeNew(private, privateText, 0o600); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return Key{}, keyInTheWay(private, private, nil)
		}
		return Key{}, fmt.Errorf("create SSH key: %w", err)
	}
	if err := writeNew(private+".pub", publicText, 0o644); err != nil {
		// Half a key would be in the way of the next try.
		return Key{}, errors.Join(fmt.Errorf("create SSH key: %w", err), os.Remove(private))
	}
	return ReadPublicKey(private + ".pub")
}

// How often, and how long after one another, ProvideKey looks for what another
// process is about to write: for a second.
const (
	looks     = 20
	lookPause = 50 * time.Millisecond
)

// ProvideKey is CreateKey where several processes may try at once: all get the
// key of the one that was first. A key in the way that nobody completes is an
// error as before.
func ProvideKey(home string) (Key, error) {
	key, err := CreateKey(home)
	for range looks {
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if found, findErr := FindPublicKey(home); findErr == nil {
			return found, nil
		}
		time.Sleep(lookPause)
	}
	return key, err
}

// keyInTheWay says that path exists, or why that cannot be told.
func keyInTheWay(path, private string, err error) error {
	if err == nil {
		err = fs.ErrExist
	}
	return problem.New(problem.Failed, "create SSH key: %s: %w", path, err).
		WithNext("if %s is your key, run: ssh-keygen -y -f %s > %s.pub", private, private, private)
}

// generate makes a key and returns the contents of its two files.
func generate() (private, public []byte, err error) {
	publicKey, privateKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(privateKey, keyComment)
	if err != nil {
		return nil, nil, err
	}
	sshKey, err := ssh.NewPublicKey(publicKey)
	if err != nil {
		return nil, nil, err
	}
	line := ssh.MarshalAuthorizedKey(sshKey)
	line = append(line[:len(line)-1], " "+keyComment+"\n"...)
	return pem.EncodeToMemory(block), line, nil
}

// writeNew writes a file that must not exist yet; it is whole or not there.
func writeNew(path string, text []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
