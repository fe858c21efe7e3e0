package launch

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/bootstrap"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// prepare provides what the account needs. Who is calling comes first, because
// every tag names it; the rest does not depend on one another. What is
// remembered of the account costs no call.
func (r *running) prepare(ctx context.Context) (*prepared, error) {
	have := &prepared{agents: map[string]*bootstrap.Agent{}}
	first, firstCtx := errgroup.WithContext(ctx)
	first.Go(func() error {
		return r.step(StepAccount, func() (detail string, err error) {
			r.who, err = r.Cache.Identify(firstCtx, r.STS)
			return r.who.ARN, err
		})
	})
	first.Go(func() error { return r.checkQuota(firstCtx) })
	if err := first.Wait(); err != nil {
		return have, err
	}
	var err error
	r.facts = r.Cache.Facts(r.who, r.plan.Region)
	r.readClock(have)
	if r.journal, err = journal.Begin(r.Journals, r.header(have)); err != nil {
		return have, fmt.Errorf("begin the launch's journal: %w", err)
	}
	r.beginCloud(ctx)
	var steps errgroup.Group // one that fails interrupts none: what it was making would be lost
	for step, do := range map[Step]func(context.Context, *prepared) (string, error){
		StepKey: r.ensureKey, StepNetwork: r.ensureNetwork, StepRole: r.ensureRole, StepAgent: r.ensureAgent,
	} {
		steps.Go(func() error {
			return r.step(step, func() (string, error) { return do(ctx, have) })
		})
	}
	if err := steps.Wait(); err != nil {
		return have, err
	}
	return have, r.fit(ctx, have)
}

// fit settles what depends on several of the things provided.
func (r *running) fit(ctx context.Context, have *prepared) error {
	if have.agents[r.plan.First().Architecture] == nil && r.plan.Idle.On() {
		if r.plan.Lifetime.Reason == lifecycle.IdleOnly {
			return problem.New(problem.Denied, "an idle instance is only noticed by the agent, and there is no way to bring it there").
				WithNext("ask for the permission below, or launch with --ttl and without --idle-timeout:\n%s", r.permission(StepAgent))
		}
		r.emit(Noted{"idle detection is off: there is no agent; the instance ends at its deadline"})
	}
	return r.carry(ctx, have)
}

// recalled returns what is remembered of a step, or provides it and remembers
// it then. Where it came from is kept: only what is remembered can be stale.
func recalled[T any](r *running, step Step, name string, provide func() (T, error)) (value T, remembered bool, err error) {
	if r.facts.Recall(string(step), name, &value) {
		return value, true, nil
	}
	if value, err = provide(); err != nil {
		return value, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh[step] = true
	r.facts.Learn(string(step), name, value)
	return value, false, nil
}

// ensureRole provides the agent's role. Who may not make it may still use one
// that an administrator made.
func (r *running) ensureRole(ctx context.Context, have *prepared) (detail string, err error) {
	if r.plan.Profile != "" {
		have.profile = r.plan.Profile
		return have.profile + ": your own; the agent can end its instance only if its role allows it", nil
	}
	have.profile, _, err = recalled(r, StepRole, account.RoleVersion(r.who), func() (string, error) {
		return account.EnsureRole(ctx, r.IAM, r.who, r.origin, r.record)
	})
	if awserr.IsDenied(err) {
		return r.existingRole(ctx, have)
	}
	return have.profile + ": may end its own instance, no other", err
}

// existingRole uses the role as it is, or none.
func (r *running) existingRole(ctx context.Context, have *prepared) (detail string, err error) {
	found, err := account.HasRole(ctx, r.IAM)
	switch {
	case err == nil && found || awserr.IsDenied(err):
		// It may be there, and RunInstances will tell.
		have.profile, r.borrowed = r.roleName(), true
		return have.profile + ": as it is; you may not change it", nil
	case err != nil:
		return "", err
	}
	return "none", r.withoutRole(have, "may not make it")
}

// ensureAgent provides the agent of the candidate that is preferred.
func (r *running) ensureAgent(ctx context.Context, have *prepared) (detail string, err error) {
	return r.ensureAgentOf(ctx, have, r.plan.First())
}

// ensureAgentOf provides the agent for a candidate. Without a bucket it comes
// from where the user's settings say, with the same content, or not at all.
func (r *running) ensureAgentOf(ctx context.Context, have *prepared, c Candidate) (detail string, err error) {
	build := c.Agent
	object, remembered, err := recalled(r, StepAgent, build.Key(), func() (account.Object, error) {
		return account.EnsureObject(ctx, r.S3, r.who, r.plan.Region, build.Key(), build.Gzip, r.record)
	})
	if awserr.IsDenied(err) {
		return r.agentElsewhere(have, c)
	}
	if err != nil {
		return "", err
	}
	agent := &bootstrap.Agent{SHA256: build.SHA256}
	if agent.ObjectURL, agent.PresignedURL, err = r.ObjectURLs(ctx, object.Bucket, build.Key()); err != nil {
		return "", err
	}
	have.keepAgent(c.Architecture, agent)
	switch {
	case remembered:
		have.unverified = append(have.unverified, c)
		return "in " + object.Bucket, nil
	case object.Sent:
		return fmt.Sprintf("uploaded to %s (%.1f MB)", object.Bucket, float64(len(build.Gzip))/1e6), nil
	default:
		return "already in " + object.Bucket, nil
	}
}

// agentElsewhere is what becomes of the agent where there may be no bucket.
func (r *running) agentElsewhere(have *prepared, c Candidate) (detail string, err error) {
	if r.AgentURL != "" {
		have.keepAgent(c.Architecture, &bootstrap.Agent{SHA256: c.Agent.SHA256, PresignedURL: r.AgentURL})
		return "from " + r.AgentURL, nil
	}
	have.keepAgent(c.Architecture, nil)
	r.lack(Lack{
		What:       "the agent: you may not put it into a bucket of the account",
		Instead:    "the operating system ends the instance at its deadline; idleness, warnings and Spot notices are not watched",
		Permission: r.permission(StepAgent),
	})
	return "none", nil
}

// verifyObjects makes sure that what is remembered to be in the bucket still is.
// It returns at once; the function that it returns waits for it.
func (r *running) verifyObjects(ctx context.Context, have *prepared) (wait func() error) {
	checks, checksCtx := errgroup.WithContext(ctx)
	for _, c := range have.unverified {
		checks.Go(func() error {
			there, err := account.CheckObject(checksCtx, r.S3, r.who, account.Object{Bucket: account.BucketName(r.who.Account, r.plan.Region), Key: c.Agent.Key()})
			if there || awserr.IsDenied(err) {
				return nil // unless it was told otherwise, what is remembered holds
			}
			if err == nil {
				_, err = account.EnsureObject(checksCtx, r.S3, r.who, r.plan.Region, c.Agent.Key(), c.Agent.Gzip, r.record)
			}
			return err
		})
	}
	return checks.Wait
}
