// Package deadline sets and moves an instance's deadline in its layers and
// reports which of them moved. The layers are the agent, which acknowledges in
// its status tag; the operating system's timer, which follows the agent and
// re-reads the tag itself before it acts; and the cloud's, EventBridge Scheduler,
// which acts a while after the others and needs nothing of the instance.
package deadline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// API is what moving a deadline calls of EC2.
type API interface {
	instance.Describer
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// Moved reports which layers hold the new deadline.
type Moved struct {
	From, To     lifecycle.Deadline
	Tag          bool  // the truth was written
	Acknowledged bool  // the agent says that it enforces it
	Expected     bool  // an agent is running that can acknowledge
	Cloud        bool  // the cloud's layer holds it
	CloudErr     error // why it does not
	Late         bool  // the cloud was about to act: it may still do so at the old time
}

// acknowledgement is how long the agent may take to see a changed tag (30 s,
// DESIGN section 3 and 7) and to say so.
const acknowledgement = 45 * time.Second

// Move moves the deadline in every layer, so that at no moment, whatever fails,
// one that is not moved yet ends the instance before the time that the tag says:
// to a later time the cloud first and the tag after it, to an earlier one the tag
// first. Then it waits for the agent to acknowledge; an instance that is not
// running has nobody to do so, and reads its tags when it starts.
//
// An instance whose cloud layer cannot be moved to a later time is not extended
// at all, and nothing is changed: it would end at the old time.
func Move(ctx context.Context, api API, cloud Cloud, in instance.Instance, to lifecycle.Deadline) (Moved, error) {
	m := Moved{From: in.Tags.Deadline, To: to, Expected: in.State == lifecycle.StateRunning && in.Status != nil}
	if in.State.Ended() {
		return m, problem.New(problem.Failed, "%s is %s: its deadline cannot be moved", in.Label(), in.State)
	}
	if m.From.IsZero() || to.Later(m.From) {
		return m.later(ctx, api, cloud, in)
	}
	return m.earlier(ctx, api, cloud, in)
}

func (m Moved) later(ctx context.Context, api API, cloud Cloud, in instance.Instance) (Moved, error) {
	m.Late = !m.From.IsZero() && !cloud.Clock.Now().Before(m.From.Time().Add(Grace-tooLate(in)))
	if m.CloudErr = cloud.Move(ctx, in.ID, m.To, in.Persistent); m.CloudErr != nil {
		if err := cloud.harmless(ctx, in, m.To, m.CloudErr); err != nil {
			return m, errors.Join(err, m.back(ctx, cloud, in))
		}
	}
	m.Cloud = m.CloudErr == nil
	if err := m.tag(ctx, api, in); err != nil {
		return m, errors.Join(err, m.back(ctx, cloud, in))
	}
	m.Tag = true
	if m.Cloud {
		var err error
		if m, err = m.agree(ctx, api, cloud, in); err != nil {
			return m, err
		}
	}
	return m.acknowledge(ctx, api, in)
}

func (m Moved) earlier(ctx context.Context, api API, cloud Cloud, in instance.Instance) (Moved, error) {
	if err := m.tag(ctx, api, in); err != nil {
		return m, err
	}
	m.Tag = true
	moved := make(chan error, 1)
	go func() { moved <- cloud.Move(ctx, in.ID, m.To, in.Persistent) }()
	m, err := m.acknowledge(ctx, api, in)
	m.CloudErr = <-moved
	if m.Cloud = m.CloudErr == nil; m.Cloud && err == nil {
		return m.agree(ctx, api, cloud, in)
	}
	return m, err
}

// tooLate is how long before the cloud acts a change may come too late to stop
// it. Scheduler has a precision of a minute, and does not say when it has read
// what it is about to do.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
func tooLate(in instance.Instance) time.Duration {
	if in.Persistent != "" {
		return lead + 2*time.Minute
	}
	return 2 * time.Minute
}

// harmless is nil if the cloud will do nothing to the instance before the new
// deadline although its layer could not be moved, which err says. What cannot be
// found out is taken for harm, unless the launch wrote down that it was not
// allowed to arm the layer.
func (c Cloud) harmless(ctx context.Context, in instance.Instance, to lifecycle.Deadline, err error) error {
	if in.NoBackstop && awserr.IsDenied(err) {
		return nil
	}
	first, readErr := c.soonest(ctx, in)
	if readErr == nil && (first.IsZero() || !first.Before(to.Time())) {
		return nil
	}
	p := problem.New(problem.KindOf(err), "the deadline of %s was not moved: the cloud would end it at the old time all the same: %w", in.Label(), err)
	if awserr.IsDenied(err) {
		p.Kind = problem.Denied
		return p.WithNext("ask for this policy: %s", c.Ask(ctx))
	}
	return p.WithNext("nothing was changed; try again")
}

// soonest is when the cloud first does something to an instance; zero: never. A
// Spot request that is cancelled ends a stopped instance, too.
func (c Cloud) soonest(ctx context.Context, in instance.Instance) (time.Time, error) {
	var first time.Time
	names := []string{endName(in.ID)}
	if in.SpotRequest != "" {
		names = append(names, cancelName(in.ID))
	}
	for _, name := range names {
		have, err := c.get(ctx, name)
		if err != nil {
			return time.Time{}, err
		}
		if have.On(c.Clock.Now()) && (first.IsZero() || have.From.Before(first)) {
			first = have.From
		}
	}
	return first, nil
}

// back moves the cloud's layer back to where the tag still is, as far as it was
// moved. It must even when the user has pressed Ctrl-C.
func (m Moved) back(ctx context.Context, cloud Cloud, in instance.Instance) error {
	if m.From.IsZero() || !m.Cloud && in.Persistent == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acknowledgement)
	defer cancel()
	err := cloud.Move(ctx, in.ID, m.From, in.Persistent)
	if err != nil && !m.Cloud && awserr.IsDenied(err) {
		return nil // neither of its schedules can have been moved
	}
	return err
}

// tag writes the truth.
func (m Moved) tag(ctx context.Context, api API, in instance.Instance) error {
	tags := map[string]string{lifecycle.TagDeadline: m.To.String()}
	if _, err := api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{in.ID}, Tags: account.EC2Tags(tags)}); err != nil {
		return fmt.Errorf("move the deadline of %s: %w", in.ID, err)
	}
	return nil
}

// acknowledge waits for the agent to say that it has the new deadline.
func (m Moved) acknowledge(ctx context.Context, api API, in instance.Instance) (Moved, error) {
	if !m.Expected {
		return m, nil
	}
	waitCtx, cancel := context.WithTimeout(ctx, acknowledgement)
	defer cancel()
	seen, err := instance.Wait(waitCtx, api, in.ID, func(now instance.Instance) bool {
		return now.State.Ended() || now.Status != nil && now.Status.Deadline == m.To
	})
	m.Acknowledged = seen.Status != nil && seen.Status.Deadline == m.To && !seen.State.Ended()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return m, nil // not acknowledged in time, which the report says
	}
	return m, err
}
