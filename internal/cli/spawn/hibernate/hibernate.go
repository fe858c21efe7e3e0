// Package hibernate is "spawn hibernate".
package hibernate

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Name    string
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "hibernate <name|id>",
		Short: "Hibernate an instance: its memory is kept on its disk, and its deadline holds",
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return hibernateRun(cmd.Context(), o)
		},
	}
	f.CloudFlags(cmd)
	return cmd
}

func hibernateRun(ctx context.Context, o *Options) error {
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	defer o.Factory.Streams.Wait("waiting until %s is hibernated", in.Label())()
	if err := instance.Hibernate(ctx, target.EC2(), in); err != nil {
		return err
	}
	in, err = instance.Become(ctx, target.EC2(), in, lifecycle.StateStopped)
	if err != nil {
		return err
	}
	term.Note(o.Factory.Streams, "a hibernated instance still pays for its disk; its deadline is %s", term.Moment(in.Tags.Deadline.Time(), target.Clock.Now()))
	return term.Tell(o.Factory.Streams, in.Label()+" is hibernated; spawn start resumes it where it was")
}
