// Package sshconfig is "spawn ssh-config".
package sshconfig

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/remote"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/sshx"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Install bool
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "ssh-config",
		Short: "Let ssh, rsync and editors know your instances by their names",
		Long: `Print what ssh has to know of the running instances, in all regions: address,
user, key, and where the host key is remembered. With --install it is written to
~/.ssh/spawn.config, and ~/.ssh/config gets one line that includes it. Say it again
after a launch or a start: addresses change.`,
		Example: `  spawn ssh-config --install
  ssh dev-box
  rsync -a data/ dev-box:data/`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return sshConfigRun(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.Install, "install", false, "write it where ssh looks")
	f.CloudFlags(cmd)
	return cmd
}

func sshConfigRun(ctx context.Context, o *Options) error {
	if o.Factory.Global.Local {
		return problem.New(problem.Usage, "an instance of the local cloud is entered without SSH").WithNext("enter it with: spawn connect --local NAME")
	}
	target, found, unseen, err := o.Factory.List(ctx)
	if err != nil {
		return err
	}
	for _, u := range unseen {
		term.Note(o.Factory.Streams, "%s was not looked at: %v", u.Region, awsx.Explain(u.Err))
	}
	blocks, err := o.blocks(ctx, target, running(found))
	if err != nil {
		return err
	}
	if !o.Install {
		return o.Factory.Print(strings.Join(blocks, "\n"))
	}
	where, err := install(blocks)
	if err != nil {
		return err
	}
	term.Note(o.Factory.Streams, "%d known to ssh by name, in %s", len(blocks), where)
	return nil
}

func running(all []instance.Placed) []instance.Placed {
	var out []instance.Placed
	for _, in := range all {
		if in.State == lifecycle.StateRunning {
			out = append(out, in)
		}
	}
	return out
}

// blocks are a Host for each instance, by its id and by its name. A name that
// several have leads to none of them.
func (o *Options) blocks(ctx context.Context, target *awsx.Target, all []instance.Placed) ([]string, error) {
	bearers := map[string]int{}
	for _, in := range all {
		bearers[in.Name]++
	}
	var blocks []string
	for _, in := range all {
		to, err := remote.Destination(ctx, o.Factory, target.In(in.Region), in.Instance)
		if err != nil {
			return nil, err
		}
		names := []string{in.ID}
		if bearers[in.Name] == 1 {
			names = []string{in.Name, in.ID}
		} else {
			term.Note(o.Factory.Streams, "%d instances are called %s: ssh knows %s by its id alone", bearers[in.Name], in.Name, in.ID)
		}
		blocks = append(blocks, sshx.HostBlock(to, names...))
	}
	return blocks, nil
}
