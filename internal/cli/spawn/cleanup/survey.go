package cleanup

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// survey is what was found, region by region, and what became of it.
type survey struct {
	places []*place
	closed []string // regions that the account has not opted into

	iam      reap.Roles
	scope    reap.Scope  // of what serves all regions
	roles    []reap.Item // which go with everything
	stay     string      // why they stay although everything is meant
	unseen   bool        // they may not be looked at
	whole    reap.Sweep
	wholeErr error
}

// place is a region.
type place struct {
	region reap.Region
	scope  reap.Scope
	found  reap.Found
	sweep  reap.Sweep
	armed  []string
	armErr error
	err    error // why it could not be looked at, or not cleaned
}

// each does something in every region at the same time.
func (s *survey) each(do func(*place)) {
	var all sync.WaitGroup
	for _, p := range s.places {
		all.Go(func() { do(p) })
	}
	all.Wait()
}

// blind tells that there may be something which nobody was allowed to look for.
func (s *survey) blind() bool {
	return s.unseen || slices.ContainsFunc(s.places, func(p *place) bool { return len(p.found.Unseen) > 0 })
}

func (s *survey) items() (all []reap.Item) {
	for _, p := range s.places {
		all = append(all, p.found.Left...)
	}
	return append(all, s.roles...)
}

// look looks at every region that is meant.
func (o *Options) look(ctx context.Context, target *awsx.Target, who account.Identity) (*survey, error) {
	s := &survey{iam: account.IAMOf(target)}
	var err error
	regions := []string{target.Region}
	if o.AllRegions {
		if regions, err = enabled(ctx, target); err != nil {
			return nil, err
		}
	}
	if err := o.recall(ctx, target, who, regions); err != nil {
		return nil, err
	}
	if s.scope, err = o.scope(target, who); err != nil {
		return nil, err
	}
	for _, name := range regions {
		p := &place{region: o.region(target.In(name), who), scope: s.scope}
		p.scope.Region = name
		s.places = append(s.places, p)
	}
	s.each(func(p *place) {
		if p.found, p.err = p.region.Look(ctx, p.scope); p.err == nil {
			o.arm(ctx, p)
		}
	})
	if err := s.close(); err != nil {
		return nil, err
	}
	if o.Everything {
		return s, s.lookForRoles(ctx, target)
	}
	return s, nil
}

// recall has what launches that died on this machine made without hearing so
// count as this machine's.
func (o *Options) recall(ctx context.Context, target *awsx.Target, who account.Identity, regions []string) error {
	if o.DryRun {
		return nil
	}
	for _, name := range regions {
		if err := o.Factory.RecallAbandoned(ctx, target.In(name), who); err != nil {
			return err
		}
	}
	return nil
}

// close takes the regions out that the account has not opted into. EC2 answers
// there as it does to wrong credentials: only another region tells the two apart.
func (s *survey) close() error {
	works := slices.ContainsFunc(s.places, func(p *place) bool { return p.err == nil })
	if !works {
		return s.places[0].err
	}
	s.places = slices.DeleteFunc(s.places, func(p *place) bool {
		out := awserr.IsBadCredentials(p.err) || awserr.IsNotEnabled(p.err)
		if out {
			s.closed = append(s.closed, p.region.Name)
		}
		return out
	})
	return nil
}

// enabled are the regions that the account may use. Who may not ask gets all that
// there are: those that the account has not opted into say so.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func enabled(ctx context.Context, target *awsx.Target) ([]string, error) {
	out, err := target.EC2().DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if awserr.IsDenied(err) {
		return market.Partition(target.Region), nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the regions: %w", err)
	}
	var names []string
	for _, r := range out.Regions {
		names = append(names, aws.ToString(r.RegionName))
	}
	slices.Sort(names)
	return names, nil
}

// lookForRoles finds what serves all regions, and leaves it where an instance
// lives in any of them, or where that cannot be known.
func (s *survey) lookForRoles(ctx context.Context, target *awsx.Target) error {
	seen := map[string]bool{}
	for _, p := range s.places {
		switch {
		case p.err != nil:
			s.stay = p.region.Name + " could not be looked at"
			return nil //nolint:nilerr // the place keeps its error, and it is told
		case p.found.Living > 0:
			s.stay = "instances live in " + p.region.Name
			return nil
		}
		seen[p.region.Name] = true
	}
	names, err := enabled(ctx, target)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return seen[name] || slices.Contains(s.closed, name) })
	if s.stay, err = anyLives(ctx, target, names); err != nil || s.stay != "" {
		return err
	}
	s.roles, err = reap.FindRoles(ctx, s.iam, s.scope)
	if awserr.IsDenied(err) {
		s.stay, s.unseen, err = "you may not look at them", true, nil
	}
	return err
}

// anyLives says where an instance of spawn's lives; "" if there is none.
func anyLives(ctx context.Context, target *awsx.Target, regions []string) (where string, err error) {
	living := make([]bool, len(regions))
	all, allCtx := errgroup.WithContext(ctx)
	for i, name := range regions {
		all.Go(func() error {
			found, err := instance.List(allCtx, target.EC2In(name))
			if awserr.IsBadCredentials(err) || awserr.IsNotEnabled(err) {
				err = nil // not opted into: the same credentials were good elsewhere
			}
			living[i] = slices.ContainsFunc(found, func(in instance.Instance) bool { return !in.State.Ended() })
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return "", fmt.Errorf("look for instances in every region: %w", err)
	}
	if i := slices.Index(living, true); i >= 0 {
		return "instances live in " + regions[i], nil
	}
	return "", nil
}
