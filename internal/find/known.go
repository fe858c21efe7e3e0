package find

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/price"
)

// Row is a type in a region, with what is known of it there.
type Row struct {
	Region string
	Type   catalog.Type

	// Confirmed tells that EC2 or a source lists the type in the region. If
	// not, the type is newer than what is known about the region.
	Confirmed bool

	Zones        []string           // names, sorted; none is unknown
	OnDemand     price.Price        //
	Spot         price.Price        // of the cheapest zone now, else the catalog's average, Estimated
	SpotZones    []market.SpotPrice // the latest price in each zone, cheapest first; none is unknown
	Interruption catalog.Interruption
}

// Known is what is known about types in regions: what EC2 said, and the catalog
// where it was not asked or did not answer. The zero value is the catalog.
type Known struct {
	Live market.Survey
}

// matching are the known types that a pattern means, in the order of
// compareTypes: those of the catalog, and those that only EC2 named. A name is
// looked up, because going through the whole catalog is most of the time that an
// answer takes.
func (k Known) matching(p pattern) []catalog.Type {
	var found []catalog.Type
	if p.exact {
		if t, ok := catalog.Lookup(p.text); ok {
			return []catalog.Type{t}
		}
	} else {
		for t := range catalog.Types() {
			if p.matches(t.Name) {
				found = append(found, t)
			}
		}
	}
	newer := map[string]bool{}
	for _, r := range k.Live.Regions {
		for _, t := range r.Types.Value {
			if _, old := catalog.Lookup(t.Name); !old && !newer[t.Name] && p.matches(t.Name) {
				newer[t.Name] = true
				found = append(found, t)
			}
		}
	}
	slices.SortFunc(found, compareTypes)
	return found
}

// Row tells what is known about a type in a region; false when it is not
// offered there as far as anybody knows.
func (k Known) Row(region string, t catalog.Type) (Row, bool) {
	offering, listed := catalog.Offered(region, t.Name)
	row := Row{
		Region: region, Type: t, Confirmed: offering.Confirmed,
		OnDemand: price.FromCatalog(offering.OnDemand), Spot: price.SpotAverage(offering.Spot), Interruption: offering.Interruption,
	}
	for _, z := range offering.Zones {
		row.Zones = append(row.Zones, z.Name)
	}
	live, asked := k.Live.Region(region)
	if !asked || !k.Live.Asked(t.Name) {
		return row, listed
	}
	if live.Types.Known() {
		i := slices.IndexFunc(live.Types.Value, func(l catalog.Type) bool { return l.Name == t.Name })
		if i < 0 {
			return row, false
		}
		row.Type, row.Confirmed, listed = live.Types.Value[i], true, true
	}
	if zones, ok := live.Zones.Value[t.Name]; ok {
		row.Zones, row.Confirmed, listed = zones, true, true
	}
	if p, ok := live.OnDemand.Value[t.Name]; ok {
		row.OnDemand = p
	}
	for _, s := range live.Spot.Value {
		if s.Type == t.Name {
			row.SpotZones = append(row.SpotZones, s)
		}
	}
	slices.SortStableFunc(row.SpotZones, func(a, b market.SpotPrice) int { return a.Price.Cmp(b.Price) })
	if len(row.SpotZones) > 0 {
		row.Spot = row.SpotZones[0].Price
	}
	return row, listed
}
