// Package start is "spawn start".
package start

import (
	"context"
	"fmt"

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
		Use:   "start <name|id>",
		Short: "Start a stopped instance; its deadline is what it was",
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return startRun(cmd.Context(), o)
		},
	}
	f.CloudFlags(cmd)
	return cmd
}

func startRun(ctx context.Context, o *Options) error {
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	defer o.Factory.Streams.Wait("waiting until %s runs", in.Label())()
	if err := instance.Start(ctx, target.EC2(), in, target.Clock.Now); err != nil {
		return err
	}
	in, err = instance.Become(ctx, target.EC2(), in, lifecycle.StateRunning)
	if err != nil {
		return err
	}
	now := target.Clock.Now()
	return term.Tell(o.Factory.Streams, fmt.Sprintf("%s runs and ends at %s, in %s", in.Label(), term.Moment(in.Tags.Deadline.Time(), now), term.Span(in.Tags.Deadline.Left(now))))
}
