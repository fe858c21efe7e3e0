// Package start is "spawn start".
package start

import (
	"context"
	"fmt"
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
		run = startRun
	}
	cmd := &cobra.Command{
		Use:   "start <name|id>",
		Short: "Start a stopped instance; its deadline is what it was",
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return run(cmd.Context(), o)
		},
	}
	return cmd
}

// startTimeout bounds the wait for the instance to run.
const startTimeout = 10 * time.Minute

func startRun(ctx context.Context, o *Options) error {
	target, err := o.Factory.Connect(ctx, "")
	if err != nil {
		return err
	}
	in, err := instance.Find(ctx, target.EC2(), o.Name)
	if err != nil {
		return err
	}
	if err := instance.Start(ctx, target.EC2(), in, target.Clock.Now); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	in, err = instance.Wait(ctx, target.EC2(), in.ID, func(in instance.Instance) bool {
		return in.State == lifecycle.StateRunning || in.State.Ended()
	})
	if err != nil {
		return err
	}
	if in.State != lifecycle.StateRunning {
		return problem.New(problem.Failed, "%s became %s instead of running: %s", in.Label(), in.State, term.Or(in.StateReason))
	}
	now := target.Clock.Now()
	return o.Factory.Println(fmt.Sprintf("%s runs and ends at %s, in %s", in.Label(), term.Moment(in.Tags.Deadline.Time(), now), term.Span(in.Tags.Deadline.Left(now))))
}
