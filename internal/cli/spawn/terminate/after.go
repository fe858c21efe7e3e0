package terminate

import (
	"context"
	"errors"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
	"github.com/spawn-ec2/spawn/internal/term"
)

// cleanAfter deletes what the ended instances leave behind, region by region and
// each owner's apart: whoever may end somebody's instance ends what belongs to it.
func (o *Options) cleanAfter(ctx context.Context, target *awsx.Target, ended []instance.Placed) (failed error) {
	defer o.Factory.Streams.Wait("deleting what is left behind")()
	type whose struct{ region, owner string }
	left := map[whose][]instance.Instance{}
	for _, in := range ended {
		of := whose{in.Region, in.Tags.Owner}
		left[of] = append(left[of], in.Instance)
	}
	for of, theirs := range left {
		failed = errors.Join(failed, o.cleanOne(ctx, target.In(of.region), of.owner, theirs))
	}
	return failed
}

func (o *Options) cleanOne(ctx context.Context, target *awsx.Target, owner string, theirs []instance.Instance) error {
	scope, err := o.Factory.ReapScope(target, account.Identity{ARN: owner})
	if err != nil {
		return err
	}
	sweep, err := reap.CleanAfter(ctx, target.EC2(), factory.CloudLayer(target), theirs, scope)
	o.tell(ctx, target, sweep)
	switch {
	case awserr.IsDenied(err) && len(sweep.Outcomes) == 0:
		term.Note(o.Factory.Streams, "whether it leaves something behind is not known: %v", awsx.Explain(err))
	case err != nil || len(sweep.Left) > 0:
		return leftover(sweep, err)
	}
	return nil
}

// tell says what was deleted. What another launch has begun to use stays without
// a word.
func (o *Options) tell(ctx context.Context, target *awsx.Target, s reap.Sweep) {
	network := false
	for _, item := range s.Gone() {
		term.Note(o.Factory.Streams, "deleted what nothing uses any more: %s %s", item.Kind, item.ID)
		network = network || item.Kind >= reap.SecurityGroup
	}
	if network {
		o.Factory.ForgetNetwork(ctx, target)
	}
}

func leftover(s reap.Sweep, err error) error {
	if err == nil {
		err = errors.New("AWS still lists " + s.Left[0].ID)
	}
	return problem.New(problem.Partial, "not all that the instance left behind could be deleted: %w", err).WithNext("delete it with: spawn cleanup")
}
