package truffle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/price"
)

// provenance says where the prices that are shown come from, a line for each
// source and date, and what an estimate is.
func provenance(rows []find.Row) []string {
	var onDemand, spot origins
	for _, r := range rows {
		onDemand = onDemand.with(r.Region, r.OnDemand)
		spot = spot.with(r.Region, r.Spot)
	}
	return slices.Concat(onDemand.lines("on demand"), spot.lines("Spot"), estimates(rows))
}

// estimates say what the mark ~ means beside the prices that are shown.
func estimates(rows []find.Row) []string {
	var lines []string
	if slices.ContainsFunc(rows, func(r find.Row) bool { return r.OnDemand.Known() && r.OnDemand.Estimated }) {
		lines = append(lines, fmt.Sprintf("~ beside an on-demand price: estimated from %s; whether the region has the type is not known", catalog.BaseRegion))
	}
	if slices.ContainsFunc(rows, func(r find.Row) bool { return r.Spot.Known() && r.Spot.Estimated }) {
		lines = append(lines, "~ beside a Spot price: the region's average of that day, not what a zone asks now")
	}
	return lines
}

// origin is a source of prices, and the regions that it speaks of.
type origin struct {
	source, asOf string
	regions      []string
}

type origins []origin

// with adds where a price comes from, if it is known.
func (all origins) with(region string, p price.Price) origins {
	if !p.Known() {
		return all
	}
	return all.add(region, p.Source, p.AsOf)
}

// add adds a region to what a source said then.
func (all origins) add(region, source, asOf string) origins {
	i := slices.IndexFunc(all, func(o origin) bool { return o.source == source && o.asOf == asOf })
	if i < 0 {
		return append(all, origin{source, asOf, []string{region}})
	}
	if !slices.Contains(all[i].regions, region) {
		all[i].regions = append(all[i].regions, region)
	}
	return all
}

// lines are the origins in words, the newest first. Regions are named where not
// all are alike.
func (all origins) lines(what string) []string {
	slices.SortStableFunc(all, func(a, b origin) int {
		return cmp.Or(strings.Compare(b.asOf, a.asOf), strings.Compare(a.source, b.source))
	})
	var lines []string
	for _, o := range all {
		where := ""
		if len(all) > 1 {
			where = " in " + some(o.regions, 3)
		}
		lines = append(lines, fmt.Sprintf("%s%s: %s, %s", what, where, o.source, o.asOf))
	}
	return lines
}

// some are the first names of many, and how many more there are.
func some(names []string, most int) string {
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
