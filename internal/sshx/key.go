package sshx

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Key is a public key of the user's, and where it lies.
type Key struct {
	Path        string       // the public key's file; "" for one that only an agent holds
	InAgent     bool         // it was found in an agent and in no file
	PrivatePath string       // the private key's file, or "" when it is not there: an agent may hold it
	Type        string       // ssh-rsa or ssh-ed25519
	Comment     string       // what the file says after the key, often user@host
	Body        string       // the key itself, base64, without its type
	Public      string       // a line of authorized_keys, the form in which EC2 imports it, without the comment
	PassedOver  []PassedOver // files that would have been preferred and were no use
}

// PassedOver is a key file that cannot be used, and why.
type PassedOver struct {
	Path   string
	Reason string
}

func (p PassedOver) String() string { return p.Path + ": " + p.Reason }

// NoKeyError says that no usable key was found.
type NoKeyError struct {
	PassedOver []PassedOver // the files that were there; none: there was nothing to look at
}

func (e *NoKeyError) Error() string {
	text := "no SSH key that EC2 accepts was found"
	for _, p := range e.PassedOver {
		text += "; " + p.String()
	}
	return text
}

// Where says where the key was found.
func (k Key) Where() string {
	if k.InAgent {
		return strings.TrimSpace("ssh-agent " + k.Comment)
	}
	return k.Path
}

// Identity is what to give ssh as the identity: the private key's file or, when
// only an agent can have the private key, the public key's, by which ssh finds
// it there. It is "" for a key without a file, which ssh finds by asking the
// agent.
func (k Key) Identity() string {
	if k.PrivatePath == "" {
		return k.Path
	}
	return k.PrivatePath
}

// Hash is the SHA-256 of the key as 64 hexadecimal digits. It does not depend on
// the comment.
func (k Key) Hash() string {
	sum := k.sum()
	return hex.EncodeToString(sum[:])
}

// Fingerprint is the key's fingerprint as ssh-keygen prints it: SHA256:…
func (k Key) Fingerprint() string {
	sum := k.sum()
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

func (k Key) sum() [sha256.Size]byte {
	blob, err := base64.StdEncoding.DecodeString(k.Body)
	if err != nil {
		// Every Key is made from a parsed one; a Body that was changed since
		// still has a hash of its own.
		blob = []byte(k.Body)
	}
	return sha256.Sum256(blob)
}

// FindPublicKey returns the key that ssh would offer and EC2 accepts:
// ~/.ssh/id_rsa.pub, then ~/.ssh/id_ed25519.pub. home is the user's home
// folder, as os.UserHomeDir tells it on every system.
//
// A file that is there and of no use is passed over and named. When none is
// left the error is a problem.NotFound around a *NoKeyError, and CreateKey may
// help.
func FindPublicKey(home string) (Key, error) {
	var passed []PassedOver
	for _, name := range []string{"id_rsa", "id_ed25519"} {
		path := sshFile(runtime.GOOS, home, name+".pub")
		key, err := ReadPublicKey(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			passed = append(passed, PassedOver{path, err.Error()})
			continue
		}
		key.PassedOver = passed
		return key, nil
	}
	for _, name := range []string{"id_ecdsa", "id_ecdsa_sk", "id_ed25519_sk"} {
		path := sshFile(runtime.GOOS, home, name+".pub")
		if _, err := os.Stat(path); err == nil {
			passed = append(passed, PassedOver{path, "EC2 imports neither ECDSA keys nor those of security tokens"})
		}
	}
	return Key{}, &problem.Error{
		Kind: problem.NotFound,
		Err:  &NoKeyError{PassedOver: passed},
		Next: "make a key with: ssh-keygen -t ed25519",
	}
}

// maxPublicKey bounds a public key's file in bytes; RSA with 4096 bits has 750.
const maxPublicKey = 16 << 10

// ReadPublicKey reads a public key's file and checks that EC2 can import it. The
// error is fs.ErrNotExist when there is no such file.
func ReadPublicKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if !info.Mode().IsRegular() {
		return Key{}, errors.New("it is not a file")
	}
	file, err := os.Open(path)
	if err != nil {
		return Key{}, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxPublicKey))
	if err := errors.Join(err, file.Close()); err != nil {
		return Key{}, err
	}
	public, comment, err := parsePublic(text)
	if err != nil {
		return Key{}, err
	}
	if err := importable(public); err != nil {
		return Key{}, err
	}
	key := Key{
		Path:    path,
		Type:    public.Type(),
		Comment: comment,
		Body:    base64.StdEncoding.EncodeToString(public.Marshal()),
	}
	// Without its comment the same key is always the same bytes, and who the
	// user is on their own machine stays there.
	key.Public = key.Type + " " + key.Body
	private := strings.TrimSuffix(path, ".pub")
	if info, err := os.Stat(private); err == nil && private != path && info.Mode().IsRegular() {
		key.PrivatePath = private
	}
	return key, nil
}

// parsePublic reads the first key in text, in the form of authorized_keys.
func parsePublic(text []byte) (ssh.PublicKey, string, error) {
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		return nil, "", errors.New("it holds a private key, not a public one")
	}
	public, comment, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, "", errors.New("it holds no public key in OpenSSH's form")
	}
	return public, comment, nil
}

// importable tells why EC2 would not import a key, if so.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-key-pairs.html
func importable(public ssh.PublicKey) error {
	switch public.Type() {
	case ssh.KeyAlgoED25519:
		return nil
	case ssh.KeyAlgoRSA:
		wrapped, isCrypto := public.(ssh.CryptoPublicKey)
		if !isCrypto {
			return errors.New("its length cannot be read")
		}
		key, isRSA := wrapped.CryptoPublicKey().(*rsa.PublicKey)
		if !isRSA {
			return errors.New("its length cannot be read")
		}
		switch bits := key.N.BitLen(); bits {
		case 1024, 2048, 4096:
			return nil
		default:
			return fmt.Errorf("EC2 imports RSA keys of 1024, 2048 and 4096 bits, this one has %d", bits)
		}
	default:
		return fmt.Errorf("EC2 imports RSA and ED25519 keys, this one is %s", public.Type())
	}
}

// SamePublic tells whether two lines of authorized_keys hold the same key,
// whatever their comments, options and white space. What holds no key is the
// same as nothing.
func SamePublic(a, b string) bool {
	keyA, _, errA := parsePublic([]byte(a))
	keyB, _, errB := parsePublic([]byte(b))
	return errA == nil && errB == nil && bytes.Equal(keyA.Marshal(), keyB.Marshal())
}
