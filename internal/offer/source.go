package offer

import (
	"strings"
	"time"
)

// price_source names the source of the price to be paid, whose date is
// price_as_of, and after a semicolon that of the other price, with its date at
// its end. What a source speaks of is said before it; without a word it is the
// on-demand price.
const (
	spotMark     = "Spot: "
	onDemandMark = "on demand: "
	estimateMark = "estimated " // begins the source of a price that was worked out
)

// OnDemandSource is where the on-demand price comes from and of when; estimated
// tells that it was worked out from another region's. Empty is unknown.
func (o Offer) OnDemandSource() (source, asOf string, estimated bool) {
	source, asOf = o.sourceOf(onDemandMark, spotMark)
	return source, asOf, strings.HasPrefix(source, estimateMark)
}

// SpotSource is where the Spot price comes from and of when. Empty is unknown.
func (o Offer) SpotSource() (source, asOf string) { return o.sourceOf(spotMark, onDemandMark) }

// sourceOf finds what is said under a mark; other is the mark of the other
// price. A source without any mark is of both prices.
func (o Offer) sourceOf(mark, other string) (source, asOf string) {
	before, source, marked := strings.Cut(o.PriceSource, mark)
	switch {
	case !marked && strings.HasPrefix(o.PriceSource, other):
		return "", ""
	case !marked:
		source, _, _ = strings.Cut(o.PriceSource, "; "+other)
		return source, o.PriceAsOf
	case before == "":
		source, _, _ = strings.Cut(source, "; "+other)
		return source, o.PriceAsOf
	}
	comma := strings.LastIndex(source, ", ")
	if comma < 0 || !isDate(source[comma+2:]) {
		return source, ""
	}
	return source[:comma], source[comma+2:]
}

// isDate tells that s is a date, or a time in RFC 3339.
func isDate(s string) bool {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}
