package main

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// ratios are the price levels of the regions that no newer price list covers,
// in millionths of the base region's: the median over all types that the
// instances file prices in both, so that prices of one date are compared.
func (j *joiner) ratios() map[string]int {
	ratios := map[string]int{}
	for name, r := range j.regions {
		if r.complete {
			continue
		}
		var all []int64
		for typeName, o := range r.offerings {
			if base := j.basePrices[typeName]; base > 0 && o.OnDemand.Known() {
				all = append(all, o.OnDemand.MicroUSD*1_000_000/base)
			}
		}
		if len(all) > 0 {
			slices.Sort(all)
			ratios[name] = int(all[len(all)/2])
		}
	}
	return ratios
}

// rememberBasePrices keeps the base region's prices of the instances file,
// before newer ones replace them.
func (j *joiner) rememberBasePrices() {
	j.basePrices = map[string]int64{}
	for name, o := range j.region(catalog.BaseRegion).offerings {
		j.basePrices[name] = o.OnDemand.MicroUSD
	}
}
