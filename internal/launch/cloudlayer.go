package launch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// SchedulerAPI is all of EventBridge Scheduler that a launch uses.
type SchedulerAPI interface {
	account.ScheduleGroupAPI
	deadline.Schedules
}

// cloudLayer is the cloud's layer of the deadlines of a launch in progress. The
// launch does not wait for it until the end, and lives without it: two other
// layers hold.
type cloudLayer struct {
	ready      chan struct{} // closed when role and group are there, or will not be
	remembered bool          // they are, by what an earlier launch knew
	refused    error         // why they are not
	working    sync.WaitGroup
	furniture  deadline.Furniture // for which janitors were written, or are about to be

	mu     sync.Mutex           // guards what follows
	cancel []context.CancelFunc // of all that is working
	armed  map[string]arming    // by instance
}

// arming is what came of letting the cloud end an instance.
type arming struct {
	request string // its persistent Spot request, or ""
	err     error  // why the cloud will not; nil: it will
}

// beginCloud provides what schedules need, beside everything else.
func (r *running) beginCloud(ctx context.Context) {
	r.cloud.ready, r.cloud.armed = make(chan struct{}), map[string]arming{}
	if r.facts.Recall(string(StepCloud), account.SchedulerVersion(r.who), &r.cloud.remembered) {
		close(r.cloud.ready)
		return
	}
	r.aside(ctx, func(ctx context.Context) {
		defer close(r.cloud.ready)
		_ = r.step(StepCloud, func() (string, error) { return r.ensureScheduler(ctx) }) // told, and kept in refused
	})
}

// aside runs a part of the cloud's layer beside the launch, until settleCloud.
func (r *running) aside(ctx context.Context, do func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	r.cloud.mu.Lock()
	r.cloud.cancel = append(r.cloud.cancel, cancel)
	r.cloud.mu.Unlock()
	r.cloud.working.Go(func() { do(ctx) })
}

// ensureScheduler provides the schedules' role and group. Who may not make them
// may still find them there.
func (r *running) ensureScheduler(ctx context.Context) (detail string, err error) {
	r.cloud.refused = account.EnsureScheduler(ctx, r.IAM, r.Scheduler, r.who, r.origin, r.record)
	if awserr.IsDenied(r.cloud.refused) {
		return "not permitted to make a role and a group for schedules; perhaps they are there", nil
	}
	if r.cloud.refused == nil {
		r.facts.Learn(string(StepCloud), account.SchedulerVersion(r.who), true)
	}
	return permissions.SchedulerRole + ": may end what spawn launched, nothing else", r.cloud.refused
}

// armCloud lets the cloud end the instances that were just made, beside the wait
// for their boot.
func (r *running) armCloud(ctx context.Context, made []types.Instance, a attempt) {
	r.aside(ctx, func(ctx context.Context) {
		<-r.cloud.ready
		_ = r.step(StepBackstop, func() (string, error) { // told, and kept in armed
			var failed error
			arms := errgroup.Group{}
			arms.SetLimit(armsAtOnce)
			for _, m := range made {
				arms.Go(func() error { return r.armOne(ctx, m, a) })
			}
			failed = arms.Wait()
			who := aws.ToString(made[0].InstanceId)
			if len(made) > 1 {
				who = fmt.Sprintf("each of %d", len(made))
			}
			return fmt.Sprintf("the cloud ends %s %s after its deadline, if nothing else did", who, lifecycle.FormatDuration(deadline.Grace)), failed
		})
	})
}

// armsAtOnce bounds the calls to Scheduler under way.
const armsAtOnce = 10

// armOne arms one instance. A one-time Spot request makes no replacement and
// needs no end.
func (r *running) armOne(ctx context.Context, m types.Instance, a attempt) error {
	id, request := aws.ToString(m.InstanceId), ""
	if a.candidate.Interruption != "" {
		request = aws.ToString(m.SpotInstanceRequestId)
	}
	err := r.backstop().Arm(ctx, id, a.deadline, request)
	r.cloud.mu.Lock()
	r.cloud.armed[id] = arming{request, err}
	r.cloud.mu.Unlock()
	if err == nil {
		r.write(journal.Entry{Kind: journal.Schedule, ID: id})
	}
	return err
}

// backstop is the cloud's layer as this launch may use it.
func (r *running) backstop() deadline.Cloud {
	cloud := deadline.Cloud{
		API:   r.Scheduler,
		Clock: deadline.Real(r.Now),
		Who:   func(context.Context) (account.Identity, error) { return r.who, nil },
	}
	switch {
	case r.cloud.refused != nil:
		cloud.Prepare = func(context.Context) error { return r.cloud.refused }
	case r.cloud.remembered:
		cloud.Prepare = func(ctx context.Context) error {
			r.facts.Forget(string(StepCloud))
			return account.EnsureScheduler(ctx, r.IAM, r.Scheduler, r.who, r.origin, r.record)
		}
	}
	return cloud
}

// settleCloud waits for what is under way, which a launch that failed cuts short,
// and tells the instances that were kept whether they lack the cloud's layer.
// Instances that EC2 took back on the way need none any more.
func (r *running) settleCloud(ctx context.Context, kept []Member, failed error) {
	for _, cancel := range r.cloud.cancel {
		defer cancel()
		if failed != nil {
			cancel()
		}
	}
	r.cloud.working.Wait()
	if failed != nil {
		return // what undoing ends is disarmed then, and not before
	}
	taken := maps.Clone(r.cloud.armed)
	var bare []string
	var missing error
	for i, m := range kept {
		if kept[i].Backstop = r.cloud.armed[m.Instance.ID].err; kept[i].Backstop != nil {
			bare, missing = append(bare, m.Instance.ID), kept[i].Backstop
		}
		delete(taken, m.Instance.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(taken)) {
		if err := r.disarm(ctx, id); err != nil {
			r.emit(Noted{fmt.Sprintf("%v; remove it with: spawn cleanup", err)})
		}
	}
	if len(bare) > 0 {
		r.tellMissing(ctx, bare, missing)
	}
}

// tellMissing says what instances without the cloud's layer lack. Where the
// launch was not permitted to arm it, that is written on them, too: an extension
// then knows that there is nothing to move.
func (r *running) tellMissing(ctx context.Context, bare []string, err error) {
	const missing = "the cloud's layer of the deadline"
	if !awserr.IsDenied(err) {
		r.emit(Noted{fmt.Sprintf("%s of %s is missing (%v); arm it with: spawn cleanup", missing, strings.Join(bare, ", "), err)})
		return
	}
	r.lack(Lack{
		What:       missing,
		Instead:    "the agent and the operating system end the instance in time, but nothing does while it is stopped or hung",
		Permission: r.permission(StepCloud),
	})
	tags := map[string]string{lifecycle.TagBackstop: lifecycle.BackstopMissing}
	if _, err := r.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: bare, Tags: account.EC2Tags(tags)}); err != nil {
		r.emit(Noted{fmt.Sprintf("that could not be written to a tag of %s, so that spawn extend will ask for the permission: %v", strings.Join(bare, ", "), err)})
	}
}

// disarmCloud removes the schedules of an instance that undoing has ended. One
// that could not be ended keeps them: they are what still ends it.
func (r *running) disarmCloud(ctx context.Context, o reap.Outcome) error {
	if _, tried := r.cloud.armed[o.ID]; !tried || o.Kind != reap.Instance || !o.Gone() {
		return nil
	}
	return r.disarm(ctx, o.ID)
}

func (r *running) disarm(ctx context.Context, id string) error {
	a := r.cloud.armed[id]
	if awserr.IsDenied(a.err) {
		return nil // there is nothing to remove
	}
	return r.backstop().Disarm(ctx, id, a.request != "")
}
