// Package cleanup is "spawn cleanup".
package cleanup

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Yes     bool
	DryRun  bool
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Delete what your instances have left behind in the region",
		Long: `Delete what your instances have left behind in the region: instances past their
deadline, volumes without an instance, security groups that nothing uses, spawn's
own VPC (where there is no default one) when nothing is in it, schedules whose
instance has ended. An instance that lacks the cloud's layer of its deadline gets
it. Only what spawn made for you is touched. Your key pair, the agent's role and its
bucket stay: they cost nothing and serve the next launch.`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cleanupRun(cmd.Context(), o) },
	}
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "show what is left and delete nothing")
	f.CloudFlags(cmd)
	return cmd
}

func cleanupRun(ctx context.Context, o *Options) error {
	target, err := o.Factory.Connect(ctx, "")
	if err != nil {
		return err
	}
	scope, err := o.scope(ctx, target)
	if err != nil {
		return err
	}
	items, err := reap.Find(ctx, target.EC2(), scope)
	if err != nil {
		return err
	}
	loose, err := o.backstops(ctx, target, scope)
	if err != nil {
		return err
	}
	if items = append(items, loose...); len(items) == 0 {
		term.Note(o.Factory.Streams, "nothing is left in %s", target.Region)
		return nil
	}
	if err := showItems(o.Factory.Streams, items); err != nil || o.DryRun {
		return err
	}
	if !o.Yes {
		if err := term.Confirm(o.Factory.Streams, fmt.Sprintf("delete these %d?", len(items))); err != nil {
			return err
		}
	}
	sweep, err := reap.Clean(ctx, target.EC2(), items[:len(items)-len(loose)], scope)
	sweep, err = o.cleanSchedules(ctx, target, scope, sweep, err)
	return o.report(sweep, err, target.Region)
}

func (o *Options) scope(ctx context.Context, t *awsx.Target) (reap.Scope, error) {
	who, err := account.Identify(ctx, account.STSOf(t))
	if err != nil {
		return reap.Scope{}, err
	}
	if err := o.Factory.RecallAbandoned(ctx, t, who); err != nil {
		return reap.Scope{}, err
	}
	mine, err := journal.Made(o.Factory.StateFor(t).Launches())
	if err != nil {
		return reap.Scope{}, fmt.Errorf("read the journals of this machine's launches: %w", err)
	}
	return reap.Scope{Owner: who.ARN, Now: t.Clock.Now(), Mine: func(id string) bool { return mine[id] }}, nil
}

func showItems(s term.Streams, items []reap.Item) error {
	rows := make([][]string, len(items))
	for i, item := range items {
		rows[i] = []string{item.Kind.String(), item.ID, item.Name, item.Why}
	}
	return term.Table(s, []term.Column{{Title: "KIND"}, {Title: "ID"}, {Title: "NAME"}, {Title: "WHY"}}, rows)
}

// report says what was deleted, and makes anything that is still there an error.
func (o *Options) report(s reap.Sweep, err error, region string) error {
	gone := 0
	for _, outcome := range s.Outcomes {
		switch {
		case outcome.Gone():
			gone++
		case outcome.InUse:
			term.Note(o.Factory.Streams, "%s %s is in use and stays", outcome.Kind, outcome.ID)
		default:
			term.Note(o.Factory.Streams, "%s %s stays: %v", outcome.Kind, outcome.ID, awsx.Explain(outcome.Err))
		}
	}
	term.Note(o.Factory.Streams, "%d deleted in %s, and listed again: %d left", gone, region, len(s.Left))
	if len(s.Left) == 0 {
		return err
	}
	if showErr := showItems(o.Factory.Streams, s.Left); showErr != nil {
		err = errors.Join(err, showErr)
	}
	if err == nil {
		err = errors.New("AWS still lists them")
	}
	return &problem.Error{Kind: problem.Partial, Err: fmt.Errorf("%d could not be deleted: %w", len(s.Left), err), Next: "run spawn cleanup again in a few minutes"}
}
