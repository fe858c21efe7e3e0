// Package ask asks EC2 what is true now. All regions are asked at once, and no
// call is made for a single type.
package ask

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

// callsAtOnce bounds the calls under way. It is above what a search of one
// family in every region takes (four a region), so that these all go in the
// first round trip, and below what would open a connection for each of the
// thousand calls about every type everywhere.
const callsAtOnce = 256

// Ask asks for what the question wants and have does not know, everywhere at
// once, and returns have with the answers: an empty Survey with a Question asks
// everything. A failure is in the fact that it kept from being known. Ask waits
// until all has been answered or ctx ends.
//
// The depth is two round trips. The catalog's regions and the list of the
// account's regions are asked in the first; regions that only the list has,
// further pages, and the prices of types newer than the catalog, in the second.
func Ask(ctx context.Context, services Services, now func() time.Time, have market.Survey) market.Survey {
	a := &asker{services: services, asOf: now(), question: have.Question, slots: make(chan struct{}, callsAtOnce)}
	a.selections, a.chunked = selections(have.Question)
	out := have
	out.Err = nil
	if len(have.Question.Regions) > 0 {
		out.Regions = a.all(ctx, have, have.Question.Regions)
	} else {
		a.everywhere(ctx, &out)
	}
	nameRegionsNotEnabled(out.Regions)
	return out
}

// asker is one asking.
type asker struct {
	services   Services
	asOf       time.Time // of all answers: not later than the service gave them
	question   market.Question
	selections []selection
	chunked    bool          // the selections are of the catalog's names, in place of wildcards
	slots      chan struct{} // a call under way holds one
}

// everywhere asks all regions of the account.
func (a *asker) everywhere(ctx context.Context, s *market.Survey) {
	if s.Enabled.Known() {
		s.Regions = a.all(ctx, *s, market.FirstOf(a.question.First, s.Enabled.Value))
		return
	}
	assumed := market.FirstOf(a.question.First, market.Partition(a.question.First))
	var answered []market.Region
	var wait sync.WaitGroup
	asking, stop := context.WithCancel(ctx)
	defer stop()
	wait.Go(func() { answered = a.all(asking, *s, assumed) })
	s.Enabled = a.enabled(ctx)
	if !s.Enabled.Known() {
		wait.Wait()
		s.Regions = answered
		return
	}
	var beyond []string
	for _, name := range s.Enabled.Value {
		if !slices.Contains(assumed, name) {
			beyond = append(beyond, name)
		}
	}
	more := a.all(ctx, *s, beyond)
	wait.Wait()
	byName := map[string]market.Region{}
	for _, r := range append(answered, more...) {
		byName[r.Name] = r
	}
	s.Regions = nil
	for _, name := range market.FirstOf(a.question.First, s.Enabled.Value) {
		s.Regions = append(s.Regions, byName[name])
	}
}

// enabled asks for the regions that the account may use.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func (a *asker) enabled(ctx context.Context) market.Fact[[]string] {
	if !a.take(ctx) {
		return failed[[]string](ctx.Err())
	}
	defer a.leave()
	// Without AllRegions only the enabled ones are listed.
	out, err := a.services.EC2In(a.home()).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		return failed[[]string](err)
	}
	var names []string
	for _, r := range out.Regions {
		names = append(names, aws.ToString(r.RegionName))
	}
	return known(slices.Sorted(slices.Values(names)), a.asOf)
}

// home is the region that answers questions about all regions.
func (a *asker) home() string {
	if a.question.First != "" || len(a.question.Regions) == 0 {
		return cmp.Or(a.question.First, catalog.BaseRegion)
	}
	return a.question.Regions[0]
}

// all asks regions at the same time; what have knows is not asked again.
func (a *asker) all(ctx context.Context, have market.Survey, names []string) []market.Region {
	out := make([]market.Region, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		out[i], _ = have.Region(name)
		out[i].Name = name
		wait.Go(func() { a.region(ctx, &out[i]) })
	}
	scored := a.scores(ctx, out)
	wait.Wait()
	for i, fact := range scored {
		out[i].Scores = fact
	}
	return out
}

// take waits until a call may begin; false when ctx ended first.
func (a *asker) take(ctx context.Context) bool {
	select {
	case a.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (a *asker) leave() { <-a.slots }

// pages asks page after page; token is nil for the first one.
func pages[T any](ctx context.Context, a *asker, ask func(token *string) (page []T, next *string, err error)) ([]T, error) {
	var all []T
	var token *string
	for {
		if !a.take(ctx) {
			return nil, ctx.Err()
		}
		page, next, err := ask(token)
		a.leave()
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if aws.ToString(next) == "" {
			return all, nil
		}
		token = next
	}
}

func known[T any](value T, asOf time.Time) market.Fact[T] {
	return market.Fact[T]{Value: value, AsOf: asOf}
}

func failed[T any](err error) market.Fact[T] { return market.Fact[T]{Err: failure(err)} }

// result is the fact that a call's outcome makes.
func result[T any](value T, err error, asOf time.Time) market.Fact[T] {
	if err != nil {
		return failed[T](err)
	}
	return known(value, asOf)
}
