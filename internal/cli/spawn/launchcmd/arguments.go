package launchcmd

import (
	"context"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/launch"
)

// Execute launches as "spawn launch" does with these arguments.
func Execute(ctx context.Context, f *factory.Factory, args []string) error {
	return execute(ctx, f, nil, args)
}

// Sketch is the plan that "spawn launch" would make with these arguments, as far
// as it is known without asking a cloud. It makes nothing, not even a key.
func Sketch(ctx context.Context, f *factory.Factory, args []string) (launch.Plan, error) {
	apart := *f // the command's flags are those of its factory
	var plan launch.Plan
	err := execute(ctx, &apart, func(ctx context.Context, o *Options) error {
		spec, err := o.spec(ctx)
		if err != nil {
			return err
		}
		machine, err := o.machine(ctx)
		if err != nil {
			return err
		}
		spec.CreateKey, machine.KeyNeeded = false, false
		plan, err = launch.Resolve(spec, machine)
		return err
	}, args)
	return plan, err
}

func execute(ctx context.Context, f *factory.Factory, run func(context.Context, *Options) error, args []string) error {
	cmd := New(f, run)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetOut(f.Streams.Out)
	cmd.SetErr(f.Streams.Err)
	return cmd.ExecuteContext(ctx)
}
