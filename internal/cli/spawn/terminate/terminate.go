// Package terminate is "spawn terminate".
package terminate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
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
	Names   []string
	All     bool
	Yes     bool
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "terminate <name|id>... | --all",
		Short: "End instances now, for good",
		Long: `End instances now, for good, and delete what they leave behind: their disks and
schedules, and the security group and network that nothing uses any more. --all
means all of yours, in the region that --region names or in all of them, and nobody
else's.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Names = args
			return terminateRun(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.All, "all", false, "all of your instances")
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	f.CloudFlags(cmd)
	return cmd
}

func terminateRun(ctx context.Context, o *Options) error {
	switch {
	case o.All && len(o.Names) > 0:
		return problem.New(problem.Usage, "--all and the name of an instance contradict each other")
	case !o.All && len(o.Names) == 0:
		return problem.New(problem.Usage, "spawn terminate takes an instance or more, by name or id, and got none").
			WithNext("see what there is with: spawn list; all of yours: spawn terminate --all")
	}
	target, all, unseen, err := o.Factory.List(ctx)
	if err != nil {
		return err
	}
	for _, u := range unseen {
		term.Note(o.Factory.Streams, "%s was not looked at: %v", u.Region, awsx.Explain(u.Err))
	}
	chosen, err := o.choose(ctx, target, all)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		term.Note(o.Factory.Streams, "you have no instances")
		return nil
	}
	if err := o.confirm(chosen); err != nil {
		return err
	}
	ended, err := o.end(ctx, target, chosen)
	return errors.Join(err, o.cleanAfter(ctx, target, ended))
}

// choose finds the instances that are meant, each once.
func (o *Options) choose(ctx context.Context, target *awsx.Target, all []instance.Placed) (chosen []instance.Placed, err error) {
	if o.All {
		who, err := o.Factory.Who(ctx, target)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(all, func(in instance.Placed) bool { return in.Tags.Owner != who.ARN || in.State.Ended() || in.Kept }), nil
	}
	for _, name := range o.Names {
		in, err := instance.Find(all, name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(known instance.Placed) bool { return known.ID == in.ID }) {
			chosen = append(chosen, in)
		}
	}
	return chosen, nil
}

// confirm asks on a terminal, and needs --yes elsewhere. What has ended already
// needs no yes.
func (o *Options) confirm(chosen []instance.Placed) error {
	var live []string
	for _, in := range chosen {
		if in.State != lifecycle.StateTerminated {
			live = append(live, fmt.Sprintf("%s (%s, %s)", in.Label(), in.ID, in.Type))
		}
	}
	switch {
	case o.Yes || len(live) == 0:
		return nil
	case len(live) == 1:
		return term.Confirm(o.Factory.Streams, fmt.Sprintf("end %s and delete its disk?", live[0]))
	}
	return term.Confirm(o.Factory.Streams, fmt.Sprintf("end these %d and delete their disks: %s?", len(live), strings.Join(live, ", ")))
}

// end ends the instances at the same time, says how each went, and returns those
// that have ended.
func (o *Options) end(ctx context.Context, target *awsx.Target, chosen []instance.Placed) (ended []instance.Placed, err error) {
	defer o.Factory.Streams.Wait("ending %d", len(chosen))()
	errs := make([]error, len(chosen))
	var all sync.WaitGroup
	for i, in := range chosen {
		if in.State == lifecycle.StateTerminated {
			continue
		}
		all.Go(func() {
			api := target.EC2In(in.Region)
			if errs[i] = instance.Terminate(ctx, api, in.Instance); errs[i] == nil {
				_, errs[i] = instance.Become(ctx, api, in.Instance, lifecycle.StateTerminated)
			}
		})
	}
	all.Wait()
	for i, in := range chosen {
		if errs[i] != nil {
			err = errors.Join(err, errs[i])
			continue
		}
		ended = append(ended, in)
		words := " has ended"
		if in.State == lifecycle.StateTerminated {
			words = " has ended already"
		}
		err = errors.Join(err, term.Tell(o.Factory.Streams, in.Label()+words), o.disarm(ctx, factory.CloudLayer(target.In(in.Region)), in.Instance))
	}
	return ended, err
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
