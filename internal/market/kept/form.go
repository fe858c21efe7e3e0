package kept

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
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
	Reservations keptFact[[]market.Reservation] `json:"reservations,omitzero"`
	Blocks       keptFact[[]keptBlock]          `json:"blocks,omitzero"`
	Quotas       keptFact[[]market.Quota]       `json:"quotas,omitzero"`
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
	market.Block
	Fee *float64 // USD; nil is unknown
}

// toKeep is a region in its form on disk; since is where its history begins.
func toKeep(r market.Region, since time.Time) keptRegion {
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
func (f keptRegion) region(name string, start time.Time) market.Region {
	r := market.Region{
		Name:  name,
		Types: recall(f.Types, same), Zones: recall(f.Zones, same), Scores: recall(f.Scores, same), Reservations: recall(f.Reservations, same), Quotas: recall(f.Quotas, same),
		OnDemand: recall(f.OnDemand, each(keptPrice.price)),
		Spot:     recall(f.Spot, every(keptSpot.spot)), History: recall(f.History, every(keptSpot.spot)),
		Blocks: recall(f.Blocks, every(keptBlock.block)),
	}
	if f.HistorySince.After(start) {
		r.History = market.Fact[[]market.SpotPrice]{}
	} else {
		r.History.Value = since(r.History.Value, start)
	}
	return r
}

func keep[T, K any](f market.Fact[T], form func(T) K) keptFact[K] {
	if !f.Known() {
		return keptFact[K]{}
	}
	return keptFact[K]{f.AsOf, form(f.Value)}
}

func recall[K, T any](f keptFact[K], form func(K) T) market.Fact[T] {
	if f.AsOf.IsZero() {
		return market.Fact[T]{}
	}
	return market.Fact[T]{Value: form(f.Value), AsOf: f.AsOf, Kept: true}
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

func spotToKeep(s market.SpotPrice) keptSpot {
	return keptSpot{s.Type, s.Zone, s.Since, priceToKeep(s.Price)}
}

func (s keptSpot) spot() market.SpotPrice {
	return market.SpotPrice{Type: s.Type, Zone: s.Zone, Price: s.price(), Since: s.Since}
}

func blockToKeep(b market.Block) keptBlock {
	out := keptBlock{Block: b}
	out.Fee = b.Fee.USD()
	return out
}

func (b keptBlock) block() market.Block {
	b.Block.Fee = price.Cost{}
	if b.Fee != nil {
		b.Block.Fee = price.CostFromUSD(*b.Fee)
	}
	return b.Block
}

// with is a region with the facts of an older answer that it does not know.
func with(r, old market.Region) market.Region {
	r.Types, r.Zones, r.OnDemand = or(r.Types, old.Types), or(r.Zones, old.Zones), or(r.OnDemand, old.OnDemand)
	r.Spot, r.History, r.Scores = or(r.Spot, old.Spot), or(r.History, old.History), or(r.Scores, old.Scores)
	r.Reservations, r.Blocks, r.Quotas = or(r.Reservations, old.Reservations), or(r.Blocks, old.Blocks), or(r.Quotas, old.Quotas)
	return r
}

func or[T any](f, old market.Fact[T]) market.Fact[T] {
	if f.Known() || !old.Known() {
		return f
	}
	return old
}

// since leaves out of a sorted history what was over before a time.
func since(prices []market.SpotPrice, start time.Time) []market.SpotPrice {
	var out []market.SpotPrice
	for i, p := range prices {
		over := i+1 < len(prices) && p.SamePlace(prices[i+1]) && !prices[i+1].Since.After(start)
		if !over {
			out = append(out, p)
		}
	}
	return out
}
