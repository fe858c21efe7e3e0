package find

import (
	"cmp"
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// RegionRow is what is known about a region.
type RegionRow struct {
	Name    string
	Place   string         // in words, as AWS has it: Europe (Frankfurt); "" is unknown
	Enabled catalog.Answer // in the account

	Zones int // that the catalog knows; 0 is unknown
	Types int // that a source lists there; 0 is unknown

	// Level is how dear the region is: the median of the ratios of its on-demand
	// prices to those of catalog.BaseRegion, over Compared types; 0 is unknown.
	Level    float64
	Compared int
}

// Regions tells about all regions that anybody named, sorted by name. Prices
// and types are the catalog's; whether a region is enabled is what the account
// said, if it was asked.
func Regions(known Known) []RegionRow {
	names := catalog.Regions()
	for name := range places() {
		names = append(names, name)
	}
	names = append(names, known.Live.Enabled.Value...)
	slices.Sort(names)
	base := basePrices()
	var rows []RegionRow
	for _, name := range slices.Compact(names) {
		row := RegionRow{Name: name, Place: places()[name], Enabled: known.enabled(name), Zones: len(catalog.Zones(name))}
		row.price(base)
		rows = append(rows, row)
	}
	return rows
}

// enabled tells whether the account has enabled a region; unknown until it said
// which ones it has.
func (k Known) enabled(region string) catalog.Answer {
	switch {
	case !k.Live.Enabled.Known():
		return catalog.Unknown
	case slices.Contains(k.Live.Enabled.Value, region):
		return catalog.Yes
	default:
		return catalog.No
	}
}

// basePrices are the on-demand prices of the base region, in millionths of a
// USD, by type.
func basePrices() map[string]int64 {
	prices := map[string]int64{}
	for o := range catalog.Offerings(catalog.BaseRegion) {
		if o.OnDemand.Known() {
			prices[o.Type] = o.OnDemand.MicroUSD
		}
	}
	return prices
}

// price counts the region's types and compares their prices.
func (r *RegionRow) price(base map[string]int64) {
	var ratios []float64
	for o := range catalog.Offerings(r.Name) {
		r.Types++
		if o.OnDemand.Known() && base[o.Type] > 0 {
			ratios = append(ratios, float64(o.OnDemand.MicroUSD)/float64(base[o.Type]))
		}
	}
	slices.Sort(ratios)
	if r.Compared = len(ratios); r.Compared > 0 {
		r.Level = (ratios[(r.Compared-1)/2] + ratios[r.Compared/2]) / 2
	}
}

// places are the regions' names in words, as AWS lists them.
//
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-region-billing-codes.html
func places() map[string]string {
	return map[string]string{
		"af-south-1":     "Africa (Cape Town)",
		"ap-east-1":      "Asia Pacific (Hong Kong)",
		"ap-east-2":      "Asia Pacific (Taipei)",
		"ap-northeast-1": "Asia Pacific (Tokyo)",
		"ap-northeast-2": "Asia Pacific (Seoul)",
		"ap-northeast-3": "Asia Pacific (Osaka)",
		"ap-south-1":     "Asia Pacific (Mumbai)",
		"ap-south-2":     "Asia Pacific (Hyderabad)",
		"ap-southeast-1": "Asia Pacific (Singapore)",
		"ap-southeast-2": "Asia Pacific (Sydney)",
		"ap-southeast-3": "Asia Pacific (Jakarta)",
		"ap-southeast-4": "Asia Pacific (Melbourne)",
		"ap-southeast-5": "Asia Pacific (Malaysia)",
		"ap-southeast-6": "Asia Pacific (New Zealand)",
		"ap-southeast-7": "Asia Pacific (Thailand)",
		"ca-central-1":   "Canada (Central)",
		"ca-west-1":      "Canada West (Calgary)",
		"eu-central-1":   "Europe (Frankfurt)",
		"eu-central-2":   "Europe (Zurich)",
		"eu-north-1":     "Europe (Stockholm)",
		"eu-south-1":     "Europe (Milan)",
		"eu-south-2":     "Europe (Spain)",
		"eu-west-1":      "Europe (Ireland)",
		"eu-west-2":      "Europe (London)",
		"eu-west-3":      "Europe (Paris)",
		"il-central-1":   "Israel (Tel Aviv)",
		"me-central-1":   "Middle East (UAE)",
		"me-south-1":     "Middle East (Bahrain)",
		"mx-central-1":   "Mexico (Central)",
		"sa-east-1":      "South America (São Paulo)",
		"us-east-1":      "US East (N. Virginia)",
		"us-east-2":      "US East (Ohio)",
		"us-gov-east-1":  "AWS GovCloud (US-East)",
		"us-gov-west-1":  "AWS GovCloud (US-West)",
		"us-west-1":      "US West (N. California)",
		"us-west-2":      "US West (Oregon)",
	}
}

// CompareLevels orders regions from cheap to dear, those without a level last.
func CompareLevels(a, b RegionRow) int {
	return cmp.Or(compareBool(a.Level == 0, b.Level == 0), cmp.Compare(a.Level, b.Level))
}
