package deadline

import (
	"context"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// mostAgreements bounds how often two who move the same deadline at once may
// come between each other.
const mostAgreements = 3

// agree makes sure that the cloud's layer holds what the tag says, after both
// were written. Somebody who moves the deadline at the same moment may have
// written one of them before and the other one after: the cloud would then end
// the instance at a time that nobody is told. The tag is the truth, so the cloud
// follows it. Everybody looks after the last write of their own, so that whoever
// is last sees all of it.
//
// A tag that shows what it said before the move is one that EC2 does not show the
// change of yet, and is no reason to move anything back.
func (m Moved) agree(ctx context.Context, api API, cloud Cloud, in instance.Instance) (Moved, error) {
	var overtaken error
	for range mostAgreements {
		seen, err := instance.Get(ctx, api, in.ID)
		if err != nil {
			return m.unsure(err), overtaken
		}
		truth := seen.Tags.Deadline
		if truth == m.From || truth.IsZero() {
			truth = m.To
		}
		if seen.State.Ended() {
			return m, problem.New(problem.Failed, "%s is %s: the new deadline came too late", in.Label(), seen.State)
		}
		if truth != m.To {
			overtaken = problem.New(problem.Failed, "somebody else moved the deadline of %s at the same moment: it is %s", in.Label(), truth).
				WithNext("if that is not what you want, move it again")
		}
		if holds, err := cloud.holds(ctx, in, truth); err != nil || holds {
			if err != nil {
				m = m.unsure(err)
			}
			return m, overtaken
		}
		if err := cloud.Move(ctx, in.ID, truth, in.Persistent); err != nil {
			return m.unsure(err), overtaken
		}
	}
	return m.unsure(contended(in)), overtaken
}

// Repair gives the cloud's layer what an instance's tag says, as it was read, and
// tells whether that took anything. It leaves alone what somebody else has just
// written, and looks again after its own write, as agree does.
func (c Cloud) Repair(ctx context.Context, api instance.Describer, in instance.Instance) (repaired bool, err error) {
	for range mostAgreements {
		have, err := c.Read(ctx, in.ID, in.Persistent)
		if err != nil {
			return repaired, err
		}
		now := c.Clock.Now()
		if have.For(in.Tags.Deadline, now) || !repaired && !have.Settled(now) {
			return repaired, nil
		}
		if err := c.Arm(ctx, in.ID, in.Tags.Deadline, in.Persistent); err != nil {
			return repaired, err
		}
		repaired = true
		seen, err := instance.Get(ctx, api, in.ID)
		if err != nil {
			return repaired, err
		}
		if seen.State.Ended() || seen.Tags.Deadline.IsZero() || seen.Tags.Deadline == in.Tags.Deadline {
			return repaired, nil
		}
		in = seen
	}
	return repaired, contended(in)
}

// contended says that no agreement was reached.
func contended(in instance.Instance) error {
	return fmt.Errorf("the deadline of %s is being moved by others again and again", in.Label())
}

// unsure takes back that the cloud's layer holds the deadline.
func (m Moved) unsure(err error) Moved {
	m.Cloud, m.CloudErr = false, err
	return m
}

// holds tells that the cloud will act for a deadline, and at no other time.
func (c Cloud) holds(ctx context.Context, in instance.Instance, at lifecycle.Deadline) (bool, error) {
	armed, err := c.Read(ctx, in.ID, in.Persistent)
	if err != nil {
		return false, err
	}
	return armed.For(at, c.Clock.Now()), nil
}
