package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// settle does what needs an instance's id: its own name among several, and the
// bond between it and a persistent Spot request.
func (r *running) settle(ctx context.Context, got []Member) error {
	steps, ctx := errgroup.WithContext(ctx)
	for i := range got {
		if r.plan.Count > 1 {
			steps.Go(func() error { return r.name(ctx, &got[i].Instance, i+1) })
		}
		if got[i].Got.Interruption != "" {
			steps.Go(func() error { return r.bind(ctx, got[i].Instance) })
		}
	}
	return steps.Wait()
}

// name gives one of several instances a name of its own.
func (r *running) name(ctx context.Context, in *instance.Instance, number int) error {
	name := numbered(r.plan.Name, number)
	if err := writeTags(ctx, r.EC2, in.ID, map[string]string{lifecycle.TagName: name}); err != nil {
		return fmt.Errorf("name %s: %w", in.ID, err)
	}
	in.Name, in.Tags.Name = name, name
	return nil
}

// numbered is what one of several instances is called, counted from one.
func numbered(name string, number int) string { return fmt.Sprintf("%s-%d", name, number) }

// bind tells an instance its persistent Spot request, which it has to cancel
// before it ends, and the request its instance, which is the one that may: EC2
// would replace an instance that ends under an open request.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-spot-instances-work.html
func (r *running) bind(ctx context.Context, in instance.Instance) error {
	if in.SpotRequest == "" {
		return problem.New(problem.Failed, "EC2 does not say which Spot request %s is of, and it could not end for good without it", in.ID)
	}
	return tie(ctx, r.EC2, r.who, r.plan.Region, in)
}

// tie writes the bond on both.
func tie(ctx context.Context, api tagger, who account.Identity, region string, in instance.Instance) error {
	arn := fmt.Sprintf("arn:%s:ec2:%s:%s:instance/%s", who.Partition, region, who.Account, in.ID)
	steps, ctx := errgroup.WithContext(ctx)
	steps.Go(func() error {
		return writeTags(ctx, api, in.SpotRequest, map[string]string{lifecycle.TagInstance: arn})
	})
	steps.Go(func() error {
		return writeTags(ctx, api, in.ID, map[string]string{lifecycle.TagSpotRequest: in.SpotRequest})
	})
	if err := steps.Wait(); err != nil {
		return fmt.Errorf("tie %s to its Spot request: %w", in.ID, err)
	}
	return nil
}

// Pauses between two tries to tag what is new.
const (
	firstTagPause = 200 * time.Millisecond
	lastTagPause  = 6 * time.Second
)

// tagger writes tags.
type tagger interface {
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// writeTags writes tags. What EC2 made a moment ago it may not know yet.
func writeTags(ctx context.Context, api tagger, id string, tags map[string]string) error {
	for pause := firstTagPause; ; pause *= 2 {
		_, err := api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: account.EC2Tags(tags)})
		if !awserr.IsNotFound(err) || pause > lastTagPause {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// heard tells whether the instances have agents that can report: without a role
// they cannot.
func (p *prepared) heard(got []Member) bool {
	return p.profile != "" && p.agents[got[0].Got.Architecture] != nil
}

// ready waits for every agent to say that it watches the deadline.
func (r *running) ready(ctx context.Context, got []Member) error {
	err := r.step(StepReady, func() (string, error) {
		waitCtx, cancel := context.WithTimeout(ctx, r.Patience)
		defer cancel()
		waits, waitCtx := errgroup.WithContext(waitCtx)
		for i := range got {
			waits.Go(func() error { return r.hear(waitCtx, &got[i]) })
		}
		err := waits.Wait()
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			return "", errSilent
		case err != nil:
			return "", err
		case len(got) > 1:
			return fmt.Sprintf("%d agents watch the deadline", len(got)), nil
		}
		return fmt.Sprintf("spored %s watches the deadline", got[0].Instance.Status.Agent), nil
	})
	if errors.Is(err, errSilent) {
		return nil // they run, and Ready says who did not answer
	}
	return err
}

// errSilent is an agent that has not answered in time. The step has failed, and
// the launch has not: the operating system's timer still ends the instance.
var errSilent = errors.New("no word from the agent")

// hear waits for one agent.
func (r *running) hear(ctx context.Context, m *Member) error {
	last, err := instance.Wait(ctx, r.EC2, m.Instance.ID, func(in instance.Instance) bool {
		return in.Status != nil || in.State != lifecycle.StateRunning
	})
	if last.ID != "" {
		m.Instance = last
	}
	m.Ready = last.Status != nil
	if err == nil && !m.Ready {
		return problem.New(problem.Failed, "the instance became %s before its agent was ready: %s", last.State, last.Reason())
	}
	return err
}

// boot waits until an instance runs.
func (r *running) boot(ctx context.Context, id string) (instance.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	in, err := instance.Wait(ctx, r.EC2, id, func(in instance.Instance) bool {
		return in.State != lifecycle.StatePending && in.State != lifecycle.StateUnknown
	})
	if err == nil && in.State != lifecycle.StateRunning {
		err = neverRan(in)
	}
	return in, err
}

// neverRan is an instance that EC2 promised and did not deliver, with EC2's
// reason.
func neverRan(in instance.Instance) error {
	e := problem.New(problem.Failed, "the instance became %s instead of running: %s", in.State, in.Reason())
	if awserr.IsNoCapacityReason(in.StateCode) {
		e.Kind, e.Next = problem.NoCapacity, "try another zone, region or type; truffle finds candidates"
	}
	return e
}
