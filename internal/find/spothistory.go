package find

import (
	"math"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// SpotHistory is how the Spot price of a type went in a zone.
type SpotHistory struct {
	Type, Zone string
	From, To   time.Time
	Prices     []market.SpotPrice // by time; each holds until the next one
}

// SpotHistories are those of a type in a region, by zone; none is that EC2 has
// none. When EC2 did not tell, the error says why: nobody else knows.
func (k Known) SpotHistories(region, typeName string) ([]SpotHistory, error) {
	history, err := told(k, region, func(r market.Region) market.Fact[[]market.SpotPrice] { return r.History })
	if err != nil {
		return nil, problem.New(problem.KindOf(err), "how Spot prices went in %s is not known: %w", region, err).WithNext("%s", problem.NextOf(err))
	}
	var histories []SpotHistory
	byZone := map[string][]market.SpotPrice{}
	var zones []string
	for _, p := range history.Value {
		if p.Type != typeName || !p.Price.Known() {
			continue
		}
		if byZone[p.Zone] == nil {
			zones = append(zones, p.Zone)
		}
		byZone[p.Zone] = append(byZone[p.Zone], p)
	}
	slices.Sort(zones)
	for _, zone := range zones {
		prices := byZone[zone]
		slices.SortStableFunc(prices, func(a, b market.SpotPrice) int { return a.Since.Compare(b.Since) })
		histories = append(histories, SpotHistory{typeName, zone, k.Live.Question.Since, history.AsOf, prices})
	}
	return histories, nil
}

// Sampled is the price in USD at n moments, at least two, evenly spread from the
// beginning to the end. Before the first price that is known it is NaN.
func (h SpotHistory) Sampled(n int) []float64 {
	samples := make([]float64, n)
	step := h.To.Sub(h.From) / time.Duration(n-1)
	next, price := 0, math.NaN()
	for i := range samples {
		at := h.From.Add(time.Duration(i) * step)
		if i == n-1 {
			at = h.To
		}
		for next < len(h.Prices) && !h.Prices[next].Since.After(at) {
			price = *h.Prices[next].Price.USD()
			next++
		}
		samples[i] = price
	}
	return samples
}

// Extremes are the lowest and the highest price in USD within the time.
func (h SpotHistory) Extremes() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i, p := range h.Prices {
		if i+1 < len(h.Prices) && !h.Prices[i+1].Since.After(h.From) {
			continue // it was over when the time began
		}
		usd := *p.Price.USD()
		low, high = min(low, usd), max(high, usd)
	}
	return low, high
}
