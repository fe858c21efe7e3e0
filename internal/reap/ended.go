package reap

import (
	"context"
	"errors"
	"slices"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
)

// CleanAfter deletes what instances have left behind that ended just now, as they
// were described before: their belongings, and the furniture that they or their
// launches used and that nothing uses any more. Only the scope's owner's is
// touched, and young furniture only if this machine's launches made it.
func CleanAfter(ctx context.Context, api API, schedules deadline.Cloud, ended []instance.Instance, scope Scope) (Sweep, error) {
	found, err := look(ctx, api, scope)
	if err != nil {
		return Sweep{}, err
	}
	left := leftBy(ended, found)
	if len(left) == 0 {
		return Sweep{}, nil
	}
	s := Sweep{Outcomes: Delete(ctx, api, left)}
	for _, o := range s.Outcomes {
		err = errors.Join(err, o.Err)
		if o.Gone() {
			err = errors.Join(err, dismiss(ctx, schedules, o.Item))
		}
	}
	again, lookErr := look(ctx, api, scope)
	s.Left = leftBy(ended, again)
	return s, errors.Join(err, lookErr)
}

// leftBy are those items that have to do with the instances. A VPC and what is in
// it go together.
func leftBy(ended []instance.Instance, found Found) []Item {
	return slices.DeleteFunc(slices.Clone(found.Left), func(i Item) bool {
		return i.Kind == Instance || !slices.ContainsFunc(ended, func(in instance.Instance) bool {
			return i.launch != "" && i.launch == in.Tags.Launch ||
				i.Kind == SecurityGroup && slices.Contains(in.Groups, i.ID) ||
				i.Kind > SecurityGroup && i.vpc != "" && i.vpc == in.VPC
		})
	})
}

// dismiss removes the schedules that would have taken a piece of furniture away.
// Who may not leaves schedules that end by themselves.
func dismiss(ctx context.Context, schedules deadline.Cloud, gone Item) error {
	f := deadline.Furniture{VPC: gone.vpc}
	switch gone.Kind {
	case SecurityGroup:
		f = deadline.Furniture{Group: gone.ID}
	case Subnet:
		f.Subnets = []string{gone.ID}
	case Gateway:
		f.Gateway = gone.ID
	case VPC:
	default:
		return nil
	}
	err := schedules.Dismiss(ctx, f, gone.ID)
	if awserr.IsDenied(err) {
		return nil
	}
	return err
}
