package truffle

import (
	"cmp"
	"slices"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
)

// defaultRegion is where the local cloud is, and what is used when nothing is
// configured.
const defaultRegion = awsx.DefaultRegion

// regions are those to look in as far as is known without asking. The local
// cloud is the same whatever is configured for AWS.
func (s shared) regions(f Factory) ([]string, error) {
	if len(s.Regions) > 0 && !s.all() {
		return s.Regions, nil
	}
	configured, err := s.configured(f)
	switch {
	case err != nil:
		return nil, err
	case s.all():
		return market.FirstOf(configured, market.Partition(configured)), nil
	default:
		return []string{configured}, nil
	}
}

// all tells whether every region is meant.
func (s shared) all() bool { return slices.Contains(s.Regions, "all") }

// configured is the region that other AWS tools would use: from the
// environment, else from the profile, else us-east-1.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
func (s shared) configured(f Factory) (string, error) {
	if s.Local {
		return defaultRegion, nil
	}
	setup, err := awsx.ReadSetup(f.Env, s.Profile)
	return cmp.Or(setup.Region, defaultRegion), err
}

// answered are the regions to look in once they were asked. When all were
// meant, they are those that the account has, if it said which.
func (s shared) answered(known find.Known, regions []string) []string {
	if enabled := known.Live.Enabled; s.all() && enabled.Known() {
		return market.FirstOf(known.Live.Question.First, enabled.Value)
	}
	return regions
}
