package reap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Backstops is the cloud's layer of a region's deadlines, compared with the
// instances that there are, and what of its schedules is about nothing any more.
type Backstops struct {
	Loose   []Item              // schedules whose instance has ended, or whose furniture is gone
	Missing []instance.Instance // the caller's that live without one, or with one of another time
}

// FindBackstops compares the schedules of the region with its instances. A
// schedule bears no tags: it is known by its group and by the id in its name.
// One of an instance that lives is never loose, whoever's it is, nor is one of
// somebody else's instance that EC2 still shows.
func FindBackstops(ctx context.Context, api API, cloud deadline.Cloud, scope Scope) (Backstops, error) {
	listed, err := cloud.All(ctx) // before the instances: what is listed was launched before
	if err != nil {
		return Backstops{}, err
	}
	instances, err := instance.List(ctx, api)
	if err != nil {
		return Backstops{}, err
	}
	others, err := unlisted(ctx, api, listed, instances)
	if err != nil {
		return Backstops{}, err
	}
	b := compare(listed, instances, others, scope)
	idle, err := idleJanitors(ctx, api, listed, scope)
	b.Loose = append(b.Loose, idle...)
	if err != nil {
		return b, err
	}
	wrong, err := mistimed(ctx, cloud, instances, b.Missing, scope)
	b.Missing = append(b.Missing, wrong...)
	return b, err
}

// readsAtOnce bounds the schedules that are read at the same time.
const readsAtOnce = 10

// mistimed are the caller's living instances whose schedules act at another time
// than their deadline says: an extension died between its two writes, or could
// write only one. One that is under way is left alone.
func mistimed(ctx context.Context, cloud deadline.Cloud, instances, missing []instance.Instance, scope Scope) (wrong []instance.Instance, err error) {
	off := make([]bool, len(instances))
	reads, readsCtx := errgroup.WithContext(ctx)
	reads.SetLimit(readsAtOnce)
	for i, in := range instances {
		known := slices.ContainsFunc(missing, func(m instance.Instance) bool { return m.ID == in.ID })
		if known || !scope.awaits(in) {
			continue
		}
		reads.Go(func() error {
			armed, err := cloud.Read(readsCtx, in.ID, in.Persistent)
			off[i] = err == nil && !armed.For(in.Tags.Deadline, scope.Now) && armed.Settled(scope.Now)
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, fmt.Errorf("read when the cloud ends your instances: %w", err)
	}
	for i, in := range instances {
		if off[i] {
			wrong = append(wrong, in)
		}
	}
	return wrong, nil
}

// awaits tells that an instance is the caller's, lives, and has its deadline to
// come.
func (s Scope) awaits(in instance.Instance) bool {
	return in.Tags.Owner == s.Owner && !in.State.Ended() && !in.Tags.Deadline.IsZero() && !in.Tags.Deadline.Passed(s.Now)
}

func compare(listed []deadline.Listed, instances []instance.Instance, others map[string]bool, scope Scope) (b Backstops) {
	known := map[string]instance.Instance{}
	for _, in := range instances {
		known[in.ID] = in
	}
	names := map[string]int{}
	for _, s := range listed {
		names[s.Instance]++
		in, shown := known[s.Instance]
		ended := shown && in.State.Ended() && (scope.AllOwners || in.Tags.Owner == scope.Owner)
		// An instance that was launched a moment ago need not be shown yet.
		vanished := !shown && !others[s.Instance] && scope.old(s)
		if s.Instance != "" && (ended || vanished) {
			b.Loose = append(b.Loose, Item{Kind: Schedule, ID: s.Name, Name: in.Name, Why: "its instance has ended", Owner: in.Tags.Owner, Monthly: free})
		}
	}
	for _, in := range instances {
		want := 1
		if in.Persistent != "" {
			want = 2
		}
		if scope.awaits(in) && names[in.ID] < want {
			b.Missing = append(b.Missing, in)
		}
	}
	return b
}

// old tells that what a schedule is about would be shown by now, if it were
// there.
func (s Scope) old(l deadline.Listed) bool {
	return s.Now.Sub(l.Created) >= youngest || s.Mine(l.Instance+l.Furniture) || s.gone[l.Instance+l.Furniture]
}

// idleJanitors are the schedules that would take away furniture which is gone.
func idleJanitors(ctx context.Context, api API, listed []deadline.Listed, scope Scope) (loose []Item, err error) {
	var ids []string
	for _, s := range listed {
		if s.Furniture != "" && !slices.Contains(ids, s.Furniture) {
			ids = append(ids, s.Furniture)
		}
	}
	there, err := furnitureThere(ctx, api, ids)
	if err != nil {
		return nil, err
	}
	for _, s := range listed {
		if s.Furniture != "" && !there[s.Furniture] && scope.old(s) {
			loose = append(loose, Item{Kind: Schedule, ID: s.Name, Why: "what it would take away is gone", Monthly: free})
		}
	}
	return loose, nil
}

// unlisted are those instances with a schedule that exist although they do not
// bear our tag any more: somebody took it away.
func unlisted(ctx context.Context, api instance.Describer, listed []deadline.Listed, instances []instance.Instance) (map[string]bool, error) {
	var ids []string
	for _, s := range listed {
		if s.Instance != "" && !slices.Contains(ids, s.Instance) && !slices.ContainsFunc(instances, func(in instance.Instance) bool { return in.ID == s.Instance }) {
			ids = append(ids, s.Instance)
		}
	}
	living := map[string]bool{}
	found, err := instance.Where(ctx, api, "instance-id", ids)
	if err != nil {
		return nil, fmt.Errorf("look for the schedules' instances: %w", err)
	}
	for _, i := range found {
		in := instance.Read(i)
		living[in.ID] = !in.State.Ended()
	}
	return living, nil
}

// CleanSchedules deletes the schedules that are about nothing any more and lists
// again to prove it.
func CleanSchedules(ctx context.Context, api API, cloud deadline.Cloud, scope Scope) (Sweep, error) {
	found, err := FindBackstops(ctx, api, cloud, scope)
	if err != nil || len(found.Loose) == 0 {
		return Sweep{}, err
	}
	var s Sweep
	for _, item := range found.Loose {
		o := Outcome{Item: item, Err: cloud.Delete(ctx, item.ID)}
		s.Outcomes = append(s.Outcomes, o)
		err = errors.Join(err, o.Err)
	}
	found, findErr := FindBackstops(ctx, api, cloud, scope)
	s.Left = found.Loose
	return s, errors.Join(err, findErr)
}

// ArmMissing arms the cloud's layer of instances that live without it, or with
// one of another time, and returns those that it armed.
func ArmMissing(ctx context.Context, api deadline.API, cloud deadline.Cloud, instances []instance.Instance) (armed []instance.Instance, err error) {
	for _, in := range instances {
		repaired, err := cloud.Repair(ctx, api, in)
		if err != nil {
			return armed, err
		}
		if !repaired {
			continue
		}
		armed = append(armed, in)
		if !in.NoBackstop {
			continue
		}
		tags := map[string]string{lifecycle.TagBackstop: lifecycle.BackstopArmed}
		if _, err := api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{in.ID}, Tags: account.EC2Tags(tags)}); err != nil {
			return armed, fmt.Errorf("write down that %s is armed: %w", in.ID, err)
		}
	}
	return armed, nil
}
