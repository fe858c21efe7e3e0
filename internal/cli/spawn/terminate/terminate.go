// Package terminate is "spawn terminate".
package terminate

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
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
		if err := o.Factory.Println(in.Label() + " has ended already"); err != nil {
			return err
		}
		return o.disarm(ctx, factory.CloudLayer(target), in)
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
	if err := o.Factory.Println(in.Label() + " has ended"); err != nil {
		return err
	}
	return o.disarm(ctx, factory.CloudLayer(target), in)
}

// disarm removes what would have ended the instance if nothing else had. It comes
// last, because until then it may be needed.
func (o *Options) disarm(ctx context.Context, cloud deadline.Cloud, in instance.Instance) error {
	err := cloud.Disarm(ctx, in.ID, in.SpotRequest != "")
	switch {
	case err == nil || in.NoBackstop && awserr.IsDenied(err):
		return nil
	case awserr.IsDenied(err):
		term.Note(o.Factory.Streams, "whether the cloud still has a schedule for it is not known; one would find nothing to end, and remove itself. To see: ask for this policy: %s", cloud.Ask(ctx))
		return nil
	default:
		return problem.New(problem.Partial, "%s has ended, and its schedule is left: %w", in.Label(), err).
			WithNext("it removes itself; to have it gone now: spawn cleanup")
	}
}

// confirm asks on a terminal, and needs --yes elsewhere.
func (o *Options) confirm(in instance.Instance) error {
	if o.Yes {
		return nil
	}
	return term.Confirm(o.Factory.Streams, fmt.Sprintf("end %s (%s, %s) and delete its disk?", in.Label(), in.ID, in.Type))
}
