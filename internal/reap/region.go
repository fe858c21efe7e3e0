package reap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/deadline"
)

// Region is all of a region that may hold something of spawn's.
type Region struct {
	EC2 interface {
		API
		deadline.API
	}
	Schedules deadline.Cloud
	Store     Store
	Groups    ScheduleGroups
	Who       account.Identity
	Name      string

	Everything bool // also what serves the next launch, where no instance lives
	Keys       bool // also the SSH keys that were imported
}

// Schedules are what Unseen calls the cloud's schedules.
const Schedules = "schedules"

// Look finds all that is left in the region. It changes nothing.
func (r Region) Look(ctx context.Context, scope Scope) (Found, error) {
	f, err := look(ctx, r.EC2, scope)
	if err != nil {
		return f, err
	}
	b, err := FindBackstops(ctx, r.EC2, r.Schedules, scope)
	if awserr.IsDenied(err) {
		f.unseen(Schedules, err)
		err = nil
	}
	if err != nil {
		return f, err
	}
	f.Missing, f.Left = b.Missing, append(f.Left, b.Loose...)
	if scope.Living { // none of them needs the cloud's layer any more
		f.Missing = nil
	}
	err = r.lookBeyond(ctx, &f, scope)
	return f, err
}

// finder is how one sort of leftover is found, with its name in the plural.
type finder struct {
	what string
	find func(context.Context, Scope) ([]Item, error)
}

// beyond find what no instance has left behind: in the bucket what nobody fetches
// any more or, where everything is meant, imported SSH keys, and where no instance
// lives the bucket itself and the schedule group.
func (r Region) beyond(f Found) []finder {
	switch {
	case !r.Everything:
		return []finder{{"objects in the bucket", r.oldCargo}}
	case f.Living > 0:
		return []finder{{"objects in the bucket", r.oldCargo}, {"key pairs", r.importedKeys}}
	default:
		return []finder{{"buckets", r.bucket}, {"schedule groups", r.scheduleGroup}, {"key pairs", r.importedKeys}}
	}
}

func (r Region) lookBeyond(ctx context.Context, f *Found, scope Scope) error {
	for _, finder := range r.beyond(*f) {
		items, err := finder.find(ctx, scope)
		switch {
		case awserr.IsDenied(err):
			f.unseen(finder.what, err)
		case err != nil:
			return err
		}
		for _, i := range items {
			if i.Kind == KeyPair && !r.Keys {
				f.Keys = append(f.Keys, i)
			} else {
				f.Left = append(f.Left, i)
			}
		}
	}
	return nil
}

// Arm arms the cloud's layer of the caller's instances that live without it, and
// returns those that it armed.
func (r Region) Arm(ctx context.Context, f Found) (armed []string, err error) {
	done, err := ArmMissing(ctx, r.EC2, r.Schedules, f.Missing)
	for _, in := range done {
		armed = append(armed, in.Label())
	}
	return armed, err
}

// Clean deletes what was found, in dependency order, and looks again to prove
// it. Why something could not be deleted is in its outcome; the error is of the
// look.
func (r Region) Clean(ctx context.Context, f Found, scope Scope) (Sweep, error) {
	var s Sweep
	var beyond, schedules []Item
	ofEC2 := slices.DeleteFunc(slices.Clone(f.Left), func(i Item) bool { return i.Kind >= Schedule })
	for _, i := range f.Left {
		switch {
		case i.Kind == Schedule:
			schedules = append(schedules, i)
		case i.Kind > Schedule:
			beyond = append(beyond, i)
		}
	}
	s.Outcomes = Delete(ctx, r.EC2, ofEC2)
	scope.gone = map[string]bool{}
	for _, o := range s.Outcomes {
		scope.gone[o.ID] = o.Gone()
	}
	blind := r.disarm(ctx, &s, schedules, scope)
	for _, i := range beyond {
		s.Outcomes = append(s.Outcomes, settle(i, r.deleteBeyond(ctx, i)))
	}
	again, err := r.Look(ctx, scope)
	s.Left = again.Left
	if len(s.Left) > 0 {
		err = errors.Join(err, blind)
	}
	return s, err
}

// disarm deletes the schedules that were found, and those of what was deleted
// just now. Who may not list schedules has none to delete; any other reason why
// those of what was deleted could not be found is returned.
func (r Region) disarm(ctx context.Context, s *Sweep, schedules []Item, scope Scope) (blind error) {
	now, err := FindBackstops(ctx, r.EC2, r.Schedules, scope)
	if err == nil {
		schedules = now.Loose
	} else if !awserr.IsDenied(err) {
		blind = err
	}
	for _, i := range schedules {
		s.Outcomes = append(s.Outcomes, settle(i, r.Schedules.Delete(ctx, i.ID)))
	}
	return blind
}

func (r Region) deleteBeyond(ctx context.Context, i Item) error {
	switch i.Kind {
	case Cargo:
		return r.deleteObject(ctx, i.ID)
	case Bucket:
		return r.deleteBucket(ctx, i.ID)
	case ScheduleGroup:
		return r.deleteScheduleGroup(ctx, i.ID)
	default:
		return fmt.Errorf("delete the %s %s: nothing here knows how", i.Kind, i.ID)
	}
}
