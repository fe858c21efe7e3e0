// Package connect is "spawn connect".
package connect

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/remote"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Name    string
	Command []string // empty: a shell
}

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
	return remote.Run(ctx, o.Factory, target, in, o.Command)
}
