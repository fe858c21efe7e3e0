package market

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// aboutTypes are the facets that are asked by selections of types.
const aboutTypes = Types | Zones | OnDemand | Spot | History

// Facets are those whose facts are known.
func (r Region) Facets() Facet {
	var all Facet
	for facet, yes := range map[Facet]bool{
		Types: r.Types.Known(), Zones: r.Zones.Known(), OnDemand: r.OnDemand.Known(), Spot: r.Spot.Known(), History: r.History.Known(),
		Scores: r.Scores.Known(), Reservations: r.Reservations.Known(), Blocks: r.Blocks.Known(), Quotas: r.Quotas.Known(),
	} {
		if yes {
			all |= facet
		}
	}
	return all
}

// region asks for what a region lacks, but for scores, which are asked of
// several regions in one call.
func (a *asker) region(ctx context.Context, r *Region) {
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
	if lacking&Reservations != 0 {
		wait.Go(func() { r.Reservations = a.reservations(ctx, r.Name) })
	}
	if lacking&Blocks != 0 {
		wait.Go(func() { r.Blocks = a.blocks(ctx, r.Name) })
	}
	if lacking&Quotas != 0 {
		wait.Go(func() { r.Quotas = a.quotas(ctx, r.Name) })
	}
	wait.Wait()

	again := lacking & aboutTypes
	if !a.chunked {
		again &= OnDemand // a price list takes no wildcards: it could not find them
		newer = r.newerTypes()
	}
	newer = slices.DeleteFunc(newer, func(name string) bool { return slices.Contains(a.question.Types, name) })
	if newerErr != nil && lacking&Types != 0 {
		r.Types = failed[[]catalog.Type](newerErr)
	}
	if len(newer) == 0 || again == 0 {
		return
	}
	more := Region{Name: r.Name}
	some, _ := selections(Question{Types: newer})
	a.askTypes(ctx, &wait, &more, again, some)
	wait.Wait()
	r.add(more, again)
}

// askTypes asks facets about the types of selections. The caller waits.
func (a *asker) askTypes(ctx context.Context, wait *sync.WaitGroup, r *Region, facets Facet, some []selection) {
	if facets&Types != 0 {
		wait.Go(func() { r.Types = a.types(ctx, r.Name, some) })
	}
	if facets&Zones != 0 {
		wait.Go(func() { r.Zones = a.zones(ctx, r.Name, some) })
	}
	if facets&OnDemand != 0 {
		wait.Go(func() { r.OnDemand = a.onDemand(ctx, r.Name, some) })
	}
	if facets&Spot != 0 {
		wait.Go(func() { r.Spot = a.spot(ctx, r.Name, some) })
	}
	if facets&History != 0 {
		wait.Go(func() { r.History = a.history(ctx, r.Name, some) })
	}
}

// newerTypes are the types that EC2 named and the catalog does not have.
func (r Region) newerTypes() []string {
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
func (r *Region) add(more Region, facets Facet) {
	if facets&Types != 0 {
		r.Types = joined(r.Types, more.Types, concatenated)
	}
	if facets&Zones != 0 {
		r.Zones = joined(r.Zones, more.Zones, united)
	}
	if facets&OnDemand != 0 {
		r.OnDemand = joined(r.OnDemand, more.OnDemand, united)
	}
	if facets&Spot != 0 {
		r.Spot = joined(r.Spot, more.Spot, concatenated)
	}
	if facets&History != 0 {
		r.History = joined(r.History, more.History, concatenated)
	}
}

// joined is known where both parts are; a part that failed makes the whole one
// unknown, because what is missing in it would look as if it did not exist.
func joined[T any](a, b Fact[T], join func(a, b T) T) Fact[T] {
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

// Errors are why facts could not be found out, in the order of the facets.
func (r Region) Errors() iter.Seq2[Facet, error] {
	return func(yield func(Facet, error) bool) {
		for _, f := range []struct {
			facet Facet
			err   error
		}{
			{Types, r.Types.Err},
			{Zones, r.Zones.Err},
			{OnDemand, r.OnDemand.Err},
			{Spot, r.Spot.Err},
			{History, r.History.Err},
			{Scores, r.Scores.Err},
			{Reservations, r.Reservations.Err},
			{Blocks, r.Blocks.Err},
			{Quotas, r.Quotas.Err},
		} {
			if f.err != nil && !yield(f.facet, f.err) {
				return
			}
		}
	}
}

// KeptSince are the times of the facts that were read from disk.
func (r Region) KeptSince() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for _, f := range []struct {
			kept bool
			asOf time.Time
		}{
			{r.Types.Kept, r.Types.AsOf},
			{r.Zones.Kept, r.Zones.AsOf},
			{r.OnDemand.Kept, r.OnDemand.AsOf},
			{r.Spot.Kept, r.Spot.AsOf},
			{r.History.Kept, r.History.AsOf},
			{r.Scores.Kept, r.Scores.AsOf},
			{r.Reservations.Kept, r.Reservations.AsOf},
			{r.Blocks.Kept, r.Blocks.AsOf},
			{r.Quotas.Kept, r.Quotas.AsOf},
		} {
			if f.kept && !yield(f.asOf) {
				return
			}
		}
	}
}
