package catalog

import (
	_ "embed" // the data is part of the program
	"iter"
	"slices"
	"sync"
)

//go:embed catalog.bin
var file string

// BaseRegion is the region that the newest price list speaks of; estimates for
// other regions start from its prices.
const BaseRegion = "us-east-1"

// embedded is the built-in table. A file that cannot be opened is a broken
// build, which the package's tests refuse.
var embedded = sync.OnceValue(func() table {
	t, err := open(file)
	if err != nil {
		panic("catalog: " + err.Error())
	}
	return t
})

// Lookup finds a type by its exact name.
func Lookup(name string) (Type, bool) {
	t := embedded()
	if i := t.findType(name); i >= 0 {
		return t.typ(i), true
	}
	return Type{}, false
}

// Types are all types, sorted by name.
func Types() iter.Seq[Type] {
	return func(yield func(Type) bool) {
		t := embedded()
		for i := range t.types {
			if !yield(t.typ(i)) {
				return
			}
		}
	}
}

// Regions are the names of all regions the catalog knows, sorted.
func Regions() []string {
	t := embedded()
	names := make([]string, 0, t.regions)
	for i := range t.regions {
		names = append(names, t.region(i).name)
	}
	return names
}

// Zones are the zones of a region; none for a region that is unknown.
func Zones(regionName string) []Zone {
	r, ok := embedded().findRegion(regionName)
	if !ok {
		return nil
	}
	return r.zonesIn(0xff)
}

// Offered tells what is known about a type in a region. It is false when no
// source has the type there: either it is not offered, or the type or region is
// unknown. A type newer than what is known about the region is answered with an
// estimate that is not Confirmed.
func Offered(regionName, typeName string) (Offering, bool) {
	t := embedded()
	typeIndex := t.findType(typeName)
	r, ok := t.findRegion(regionName)
	if !ok || typeIndex < 0 {
		return Offering{}, false
	}
	if i, ok := r.find(typeIndex); ok {
		return r.offering(i), true
	}
	return r.estimate(typeIndex)
}

// OfferedIn are the regions in which a source lists the type, sorted.
func OfferedIn(typeName string) []string {
	t := embedded()
	var names []string
	if typeIndex := t.findType(typeName); typeIndex >= 0 {
		for i := range t.regions {
			r := t.region(i)
			if _, ok := r.find(typeIndex); ok {
				names = append(names, r.name)
			}
		}
	}
	return names
}

// estimate works out a price for a type that appeared after the region's price
// list was made: the base region's price at this region's usual level.
func (r region) estimate(typeIndex int) (Offering, bool) {
	if r.ratioPPM == 0 || r.typ(typeIndex).Origin == Listed {
		return Offering{}, false
	}
	base, ok := r.findRegion(BaseRegion)
	if !ok {
		return Offering{}, false
	}
	i, ok := base.find(typeIndex)
	if !ok {
		return Offering{}, false
	}
	price := base.offering(i).OnDemand
	if price.Known() {
		price.MicroUSD = (price.MicroUSD*int64(r.ratioPPM) + 500_000) / 1_000_000
		price.Estimated = true
	}
	return Offering{Region: r.name, Type: r.typeName(typeIndex), OnDemand: price}, true
}

// Sources are all sources that values of the catalog name.
func Sources() []Source {
	t := embedded()
	sources := make([]Source, 0, t.sources)
	for i := range t.sources {
		sources = append(sources, t.source(i))
	}
	return slices.Clip(sources)
}
