package factory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/reap"
	"github.com/spawn-ec2/spawn/internal/term"
)

// ReapScope says what the caller may reap in the target's region: the own, and
// what is young only if launches of this machine made it.
func (f *Factory) ReapScope(t *awsx.Target, who account.Identity) (reap.Scope, error) {
	mine, err := journal.Made(f.StateFor(t).Launches())
	if err != nil {
		return reap.Scope{}, fmt.Errorf("read the journals of this machine's launches: %w", err)
	}
	return reap.Scope{Owner: who.ARN, Region: t.Region, Now: t.Clock.Now(), Mine: func(id string) bool { return mine[id] }}, nil
}

// ReapRegion is the target's region as it is cleaned up.
func ReapRegion(t *awsx.Target, who account.Identity) reap.Region {
	return reap.Region{EC2: t.EC2(), Schedules: CloudLayer(t), Store: account.S3Of(t), Groups: account.SchedulerOf(t), Who: who, Name: t.Region}
}

// Who is calling.
func (f *Factory) Who(ctx context.Context, t *awsx.Target) (account.Identity, error) {
	return account.Identify(ctx, account.STSOf(t))
}

// AccountCache is what is remembered of the accounts of the target's caller.
func (f *Factory) AccountCache(ctx context.Context, t *awsx.Target) account.Cache {
	return account.Cache{Dir: f.StateFor(t).Accounts(), Endpoint: t.Endpoint, Caller: t.Caller(ctx), Now: time.Now}
}

// ForgetNetwork forgets the network of the target's region, of which something
// was deleted: the next launch provides it again instead of being refused first.
func (f *Factory) ForgetNetwork(ctx context.Context, t *awsx.Target) {
	cache := f.AccountCache(ctx, t)
	who, err := cache.Identify(ctx, account.STSOf(t))
	if err != nil {
		return // the next launch finds out by itself
	}
	facts := cache.Facts(who, t.Region)
	facts.Forget(string(launch.StepNetwork))
	_ = facts.Save() // if it is not kept, the next launch finds out by itself
}

// MentionCosts says in a line what of the listed instances costs money although
// nobody has any use of it. It asks nobody: what their disks cost is not known
// here.
func (f *Factory) MentionCosts(all []instance.Placed, now time.Time) {
	overdue, stopped := 0, 0
	for _, in := range all {
		switch {
		case in.State.Ended():
		case !in.Tags.Deadline.IsZero() && in.Tags.Deadline.Passed(now):
			overdue++
		case in.State == lifecycle.StateStopped:
			stopped++
		}
	}
	var what []string
	if overdue > 0 {
		what = append(what, fmt.Sprintf("%d past the deadline", overdue))
	}
	if stopped > 0 {
		what = append(what, fmt.Sprintf("%d stopped, whose disks are paid for until the deadline", stopped))
	}
	if len(what) > 0 {
		term.Note(f.Streams, "%s; what they cost a month: spawn cleanup --dry-run", strings.Join(what, ", "))
	}
}
