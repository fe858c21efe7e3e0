package sshx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
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

	Forwards []string // ports of this machine that lead to the host's network, each as ssh's -L takes it
	Attempts int      // how often to try to reach it, a second apart; 0 is once
}

// options are what every program of OpenSSH is told of a target, by the names
// of ssh_config. The instance's host key is accepted when it is first seen and
// must be the same from then on.
//
// https://man.openbsd.org/ssh_config
func (t Target) options() [][2]string {
	all := [][2]string{
		{"UserKnownHostsFile", quotePath(t.KnownHosts)},
		{"StrictHostKeyChecking", "accept-new"},
		{"ConnectTimeout", "15"},
	}
	if t.Attempts > 1 {
		all = append(all, [2]string{"ConnectionAttempts", strconv.Itoa(t.Attempts)})
	}
	if t.Alias != "" {
		all = append(all, [2]string{"HostKeyAlias", t.Alias})
	}
	if t.KeyPath != "" {
		all = append(all, [2]string{"IdentityFile", quotePath(t.KeyPath)}, [2]string{"IdentitiesOnly", "yes"})
	}
	return all
}

// optionArgs are the options as arguments.
func (t Target) optionArgs() []string {
	var args []string
	for _, o := range t.options() {
		args = append(args, "-o", o[0]+"="+o[1])
	}
	return args
}

// Args are the arguments with which to run ssh: to log in or, when command is
// not empty, to run it.
//
// The words of command arrive as they are, one argument each, whatever they
// contain: a remote shell expands nothing in them. For a shell's own syntax
// the command is sh -c '…'. This holds for the shells that know POSIX quoting.
func Args(t Target, command []string) []string {
	args := t.optionArgs()
	if len(t.Forwards) > 0 {
		args = append(args, "-o", "ExitOnForwardFailure=yes")
	}
	for _, f := range t.Forwards {
		args = append(args, "-L", f)
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
