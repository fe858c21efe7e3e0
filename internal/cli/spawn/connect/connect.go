// Package connect is "spawn connect".
package connect

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Name    string
	Command []string // empty: a shell
}

// ExitError carries the exit code of what ran on the instance. It has been
// shown already: by whatever ran there.
type ExitError struct{ Code int }

func (e ExitError) Error() string { return fmt.Sprintf("the command exited with %d", e.Code) }

// defaultUser logs in where the instance's tags do not say who does: on Amazon
// Linux, which is what is launched unless somebody wishes for another image.
const defaultUser = "ec2-user"

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:     "connect <name|id> [-- command...]",
		Aliases: []string{"ssh"},
		Short:   "Open a shell on an instance, or run a command there",
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); len(args) == 1 || at == 1 {
				return nil
			}
			return problem.New(problem.Usage, "%s takes one instance, and a command after --", cmd.CommandPath()).WithNext("usage: %s", cmd.UseLine())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name, o.Command = args[0], args[1:]
			return connectRun(cmd.Context(), o)
		},
	}
	f.CloudFlags(cmd)
	return cmd
}

func connectRun(ctx context.Context, o *Options) error {
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	if in.State != lifecycle.StateRunning {
		return problem.New(problem.Failed, "%s is %s", in.Label(), in.State)
	}
	var code int
	if target.Local {
		code, err = o.Factory.Cloud.Shell(ctx, in.ID, o.Command)
	} else {
		code, err = o.ssh(ctx, in, o.Factory.StateFor(target).State)
	}
	if err != nil || code == 0 {
		return err
	}
	return ExitError{Code: code}
}

func (o *Options) ssh(ctx context.Context, in instance.Instance, stateDir string) (int, error) {
	host := in.PublicIP
	if host == "" {
		host = in.PrivateIP
		term.Note(o.Factory.Streams, "%s has no public address: %s is reached only from within its network", in.Label(), host)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return 0, fmt.Errorf("find your SSH key: %w", err)
	}
	identity, err := o.identity(ctx, home, in)
	if err != nil {
		return 0, err
	}
	knownHosts, err := sshx.KnownHosts(stateDir, in.ID)
	if err != nil {
		return 0, err
	}
	to := sshx.Target{User: cmp.Or(in.Tags.User, defaultUser), Host: host, KeyPath: identity, KnownHosts: knownHosts, Alias: in.ID}
	return sshx.Run(ctx, "ssh", sshx.Args(to, o.Command), sshx.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}

// identity is the private key to offer: of a key pair that spawn imported, this
// machine's key; of any other, the file that has its name. "" leaves it to ssh,
// which then offers its usual files and what an agent holds: a key that EC2
// knew by a name of the user's own is among those.
func (o *Options) identity(ctx context.Context, home string, in instance.Instance) (string, error) {
	if !strings.HasPrefix(in.KeyName, account.DefaultKeyName) && in.KeyName != "" {
		path := sshx.FindIdentity(home, in.KeyName)
		if path == "" {
			term.Note(o.Factory.Streams, "there is no ~/.ssh/%s.pem and no ~/.ssh/%[1]s: ssh offers the keys that it has", in.KeyName)
		}
		return path, nil
	}
	key, err := sshx.FindKey(home, func() ([]sshx.Key, error) { return sshx.AgentKeys(ctx) })
	return key.Identity(), err
}
