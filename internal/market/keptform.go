package market

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/price"
)

// The form of kept answers on disk. Amounts are in USD.

type keptRegions struct {
	Version int       `json:"version"`
	AsOf    time.Time `json:"as_of"`
	Names   []string  `json:"names"`
}

type keptRegion struct {
	Version      int                            `json:"version"`
	Types        keptFact[[]catalog.Type]       `json:"types,omitzero"`
	Zones        keptFact[map[string][]string]  `json:"zones,omitzero"`
	OnDemand     keptFact[map[string]keptPrice] `json:"on_demand,omitzero"`
	Spot         keptFact[[]keptSpot]           `json:"spot,omitzero"`
	History      keptFact[[]keptSpot]           `json:"history,omitzero"`
	HistorySince time.Time                      `json:"history_since,omitzero"`
	Scores       keptFact[map[string]int]       `json:"scores,omitzero"`
	Reservations keptFact[[]Reservation]        `json:"reservations,omitzero"`
	Blocks       keptFact[[]keptBlock]          `json:"blocks,omitzero"`
	Quotas       keptFact[[]Quota]              `json:"quotas,omitzero"`
}

type keptFact[T any] struct {
	AsOf  time.Time `json:"as_of"`
	Value T         `json:"value"`
}

type keptPrice struct {
	USD    float64 `json:"usd"` // an hour
	Source string  `json:"source"`
	AsOf   string  `json:"as_of"`
}

type keptSpot struct {
	Type  string    `json:"type"`
	Zone  string    `json:"zone"`
	Since time.Time `json:"since"`
	keptPrice
}

type keptBlock struct {
	Block
	Fee *float64 // USD; nil is unknown
}

// toKeep is a region in its form on disk; since is where its history begins.
func toKeep(r Region, since time.Time) keptRegion {
	return keptRegion{
		Version: keptVersion, HistorySince: since,
		Types: keep(r.Types, same), Zones: keep(r.Zones, same), Scores: keep(r.Scores, same), Reservations: keep(r.Reservations, same), Quotas: keep(r.Quotas, same),
		OnDemand: keep(r.OnDemand, each(priceToKeep)),
		Spot:     keep(r.Spot, every(spotToKeep)), History: keep(r.History, every(spotToKeep)),
		Blocks: keep(r.Blocks, every(blockToKeep)),
	}
}

// region is what was kept of a region. A history that begins too late for the
// question is none.
func (f keptRegion) region(name string, start time.Time) Region {
	r := Region{
		Name:  name,
		Types: recall(f.Types, same), Zones: recall(f.Zones, same), Scores: recall(f.Scores, same), Reservations: recall(f.Reservations, same), Quotas: recall(f.Quotas, same),
		OnDemand: recall(f.OnDemand, each(keptPrice.price)),
		Spot:     recall(f.Spot, every(keptSpot.spot)), History: recall(f.History, every(keptSpot.spot)),
		Blocks: recall(f.Blocks, every(keptBlock.block)),
	}
	if f.HistorySince.After(start) {
		r.History = Fact[[]SpotPrice]{}
	} else {
		r.History.Value = since(r.History.Value, start)
	}
	return r
}

func keep[T, K any](f Fact[T], form func(T) K) keptFact[K] {
	if !f.Known() {
		return keptFact[K]{}
	}
	return keptFact[K]{f.AsOf, form(f.Value)}
}

func recall[K, T any](f keptFact[K], form func(K) T) Fact[T] {
	if f.AsOf.IsZero() {
		return Fact[T]{}
	}
	return Fact[T]{Value: form(f.Value), AsOf: f.AsOf, Kept: true}
}

func same[T any](v T) T { return v }

func every[A, B any](form func(A) B) func([]A) []B {
	return func(in []A) []B {
		out := make([]B, 0, len(in))
		for _, a := range in {
			out = append(out, form(a))
		}
		return out
	}
}

func each[A, B any](form func(A) B) func(map[string]A) map[string]B {
	return func(in map[string]A) map[string]B {
		out := make(map[string]B, len(in))
		for name, a := range in {
			out[name] = form(a)
		}
		return out
	}
}

func priceToKeep(p price.Price) keptPrice {
	if usd := p.USD(); usd != nil {
		return keptPrice{*usd, p.Source, p.AsOf}
	}
	return keptPrice{}
}

func (p keptPrice) price() price.Price { return price.FromUSD(p.USD, p.Source, p.AsOf) }

func spotToKeep(s SpotPrice) keptSpot { return keptSpot{s.Type, s.Zone, s.Since, priceToKeep(s.Price)} }

func (s keptSpot) spot() SpotPrice { return SpotPrice{s.Type, s.Zone, s.price(), s.Since} }

func blockToKeep(b Block) keptBlock {
	out := keptBlock{Block: b}
	out.Fee = b.Fee.USD()
	return out
}

func (b keptBlock) block() Block {
	b.Block.Fee = price.Cost{}
	if b.Fee != nil {
		b.Block.Fee = feeOf(*b.Fee)
	}
	return b.Block
}

// with takes from old the facts that the region does not know.
func (r Region) with(old Region) Region {
	r.Types, r.Zones, r.OnDemand = r.Types.or(old.Types), r.Zones.or(old.Zones), r.OnDemand.or(old.OnDemand)
	r.Spot, r.History, r.Scores = r.Spot.or(old.Spot), r.History.or(old.History), r.Scores.or(old.Scores)
	r.Reservations, r.Blocks, r.Quotas = r.Reservations.or(old.Reservations), r.Blocks.or(old.Blocks), r.Quotas.or(old.Quotas)
	return r
}

func (f Fact[T]) or(old Fact[T]) Fact[T] {
	if f.Known() || !old.Known() {
		return f
	}
	return old
}

// forget drops the facts that are over.
func (r *Region) forget(over func(Facet, time.Time) bool) {
	r.Types.forget(Types, over)
	r.Zones.forget(Zones, over)
	r.OnDemand.forget(OnDemand, over)
	r.Spot.forget(Spot, over)
	r.History.forget(History, over)
	r.Scores.forget(Scores, over)
	r.Reservations.forget(Reservations, over)
	r.Blocks.forget(Blocks, over)
	r.Quotas.forget(Quotas, over)
}

func (f *Fact[T]) forget(facet Facet, over func(Facet, time.Time) bool) {
	if f.Known() && over(facet, f.AsOf) {
		*f = Fact[T]{}
	}
}

// hasNews tells that a fact was asked for now.
func (r Region) hasNews() bool {
	return r.Types.isNew() || r.Zones.isNew() || r.OnDemand.isNew() || r.Spot.isNew() || r.History.isNew() ||
		r.Scores.isNew() || r.Reservations.isNew() || r.Blocks.isNew() || r.Quotas.isNew()
}

func (f Fact[T]) isNew() bool { return f.Known() && !f.Kept }
