package sshx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Target is where to connect to, and as whom.
type Target struct {
	User       string
	Host       string // address or name
	KeyPath    string // the identity, see Key.Identity; "": whatever ssh is configured to offer
	KnownHosts string // the file that remembers this instance's host key, see KnownHosts
	Alias      string // the name of the host in it: the instance's id
	TTY        bool   // give the command a terminal; without a command there always is one
}

// Args are the arguments with which to run ssh: to log in or, when command is
// not empty, to run it. The instance's host key is accepted when it is first
// seen and must be the same from then on.
//
// The words of command arrive as they are, one argument each, whatever they
// contain: a remote shell expands nothing in them. For a shell's own syntax
// the command is sh -c '…'. This holds for the shells that know POSIX quoting.
func Args(t Target, command []string) []string {
	args := []string{
		"-o", "UserKnownHostsFile=" + quotePath(t.KnownHosts),
		"-o", "StrictHostKeyChecking=accept-new",
		"-o", "ConnectTimeout=15",
	}
	if t.Alias != "" {
		args = append(args, "-o", "HostKeyAlias="+t.Alias)
	}
	if t.KeyPath != "" {
		args = append(args, "-o", "IdentityFile="+quotePath(t.KeyPath), "-o", "IdentitiesOnly=yes")
	}
	if t.TTY {
		args = append(args, "-t")
	}
	args = append(args, "--", t.User+"@"+t.Host)
	if len(command) > 0 {
		// After these two dashes, a second pair would be the command's first word.
		line := QuoteCommand(command)
		if strings.HasPrefix(line, "-") {
			line = "''" + line // an older ssh looks for options after the host, too
		}
		args = append(args, line)
	}
	return args
}

// quotePath writes a path as a value in ssh's configuration, where white space
// separates, quotes and backslashes have a meaning and a percent sign begins a
// token. On Windows ssh understands slashes.
//
// https://man.openbsd.org/ssh_config
func quotePath(path string) string { return quotePathOn(runtime.GOOS, path) }

func quotePathOn(goos, path string) string {
	if goos == "windows" {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(path) + `"`
}

// QuoteCommand writes words as one line that a POSIX shell splits into the same
// words again.
func QuoteCommand(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quoteWord(word)
	}
	return strings.Join(quoted, " ")
}

func quoteWord(word string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@,+"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Streams are what ssh reads and writes. One that is nil is empty or discarded;
// files must be given as they are, so that ssh finds its terminal.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// lastWords is how long a killed ssh may take to hand over what it still had to
// say.
const lastWords = 2 * time.Second

// Run runs the ssh program, found at path or by that name, and returns its exit
// code: that of the remote command, 255 when ssh itself failed (it has said why
// on s.Err), 128 and the signal's number when it was killed by one. The error
// is about running ssh, or ctx's when that ended first.
func Run(ctx context.Context, path string, args []string, s Streams) (exit int, err error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.In, s.Out, s.Err
	cmd.WaitDelay = lastWords
	err = cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case ctx.Err() != nil:
		return 255, fmt.Errorf("run %s: %w", path, context.Cause(ctx))
	case errors.As(err, &ended):
		return exitCode(ended), nil
	case errors.Is(err, exec.ErrNotFound):
		return 255, problem.New(problem.Failed, "run ssh: %w", err).WithNext("install the OpenSSH client")
	default:
		return 255, fmt.Errorf("run ssh: %w", err)
	}
}
