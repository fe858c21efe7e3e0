package find

import (
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/offer"
)

// Offer is the row in the form in which spawn takes it: on demand, in any
// zone. What is not known stays out of it.
func (r Row) Offer() offer.Offer {
	t := r.Type
	o := offer.Offer{
		Schema:        offer.Schema,
		InstanceType:  t.Name,
		Region:        r.Region,
		Architecture:  t.Architectures.Preferred(),
		VCPUs:         knownCount(t.VCPUs),
		MemoryMiB:     knownCount(t.MemoryMiB),
		OnDemandPrice: r.OnDemand.USD(),
		SpotPrice:     r.Spot.USD(),
	}
	if gpus, ok := t.GPUs(); ok {
		o.GPUs = &gpus
		if gpus > 0 {
			o.GPUModel = t.Accelerators.Model
		}
	}
	if t.Hibernation != catalog.Unknown {
		yes := t.Hibernation == catalog.Yes
		o.HibernationSupported = &yes
	}
	o.PriceSource, o.PriceAsOf = r.priceSource()
	return o
}

// priceSource words where the prices come from; the date is that of the price
// to be paid, which here is the on-demand one.
func (r Row) priceSource() (source, asOf string) {
	onDemand, spot := r.OnDemand, r.Spot
	if onDemand.Known() {
		source, asOf = onDemand.Source, onDemand.AsOf
		if onDemand.Estimated {
			source = "estimated from the price in " + catalog.BaseRegion + ": " + source
		}
	}
	switch {
	case !spot.Known():
	case source == "":
		source, asOf = "Spot: "+spot.Source, spot.AsOf
	case spot.Source != onDemand.Source:
		source += "; Spot: " + spot.Source + ", " + spot.AsOf
	}
	return source, asOf
}

// knownCount is nil for the zero with which the catalog says unknown.
func knownCount(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
