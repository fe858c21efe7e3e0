// Package terminate is "spawn terminate".
package terminate

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
	Yes     bool
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "terminate <name|id>",
		Short: "End an instance now, for good",
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return terminateRun(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	f.CloudFlags(cmd)
	return cmd
}

func terminateRun(ctx context.Context, o *Options) error {
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	if in.State == lifecycle.StateTerminated {
		return o.Factory.Println(in.Label() + " has ended already")
	}
	if err := o.confirm(in); err != nil {
		return err
	}
	if err := instance.Terminate(ctx, target.EC2(), in); err != nil {
		return err
	}
	if _, err := instance.Become(ctx, target.EC2(), in, lifecycle.StateTerminated); err != nil {
		return err
	}
	return o.Factory.Println(in.Label() + " has ended")
}

// confirm asks on a terminal, and needs --yes elsewhere.
func (o *Options) confirm(in instance.Instance) error {
	if o.Yes {
		return nil
	}
	return term.Confirm(o.Factory.Streams, fmt.Sprintf("end %s (%s, %s) and delete its disk?", in.Label(), in.ID, in.Type))
}
