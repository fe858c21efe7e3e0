package catalog

import "iter"

// Offerings are all types that a source lists in a region, sorted by name; none
// for a region that is unknown. For a whole region this is far quicker than
// asking Offered about each type.
func Offerings(regionName string) iter.Seq[Offering] {
	return func(yield func(Offering) bool) {
		r, ok := embedded().findRegion(regionName)
		if !ok {
			return
		}
		for i := range r.offerings {
			if !yield(r.offering(i)) {
				return
			}
		}
	}
}
