// Package connect is "spawn connect".
package connect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/remote"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory  *factory.Factory
	Name     string
	Command  []string // empty: a shell
	Forwards []string
	Start    bool
	Open     bool
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:     "connect <name|id> [-- command...]",
		Aliases: []string{"ssh"},
		Short:   "Open a shell on an instance, or run a command there",
		Long: `Open a shell on an instance, or run a command there: by SSH, with the user of
its image, your key, and a host key that is remembered for this instance alone.

A stopped instance is started when you say so. When your public address is another
one than at the launch, SSH is opened to it when you say so: the instance joins a
second security group, and the first one stays as it is.`,
		Example: `  spawn connect dev-box
  spawn connect dev-box -L 8888:localhost:8888
  spawn connect dev-box -- nvidia-smi`,
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
	cmd.Flags().StringArrayVarP(&o.Forwards, "forward", "L", nil, "lead a `port` of this machine to one there, as ssh does: 8888:localhost:8888; may be given several times")
	cmd.Flags().BoolVar(&o.Start, "start", false, "start it first, if it is stopped")
	cmd.Flags().BoolVar(&o.Open, "open", false, "if it cannot be reached because your public address changed, open SSH to the new one")
	f.CloudFlags(cmd)
	return cmd
}

func connectRun(ctx context.Context, o *Options) error {
	if len(o.Forwards) > 0 && o.Factory.Global.Local {
		return problem.New(problem.Usage, "nothing can be forwarded with -L: SSH would do it, and an instance of the local cloud is entered without SSH").
			WithNext("run what needs the port inside: spawn connect %s --local -- command", o.Name)
	}
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	session := remote.Session{Command: o.Command, Forwards: o.Forwards}
	if in.State == lifecycle.StateStopped {
		if in, err = o.start(ctx, target, in); err != nil {
			return err
		}
		session.Attempts = attemptsAfterStart
	}
	err = remote.Run(ctx, o.Factory, target, in, session)
	if !sshFailed(err) || target.Local {
		return err
	}
	here, closed := o.shutOut(ctx, target, in)
	if !closed {
		return err
	}
	if err := o.letIn(ctx, target, in, here); err != nil {
		return err
	}
	return remote.Run(ctx, o.Factory, target, in, session)
}

// attemptsAfterStart are how often a system that is just starting is tried: its
// SSH answers some seconds after EC2 says that it runs.
const attemptsAfterStart = 30

// start starts a stopped instance, if the user says so.
func (o *Options) start(ctx context.Context, target *awsx.Target, in instance.Instance) (instance.Instance, error) {
	now := target.Clock.Now()
	s := o.Factory.Streams
	switch {
	case o.Start:
	case s.InTTY && s.ErrTTY:
		question := fmt.Sprintf("%s is stopped; start it? It ends at %s", in.Label(), term.Moment(in.Tags.Deadline.Time(), now))
		if err := term.Confirm(s, question); err != nil {
			return in, err
		}
	default:
		return in, problem.New(problem.Failed, "%s is stopped", in.Label()).WithNext("start it on the way: spawn connect --start %s", o.Name)
	}
	if err := instance.Start(ctx, target.EC2(), in, target.Clock.Now); err != nil {
		return in, err
	}
	defer s.Wait("waiting until %s runs", in.Label())()
	return instance.Become(ctx, target.EC2(), in, lifecycle.StateRunning)
}

// sshFailed tells that it may have been ssh itself that failed. A command that
// exits with 255 looks the same.
func sshFailed(err error) bool {
	var ended remote.ExitError
	return errors.As(err, &ended) && ended.Code == 255
}

// letIn opens SSH to the caller's address, if the user says so.
func (o *Options) letIn(ctx context.Context, target *awsx.Target, in instance.Instance, here netip.Prefix) error {
	cause := fmt.Sprintf("%s opens SSH to other addresses, and yours is %s now", in.Label(), here.Addr())
	s := o.Factory.Streams
	switch {
	case o.Open:
		term.Note(s, "%s: opening it", cause)
	case s.InTTY && s.ErrTTY:
		if err := term.Confirm(s, cause+"; open it to this one, too?"); err != nil {
			return err
		}
	default:
		return problem.New(problem.Failed, "%s", cause).WithNext("open it to yours, too: spawn connect --open %s", o.Name)
	}
	return openTo(ctx, o.Factory, target, in, here)
}
