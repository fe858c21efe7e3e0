package cleanup

import (
	"context"
	"errors"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/reap"
	"github.com/spawn-ec2/spawn/internal/term"
)

// backstops finds the schedules that are left, and arms those that are missing:
// that deletes nothing, so nobody is asked.
func (o *Options) backstops(ctx context.Context, t *awsx.Target, scope reap.Scope) ([]reap.Item, error) {
	cloud := factory.CloudLayer(t)
	found, err := reap.FindBackstops(ctx, t.EC2(), cloud, scope)
	if awserr.IsDenied(err) {
		term.Note(o.Factory.Streams, "the cloud's schedules are not looked at: ask for this policy: %s", cloud.Ask(ctx))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if o.DryRun {
		for _, in := range found.Missing {
			term.Note(o.Factory.Streams, "%s lacks the cloud's layer of its deadline, which cleanup would arm", in.Label())
		}
		return found.Loose, nil
	}
	armed, err := reap.ArmMissing(ctx, t.EC2(), cloud, found.Missing)
	for _, in := range armed {
		term.Note(o.Factory.Streams, "%s lacked the cloud's layer of its deadline: it is armed now", in.Label())
	}
	if awserr.IsDenied(err) {
		term.Note(o.Factory.Streams, "%d of your instances lack the cloud's layer of their deadline: ask for this policy: %s", len(found.Missing)-len(armed), cloud.Ask(ctx))
		err = nil
	}
	return found.Loose, err
}

// cleanSchedules deletes the schedules of what has ended, what was just ended
// included.
func (o *Options) cleanSchedules(ctx context.Context, t *awsx.Target, scope reap.Scope, so reap.Sweep, err error) (reap.Sweep, error) {
	more, cleanErr := reap.CleanSchedules(ctx, t.EC2(), factory.CloudLayer(t), scope)
	if awserr.IsDenied(cleanErr) && len(more.Outcomes) == 0 {
		return so, err // which was said before
	}
	so.Outcomes, so.Left = append(so.Outcomes, more.Outcomes...), append(so.Left, more.Left...)
	return so, errors.Join(err, cleanErr)
}
