package market

import (
	"iter"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/price"
)

// Region is the answer for one region.
type Region struct {
	Name         string
	Types        Fact[[]catalog.Type]
	Zones        Fact[map[string][]string]    // by type; names of zones, sorted
	OnDemand     Fact[map[string]price.Price] // by type; types without a list price are missing
	Spot         Fact[[]SpotPrice]            // the latest one of each type and zone
	History      Fact[[]SpotPrice]            // by type, zone and time
	Scores       Fact[map[string]int]         // by zone, 1 to 10; see scores.go
	Reservations Fact[[]Reservation]
	Blocks       Fact[[]Block]
	Quotas       Fact[[]Quota]
}

// Facts are all facts about the region, in the order of the facets.
func (r *Region) Facts() iter.Seq2[Facet, Answer] {
	return func(yield func(Facet, Answer) bool) {
		for i, fact := range []Answer{&r.Types, &r.Zones, &r.OnDemand, &r.Spot, &r.History, &r.Scores, &r.Reservations, &r.Blocks, &r.Quotas} {
			if !yield(1<<i, fact) {
				return
			}
		}
	}
}

// Facets are those whose facts are known.
func (r Region) Facets() Facet {
	var all Facet
	for facet, fact := range r.Facts() {
		if fact.Known() {
			all |= facet
		}
	}
	return all
}

// Errors are why facts could not be found out, in the order of the facets.
func (r Region) Errors() iter.Seq2[Facet, error] {
	return func(yield func(Facet, error) bool) {
		for facet, fact := range r.Facts() {
			if _, _, err := fact.Told(); err != nil && !yield(facet, err) {
				return
			}
		}
	}
}

// KeptSince are the times of the facts that were read from disk.
func (r Region) KeptSince() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for _, fact := range r.Facts() {
			if asOf, kept, _ := fact.Told(); kept && !yield(asOf) {
				return
			}
		}
	}
}
