package sshx

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// agentTimeout bounds the question to an agent, which may wait for a person.
const agentTimeout = 2 * time.Second

// AgentKeys lists the keys that the user's ssh-agent holds and EC2 imports, in
// the agent's own order. No agent is no key and no error.
func AgentKeys(ctx context.Context) ([]Key, error) {
	address := agentAddress(runtime.GOOS, os.Getenv("SSH_AUTH_SOCK"))
	if address == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	conn, err := dialAgent(ctx, address)
	switch {
	case errors.Is(err, os.ErrNotExist) || isRefused(err):
		return nil, nil // one that has ended leaves its address behind
	case err != nil:
		return nil, fmt.Errorf("reach ssh-agent: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	keys, err := listKeys(conn)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("ask ssh-agent for its keys: %w", err)
	}
	return keys, conn.Close()
}

func listKeys(conn io.ReadWriter) ([]Key, error) {
	held, err := agent.NewClient(conn).List()
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, h := range held {
		public, err := ssh.ParsePublicKey(h.Marshal())
		if err != nil || importable(public) != nil {
			continue // a certificate, or a kind that EC2 does not take
		}
		key := Key{InAgent: true, Type: public.Type(), Comment: h.Comment, Body: base64.StdEncoding.EncodeToString(public.Marshal())}
		key.Public = key.Type + " " + key.Body
		keys = append(keys, key)
	}
	return keys, nil
}

// windowsAgent is where the agent of Windows' OpenSSH listens.
//
// https://learn.microsoft.com/windows-server/administration/openssh/openssh_keymanagement
const windowsAgent = `\\.\pipe\openssh-ssh-agent`

// agentAddress is where an agent is reached on a system: the socket that the
// environment names or, on Windows, a named pipe; "" for nowhere. What a Unix
// shell on Windows puts there is a socket that only its own programs understand.
func agentAddress(goos, fromEnvironment string) string {
	if goos != "windows" {
		return fromEnvironment
	}
	if strings.HasPrefix(strings.ReplaceAll(fromEnvironment, "/", `\`), `\\.\pipe\`) {
		return fromEnvironment
	}
	return windowsAgent
}
