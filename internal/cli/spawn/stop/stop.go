// Package stop is "spawn stop".
package stop

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Name    string
}

// New makes the command. run is replaced by tests of the flags.
func New(f *factory.Factory, run func(context.Context, *Options) error) *cobra.Command {
	o := &Options{Factory: f}
	if run == nil {
		run = stopRun
	}
	cmd := &cobra.Command{
		Use:   "stop <name|id>",
		Short: "Stop an instance; its disk stays, and its deadline holds",
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return run(cmd.Context(), o)
		},
	}
	return cmd
}

// stopTimeout bounds the wait for the instance to be stopped.
const stopTimeout = 10 * time.Minute

func stopRun(ctx context.Context, o *Options) error {
	target, err := o.Factory.Connect(ctx, "")
	if err != nil {
		return err
	}
	in, err := instance.Find(ctx, target.EC2(), o.Name)
	if err != nil {
		return err
	}
	if err := instance.Stop(ctx, target.EC2(), in); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	in, err = instance.Wait(ctx, target.EC2(), in.ID, func(in instance.Instance) bool {
		return in.State == lifecycle.StateStopped || in.State.Ended()
	})
	if err != nil {
		return err
	}
	if in.State != lifecycle.StateStopped {
		return problem.New(problem.Failed, "%s became %s instead of stopped: %s", in.Label(), in.State, term.Or(in.StateReason))
	}
	term.Note(o.Factory.Streams, "a stopped instance still pays for its disk; its deadline is %s", term.Moment(in.Tags.Deadline.Time(), target.Clock.Now()))
	return o.Factory.Println(in.Label() + " is stopped")
}
