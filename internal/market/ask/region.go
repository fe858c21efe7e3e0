package ask

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

// aboutTypes are the facets that are asked by selections of types.
const aboutTypes = market.Types | market.Zones | market.OnDemand | market.Spot | market.History

// region asks for what a region lacks, but for scores, which are asked of
// several regions in one call.
func (a *asker) region(ctx context.Context, r *market.Region) {
	lacking := a.question.Facets &^ r.Facets()
	var wait sync.WaitGroup
	var newer []string
	var newerErr error
	if len(a.selections) > 0 {
		a.askTypes(ctx, &wait, r, lacking, a.selections)
	}
	if a.chunked && lacking&aboutTypes != 0 {
		wait.Go(func() { newer, newerErr = a.newerTypes(ctx, r.Name) })
	}
	if lacking&market.Reservations != 0 {
		wait.Go(func() { r.Reservations = a.reservations(ctx, r.Name) })
	}
	if lacking&market.Blocks != 0 {
		wait.Go(func() { r.Blocks = a.blocks(ctx, r.Name) })
	}
	if lacking&market.Quotas != 0 {
		wait.Go(func() { r.Quotas = a.quotas(ctx, r.Name) })
	}
	wait.Wait()

	again := lacking & aboutTypes
	if !a.chunked {
		again &= market.OnDemand // a price list takes no wildcards: it could not find them
		newer = newerTypesIn(*r)
	}
	newer = slices.DeleteFunc(newer, func(name string) bool { return slices.Contains(a.question.Types, name) })
	if newerErr != nil && lacking&market.Types != 0 {
		r.Types = failed[[]catalog.Type](newerErr)
	}
	if len(newer) == 0 || again == 0 {
		return
	}
	more := market.Region{Name: r.Name}
	some, _ := selections(market.Question{Types: newer})
	a.askTypes(ctx, &wait, &more, again, some)
	wait.Wait()
	add(r, more, again)
}

// askTypes asks facets about the types of selections. The caller waits.
func (a *asker) askTypes(ctx context.Context, wait *sync.WaitGroup, r *market.Region, facets market.Facet, some []selection) {
	if facets&market.Types != 0 {
		wait.Go(func() { r.Types = a.types(ctx, r.Name, some) })
	}
	if facets&market.Zones != 0 {
		wait.Go(func() { r.Zones = a.zones(ctx, r.Name, some) })
	}
	if facets&market.OnDemand != 0 {
		wait.Go(func() { r.OnDemand = a.onDemand(ctx, r.Name, some) })
	}
	if facets&market.Spot != 0 {
		wait.Go(func() { r.Spot = a.spot(ctx, r.Name, some) })
	}
	if facets&market.History != 0 {
		wait.Go(func() { r.History = a.history(ctx, r.Name, some) })
	}
}

// newerTypesIn are the types that EC2 named and the catalog does not have.
func newerTypesIn(r market.Region) []string {
	names := map[string]bool{}
	for _, t := range r.Types.Value {
		names[t.Name] = true
	}
	for name := range r.Zones.Value {
		names[name] = true
	}
	for _, p := range r.Spot.Value {
		names[p.Type] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool {
		_, old := catalog.Lookup(name)
		return old
	})
}

// add takes over what a second round of questions found.
func add(r *market.Region, more market.Region, facets market.Facet) {
	if facets&market.Types != 0 {
		r.Types = joined(r.Types, more.Types, concatenated)
	}
	if facets&market.Zones != 0 {
		r.Zones = joined(r.Zones, more.Zones, united)
	}
	if facets&market.OnDemand != 0 {
		r.OnDemand = joined(r.OnDemand, more.OnDemand, united)
	}
	if facets&market.Spot != 0 {
		r.Spot = joined(r.Spot, more.Spot, concatenated)
	}
	if facets&market.History != 0 {
		r.History = joined(r.History, more.History, concatenated)
	}
}

// joined is known where both parts are; a part that failed makes the whole one
// unknown, because what is missing in it would look as if it did not exist.
func joined[T any](a, b market.Fact[T], join func(a, b T) T) market.Fact[T] {
	switch {
	case a.Err != nil:
		return a
	case b.Err != nil:
		return b
	}
	a.Value = join(a.Value, b.Value)
	return a
}

func concatenated[T any](a, b []T) []T { return append(slices.Clip(a), b...) }

func united[K comparable, V any](a, b map[K]V) map[K]V {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
