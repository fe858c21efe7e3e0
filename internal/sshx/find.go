package sshx

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// FindKey returns the user's key: that of a file, as FindPublicKey finds it, or
// else the first that an agent holds and EC2 accepts. agent lists those, as
// AgentKeys does; nil is no agent.
func FindKey(home string, agent func() ([]Key, error)) (Key, error) {
	key, err := FindPublicKey(home)
	var none *NoKeyError
	if agent == nil || !errors.As(err, &none) {
		return key, err
	}
	held, agentErr := agent()
	switch {
	case agentErr != nil:
		none.PassedOver = append(none.PassedOver, PassedOver{"ssh-agent", agentErr.Error()})
		return Key{}, err
	case len(held) == 0:
		return Key{}, err
	}
	key = held[0]
	key.PassedOver = none.PassedOver
	return key, nil
}

// FindIdentity finds the private key of a key pair that has a name in EC2 and
// that spawn did not import: ~/.ssh/NAME.pem, as the console calls what it hands
// out, or ~/.ssh/NAME. It is "" when there is neither.
func FindIdentity(home, name string) string {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\:`) {
		return "" // a key pair may be called anything, and a file may not
	}
	for _, file := range []string{name + ".pem", name} {
		path := sshFile(runtime.GOOS, home, file)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// sshFile is a file of the user's .ssh folder on a system. Windows' OpenSSH has
// it in the user's profile: C:\Users\ada\.ssh.
//
// https://learn.microsoft.com/windows-server/administration/openssh/openssh_keymanagement
func sshFile(goos, home, name string) string {
	if goos == runtime.GOOS {
		return filepath.Join(home, ".ssh", name)
	}
	separator := "/"
	if goos == "windows" {
		separator = `\`
	}
	return strings.TrimRight(home, separator) + separator + ".ssh" + separator + name
}
