// Package cleanup is "spawn cleanup".
package cleanup

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory    *factory.Factory
	Again      string // the command that is to be run again when something is left
	Yes        bool
	DryRun     bool
	AllRegions bool
	AllOwners  bool
	Everything bool
	Living     bool // end instances that live
	Keys       bool // delete imported SSH keys
	Output     string
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f, Again: "spawn cleanup"}
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Delete what your instances have left behind",
		Long: `Delete what your instances have left behind in the region: instances past their
deadline, volumes, network interfaces and persistent Spot requests without an
instance, security groups that nothing uses, spawn's own VPC (where there is no
default one) when nothing is in it, schedules that are about nothing any more, and
users' scripts that were carried by the bucket more than a day ago. All of it is
shown with what it costs a month, and you are asked. What is deleted is listed again
to prove it.

Instances that are stopped cost money too: they are shown, and stay until their
deadline. One that lacks the cloud's layer of its deadline gets it.

Only what spawn made for you is touched, nothing tagged spawn:keep=true, and nothing
younger than 15 minutes that another machine may be about to use. The roles, the
bucket and the schedule group stay: they serve the next launch. --everything deletes
these, too, where no instance of spawn's lives. An SSH key that was imported is
yours and stays in any case.`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return Run(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.DryRun, "dry-run", false, "show what is left and change nothing")
	flags.BoolVar(&o.AllRegions, "all-regions", false, "in every region that the account may use")
	flags.BoolVar(&o.AllOwners, "all-owners", false, "also what other people's instances have left behind; never an instance of theirs")
	flags.BoolVar(&o.Everything, "everything", false, "also the roles, the bucket and the schedule group, where no instance lives")
	flags.StringVarP(&o.Output, "output", "o", "table", "how to show it, a `form`: table or json")
	f.CloudFlags(cmd)
	return cmd
}

func (o *Options) check() error {
	if err := factory.OneOf("--output", o.Output, "table", "json"); err != nil {
		return err
	}
	switch {
	case o.AllRegions && o.Factory.Global.Region != "":
		return problem.New(problem.Usage, "--all-regions and --region contradict each other")
	case o.Output == "json" && !o.Yes && !o.DryRun:
		return problem.New(problem.Usage, "-o json asks nothing").WithNext("say --dry-run to look, or --yes to delete")
	}
	return nil
}

// Run looks, shows, asks, deletes and lists again.
func Run(ctx context.Context, o *Options) error {
	if err := o.check(); err != nil {
		return err
	}
	connect := o.Factory.Connect
	if o.DryRun {
		connect = o.Factory.Reach
	}
	target, err := connect(ctx, "")
	if err != nil {
		return err
	}
	who, err := o.Factory.Who(ctx, target)
	if err != nil {
		return err
	}
	done := o.Factory.Streams.Wait("looking for what is left")
	s, err := o.look(ctx, target, who)
	done()
	if err != nil {
		return err
	}
	o.tell(ctx, s)
	if o.DryRun || len(s.items()) == 0 {
		return o.show(ctx, s)
	}
	if o.Output == "table" {
		if err := o.show(ctx, s); err != nil {
			return err
		}
	}
	if !o.Yes {
		if err := term.Confirm(o.Factory.Streams, o.question(s)); err != nil {
			return err
		}
	}
	o.clean(ctx, s)
	return o.report(s)
}

func (o *Options) question(s *survey) string {
	items := s.items()
	if slices.ContainsFunc(items, func(i reap.Item) bool { return o.Living && i.Kind == reap.Instance }) {
		return fmt.Sprintf("end the instances and delete all of these %d?", len(items))
	}
	return fmt.Sprintf("delete these %d?", len(items))
}

// clean deletes what was found in every region, and after that what serves all
// regions.
func (o *Options) clean(ctx context.Context, s *survey) {
	defer o.Factory.Streams.Wait("deleting %d", len(s.items()))()
	s.each(func(p *place) {
		if p.err == nil && len(p.found.Left) > 0 {
			p.sweep, p.err = p.region.Clean(ctx, p.found, p.scope)
		}
	})
	if len(s.roles) == 0 {
		return
	}
	for _, p := range s.places {
		for _, left := range p.sweep.Left {
			if left.Kind == reap.Instance {
				s.whole.Left = s.roles // they are what an instance needs to end itself
				return
			}
		}
	}
	s.whole, s.wholeErr = reap.CleanRoles(ctx, s.iam, s.roles, s.scope)
}

// arm arms what lives without the cloud's layer of its deadline: that deletes
// nothing, so nobody is asked.
func (o *Options) arm(ctx context.Context, p *place) {
	if o.DryRun || len(p.found.Missing) == 0 {
		return
	}
	p.armed, p.armErr = p.region.Arm(ctx, p.found)
}

func (o *Options) scope(t *awsx.Target, who account.Identity) (reap.Scope, error) {
	scope, err := o.Factory.ReapScope(t, who)
	scope.AllOwners, scope.Living = o.AllOwners, o.Living
	return scope, err
}

func (o *Options) region(t *awsx.Target, who account.Identity) reap.Region {
	r := factory.ReapRegion(t, who)
	r.Everything, r.Keys = o.Everything, o.Keys
	return r
}
