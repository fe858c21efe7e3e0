// Package remote runs commands on an instance for spawn's commands: by SSH, or
// inside an instance of the local cloud.
package remote

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
	"github.com/spawn-ec2/spawn/internal/term"
)

// ExitError carries the exit code of what ran on the instance. It has been
// shown already: by whatever ran there.
type ExitError struct{ Code int }

func (e ExitError) Error() string { return fmt.Sprintf("the command exited with %d", e.Code) }

// defaultUser logs in where the instance's tags do not say who does: on Amazon
// Linux, which is what is launched unless somebody wishes for another image.
const defaultUser = "ec2-user"

// Session is what to do on an instance.
type Session struct {
	Command  []string // empty: a shell
	Forwards []string // as ssh's -L takes them; not in the local cloud
	Attempts int      // how often to try to reach it by SSH, a second apart; 0 is once
}

// Run runs a session on a running instance, with this program's own streams. A
// command that fails is an ExitError.
func Run(ctx context.Context, f *factory.Factory, t *awsx.Target, in instance.Instance, s Session) error {
	if in.State != lifecycle.StateRunning {
		return problem.New(problem.Failed, "%s is %s", in.Label(), in.State)
	}
	var code int
	var err error
	if t.Local {
		code, err = f.Cloud.Shell(ctx, in.ID, s.Command)
	} else {
		code, err = ssh(ctx, f, t, in, s)
	}
	if err != nil || code == 0 {
		return err
	}
	return ExitError{Code: code}
}

func ssh(ctx context.Context, f *factory.Factory, t *awsx.Target, in instance.Instance, s Session) (int, error) {
	to, err := Destination(ctx, f, t, in)
	if err != nil {
		return 0, err
	}
	to.Forwards, to.Attempts = s.Forwards, s.Attempts
	return sshx.Run(ctx, "ssh", sshx.Args(to, s.Command), sshx.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}

// Destination is where ssh and scp find a running instance, and as whom.
func Destination(ctx context.Context, f *factory.Factory, t *awsx.Target, in instance.Instance) (sshx.Target, error) {
	host := in.PublicIP
	if host == "" {
		host = in.PrivateIP
		term.Note(f.Streams, "%s has no public address: %s is reached only from within its network", in.Label(), host)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return sshx.Target{}, fmt.Errorf("find your SSH key: %w", err)
	}
	key, err := identity(ctx, f, home, in)
	if err != nil {
		return sshx.Target{}, err
	}
	knownHosts, err := sshx.KnownHosts(f.StateFor(t).State, in.ID)
	if err != nil {
		return sshx.Target{}, err
	}
	return sshx.Target{User: cmp.Or(in.Tags.User, defaultUser), Host: host, KeyPath: key, KnownHosts: knownHosts, Alias: in.ID}, nil
}

// identity is the private key to offer: of a key pair that spawn imported, this
// machine's key; of any other, the file that has its name. "" leaves it to ssh,
// which then offers its usual files and what an agent holds: a key that EC2
// knew by a name of the user's own is among those.
func identity(ctx context.Context, f *factory.Factory, home string, in instance.Instance) (string, error) {
	if !strings.HasPrefix(in.KeyName, account.DefaultKeyName) && in.KeyName != "" {
		path := sshx.FindIdentity(home, in.KeyName)
		if path == "" {
			term.Note(f.Streams, "there is no ~/.ssh/%s.pem and no ~/.ssh/%[1]s: ssh offers the keys that it has", in.KeyName)
		}
		return path, nil
	}
	key, err := sshx.FindKey(home, func() ([]sshx.Key, error) { return sshx.AgentKeys(ctx) })
	return key.Identity(), err
}
