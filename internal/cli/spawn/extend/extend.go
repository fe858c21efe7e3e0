// Package extend is "spawn extend".
package extend

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	Name    string
	By      string
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "extend <name|id> <duration>",
		Short: "Move an instance's deadline: 2h is added to it, =2h counts from now",
		Long: `Move an instance's deadline. A duration is added to the deadline that the
instance has; with a "=" before it, it counts from now, which may also shorten
the instance's life.

Every layer that ends the instance is moved: what the cloud does by itself, the
tag, and the agent with the operating system's timer.`,
		Example: "  spawn extend dev-box 2h\n  spawn extend dev-box =30m",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return problem.New(problem.Usage, "%s takes an instance and a duration", cmd.CommandPath()).WithNext("usage: %s", cmd.UseLine())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name, o.By = args[0], args[1]
			return extendRun(cmd.Context(), o)
		},
	}
	f.CloudFlags(cmd)
	return cmd
}

func extendRun(ctx context.Context, o *Options) error {
	text, fromNow := strings.CutPrefix(o.By, "=")
	by, err := lifecycle.ParseDuration(text)
	if err != nil {
		return &problem.Error{Kind: problem.Usage, Err: err}
	}
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	now := target.Clock.Now()
	config, err := o.Factory.Config()
	if err != nil {
		return err
	}
	ceiling, err := config.Ceiling()
	if err != nil {
		return err
	}
	to, err := newDeadline(in, by, fromNow, ceiling, now)
	if err != nil {
		return err
	}
	if err := o.withinBlock(ctx, target, in, to, now); err != nil {
		return err
	}
	cloud := factory.CloudLayer(target)
	done := o.Factory.Streams.Wait("moving the deadline; the agent looks for it twice a minute")
	moved, err := deadline.Move(ctx, target.EC2(), cloud, in, to)
	done()
	if err != nil {
		return err
	}
	o.postponeJanitors(ctx, cloud, in, moved)
	return o.report(in, moved, now, func() string { return cloud.Ask(ctx) })
}

// postponeJanitors keeps the cloud from trying to take away what the instance
// uses before it ends. Should that fail, EC2 refuses to give it away, and a
// cleanup deletes it later.
func (o *Options) postponeJanitors(ctx context.Context, cloud deadline.Cloud, in instance.Instance, m deadline.Moved) {
	if !m.Tag || !m.From.IsZero() && !m.To.Later(m.From) {
		return
	}
	err := cloud.PostponeKnown(ctx, in.Groups, in.VPC, m.To)
	if err != nil && !awserr.IsDenied(err) {
		term.Note(o.Factory.Streams, "the network of %s may have to be deleted by spawn cleanup later: %v", in.Label(), awsx.Explain(err))
	}
}

func newDeadline(in instance.Instance, by time.Duration, fromNow bool, ceiling time.Duration, now time.Time) (lifecycle.Deadline, error) {
	from := in.Tags.Deadline.Time()
	if fromNow {
		from = now
	} else if in.Tags.Deadline.IsZero() {
		return lifecycle.Deadline{}, problem.New(problem.Failed, "the deadline of %s is unknown: its tag is missing or cannot be read", in.Label()).
			WithNext("count from now instead: spawn extend %s =%s", in.Label(), lifecycle.FormatDuration(by))
	}
	to := lifecycle.DeadlineAt(from.Add(by))
	if to.Left(now) > ceiling {
		return to, problem.New(problem.Usage, "that is %s from now, longer than the ceiling of %s", term.Span(to.Left(now)), term.Span(ceiling))
	}
	return to, nil
}

// withinBlock refuses a deadline at which EC2 would have taken the instance away
// already. A shorter life needs no permission.
func (o *Options) withinBlock(ctx context.Context, target *awsx.Target, in instance.Instance, to lifecycle.Deadline, now time.Time) error {
	if !in.Tags.Deadline.IsZero() && !to.Time().After(in.Tags.Deadline.Time()) {
		return nil
	}
	last, err := deadline.Latest(ctx, target.EC2(), in)
	if err != nil || last.IsZero() || !to.Time().After(last.Time()) {
		return err
	}
	refusal := problem.New(problem.Usage, "EC2 ends the instances of the Capacity Block %s before that: the deadline of %s can be %s at the latest",
		in.Reservation, in.Label(), term.Moment(last.Time(), now))
	if left := last.Left(now).Truncate(time.Minute); left > 0 {
		return refusal.WithNext("move it there: spawn extend %s =%s", in.Label(), lifecycle.FormatDuration(left))
	}
	return refusal
}

// report says which layers hold the new deadline. An agent that should have
// acknowledged it and did not makes the result a partial one, and so does a
// cloud's layer that failed; one that is not permitted is only told.
func (o *Options) report(in instance.Instance, m deadline.Moved, now time.Time, ask func() string) error {
	line := fmt.Sprintf("%s ends at %s, in %s", in.Label(), term.Moment(m.To.Time(), now), term.Span(m.To.Left(now)))
	if err := term.Tell(o.Factory.Streams, line); err != nil {
		return err
	}
	denied := o.reportCloud(m, now, ask)
	switch {
	case m.Acknowledged:
		term.Note(o.Factory.Streams, "the tag is written, and the agent has acknowledged it")
	case !m.Expected:
		term.Note(o.Factory.Streams, "the tag is written; no agent is running that could acknowledge it, and the instance reads the tag before it ends")
	default:
		return problem.New(problem.Partial, "the tag is written, and the agent has not acknowledged it").
			WithNext("look again in a moment: spawn status %s", in.Label())
	}
	if m.CloudErr != nil && !denied {
		return problem.New(problem.Partial, "the cloud's layer does not hold the new deadline: %w", m.CloudErr).WithNext("arm it with: spawn cleanup")
	}
	return nil
}

// reportCloud says what the cloud's layer does now, and whether the caller was
// not permitted to move it.
func (o *Options) reportCloud(m deadline.Moved, now time.Time, ask func() string) (denied bool) {
	if m.Late {
		term.Note(o.Factory.Streams, "the cloud was about to end it: this may have come too late to stop that")
	}
	switch {
	case m.Cloud:
		term.Note(o.Factory.Streams, "the cloud ends it from %s on, should nothing else have", term.Moment(m.To.Time().Add(deadline.Grace), now))
	case awserr.IsDenied(m.CloudErr):
		term.Note(o.Factory.Streams, "the cloud's layer is not moved: ask for this policy: %s", ask())
		return true
	}
	return false
}
