package find

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
)

// couldSatisfy tells that nothing known of a type, wherever it is, speaks
// against it.
func (q Query) couldSatisfy(t catalog.Type) bool {
	return !slices.ContainsFunc(q.Filters, func(f Filter) bool { return f.test(Row{Type: t}) == catalog.No })
}

// Offer is a result of the query in the form in which spawn takes it: as it was
// wanted, Spot or on demand, in the zones that were wanted.
func (q Query) Offer(r Row) offer.Offer {
	o := r.Offer()
	if q.Spot {
		o = r.asSpot().Offer()
	}
	for _, f := range q.Filters {
		if len(f.zones) > 0 {
			o.AvailabilityZones = r.Zones // only the wanted ones are left
		}
	}
	return o
}

// asSpot is the row as a Spot instance, in its cheapest zone where zones have
// prices.
func (r Row) asSpot() SpotRow {
	if len(r.SpotZones) == 0 {
		return SpotRow{Row: r, Price: r.Spot}
	}
	return SpotRow{Row: r, Zone: r.SpotZones[0].Zone, Price: r.SpotZones[0].Price, Since: r.SpotZones[0].Since}
}

// within is the row as if there were no other zones than these; without any it
// is the row itself.
func (r Row) within(zones []string) Row {
	if len(zones) == 0 {
		return r
	}
	r.Zones = slices.DeleteFunc(slices.Clone(r.Zones), func(z string) bool { return !slices.Contains(zones, z) })
	if len(r.SpotZones) == 0 {
		return r
	}
	r.SpotZones = slices.DeleteFunc(slices.Clone(r.SpotZones), func(s market.SpotPrice) bool { return !slices.Contains(zones, s.Zone) })
	r.Spot = price.Price{} // unknown, unless one of the zones has a price
	if len(r.SpotZones) > 0 {
		r.Spot = r.SpotZones[0].Price
	}
	return r
}
