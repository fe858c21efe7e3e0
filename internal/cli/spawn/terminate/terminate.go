// Package terminate is "spawn terminate".
package terminate

import (
	"context"
	"fmt"
	"time"

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

// New makes the command. run is replaced by tests of the flags.
func New(f *factory.Factory, run func(context.Context, *Options) error) *cobra.Command {
	o := &Options{Factory: f}
	if run == nil {
		run = terminateRun
	}
	cmd := &cobra.Command{
		Use:   "terminate <name|id>",
		Short: "End an instance now, for good",
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	return cmd
}

// terminateTimeout bounds the wait for the instance to be gone.
const terminateTimeout = 10 * time.Minute

func terminateRun(ctx context.Context, o *Options) error {
	target, err := o.Factory.Connect(ctx, "")
	if err != nil {
		return err
	}
	in, err := instance.Find(ctx, target.EC2(), o.Name)
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
	ctx, cancel := context.WithTimeout(ctx, terminateTimeout)
	defer cancel()
	if _, err := instance.Wait(ctx, target.EC2(), in.ID, instance.In(lifecycle.StateTerminated)); err != nil {
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
