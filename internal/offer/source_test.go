package offer

import "testing"

func TestSourceOfEachPrice(t *testing.T) {
	const day = "2026-11-01"
	tests := map[string]struct{ onDemand, onDemandAsOf, spot, spotAsOf string }{
		"":                                       {"", day, "", day},
		"EC2":                                    {"EC2", day, "EC2", day},
		"list, v1; Spot: history, x, 2026-10-02": {"list, v1", day, "history, x", "2026-10-02"},
		"list; Spot: history":                    {"list", day, "history", ""},
		"Spot: average of the region, history":   {"", "", "average of the region, history", day},
		"Spot: history; on demand: list, 2026-10-03":  {"list", "2026-10-03", "history", day},
		"estimated from the price in us-east-1: list": {"estimated from the price in us-east-1: list", day, "estimated from the price in us-east-1: list", day},
	}
	for text, want := range tests {
		o := Offer{PriceSource: text, PriceAsOf: day}
		source, asOf, estimated := o.OnDemandSource()
		if source != want.onDemand || asOf != want.onDemandAsOf || estimated != (len(text) > 9 && text[:9] == "estimated") {
			t.Errorf("%q, on demand: %q of %q", text, source, asOf)
		}
		if source, asOf := o.SpotSource(); source != want.spot || asOf != want.spotAsOf {
			t.Errorf("%q, Spot: %q of %q", text, source, asOf)
		}
	}
}
