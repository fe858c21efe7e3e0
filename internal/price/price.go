// Package price says what things cost and how well that is known: every amount
// carries its source and date, an estimate stays marked as one, and what is not
// known is unknown. Unknown never becomes zero: a sum with an unknown part is
// "at least" the rest.
//
// Amounts are for Linux and shared tenancy, in USD, without tax, discounts,
// free tier and data transfer; what T instances may use of CPU beyond their
// baseline is named apart and in no sum. The
// package asks nobody: prices come from the catalog or from whoever fetched
// them.
package price

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// Price is an amount of USD per hour. The zero value is unknown.
type Price struct {
	micro   int64 // millionths of a USD
	known   bool
	atLeast bool // a part of it is unknown

	Estimated bool
	Source    string // for people; "" when unknown
	// AsOf is the day of the source, 2006-01-02, or the moment in UTC at which a
	// service said it, RFC 3339; of several sources the oldest. A day counts as
	// its beginning, which is how the two forms compare as text.
	AsOf string
}

// FromUSD is a price from a source of a day (2006-01-02). An amount that cannot
// be a price gives an unknown one: negative, not a number, or zero, with which
// services say that they do not know.
func FromUSD(perHour float64, source, asOf string) Price {
	possible := perHour > 0 && perHour < 1e9 // also false for NaN
	if !possible {
		return Price{}
	}
	return Price{micro: int64(math.Round(perHour * 1e6)), known: true, Source: source, AsOf: asOf}
}

// FromCatalog is a price of the catalog; unknown stays unknown.
func FromCatalog(p catalog.Price) Price {
	if !p.Known() {
		return Price{}
	}
	return Price{micro: p.MicroUSD, known: true, Estimated: p.Estimated, Source: p.Source.Name, AsOf: p.Source.AsOf}
}

// OnDemand is the on-demand price of a type in a region, as the catalog has it.
func OnDemand(region, instanceType string) Price {
	o, _ := catalog.Offered(region, instanceType)
	return FromCatalog(o.OnDemand)
}

// Spot is the average Spot price of a type in a region, as the catalog has it.
func Spot(region, instanceType string) Price {
	o, _ := catalog.Offered(region, instanceType)
	return SpotAverage(o.Spot)
}

// SpotAverage is a Spot price of the catalog, which is the region's average of a
// day. Spot prices move, so for whoever is asked to pay one it is an estimate.
func SpotAverage(p catalog.Price) Price {
	average := FromCatalog(p)
	average.Estimated = average.Known()
	return average
}

// Known tells that the whole price is known, if only as an estimate.
func (p Price) Known() bool { return p.known && !p.atLeast }

// USD is the price in USD per hour, or nil when it is unknown or only a part of
// it is known: the form in which an offer carries it.
func (p Price) USD() *float64 {
	if !p.Known() {
		return nil
	}
	usd := float64(p.micro) / 1e6
	return &usd
}

// Cmp orders prices: cheaper first, unknown last.
func (p Price) Cmp(q Price) int {
	switch {
	case p.known && !q.known:
		return -1
	case !p.known && q.known:
		return 1
	case p.micro < q.micro:
		return -1
	case p.micro > q.micro:
		return 1
	default:
		return 0
	}
}

// String is the number with its marks and without its unit: 0.1008, ~0.1008 for
// an estimate, >=0.0050 when a part is unknown, unknown.
func (p Price) String() string {
	return format(p.micro, p.known, p.atLeast, p.Estimated, "", 4)
}

// Dollars is the number with its unit and marks: $0.1008, ~$0.1008, unknown.
func (p Price) Dollars() string {
	return format(p.micro, p.known, p.atLeast, p.Estimated, "$", 4)
}

// Sum adds prices. If some are unknown, the sum is at least that of the others;
// if all are, it is unknown. No prices cost nothing.
func Sum(prices ...Price) Price {
	sum := Price{known: len(prices) == 0}
	unknown := false
	var sources []string
	for _, p := range prices {
		if !p.known {
			unknown = true
			continue
		}
		sum.known = true
		sum.micro += p.micro
		sum.atLeast = sum.atLeast || p.atLeast
		sum.Estimated = sum.Estimated || p.Estimated
		if p.AsOf != "" && (sum.AsOf == "" || p.AsOf < sum.AsOf) {
			sum.AsOf = p.AsOf
		}
		if p.Source != "" && !slices.Contains(sources, p.Source) {
			sources = append(sources, p.Source)
		}
	}
	sum.atLeast = sum.known && (sum.atLeast || unknown)
	sum.Source = strings.Join(sources, "; ")
	return sum
}

// Over is what the price comes to in a length of time, which AWS bills by the
// second.
func (p Price) Over(d time.Duration) Cost {
	if !p.known || d < 0 {
		return Cost{}
	}
	micro := math.Round(float64(p.micro) * d.Hours())
	return Cost{micro: int64(micro), known: true, atLeast: p.atLeast, Estimated: p.Estimated}
}

// Cost is an amount of USD. The zero value is unknown.
type Cost struct {
	micro   int64
	known   bool
	atLeast bool

	Estimated bool
}

// CostFromUSD is an amount that a service named. What cannot be one is unknown:
// negative, not a number, or zero, with which services say that they do not know.
func CostFromUSD(amount float64) Cost {
	possible := amount > 0 && amount < 1e9 // also false for NaN
	if !possible {
		return Cost{}
	}
	return Cost{micro: int64(math.Round(amount * 1e6)), known: true}
}

// Known tells that the whole cost is known, if only as an estimate.
func (c Cost) Known() bool { return c.known && !c.atLeast }

// USD is the cost in USD, or nil when it is unknown or only a part of it is
// known.
func (c Cost) USD() *float64 {
	if !c.Known() {
		return nil
	}
	usd := float64(c.micro) / 1e6
	return &usd
}

// Add adds two costs; a part that is unknown makes the sum "at least".
func (c Cost) Add(d Cost) Cost {
	return Cost{
		micro:     c.micro + d.micro,
		known:     c.known || d.known,
		atLeast:   c.atLeast || d.atLeast || c.known != d.known,
		Estimated: c.Estimated || d.Estimated,
	}
}

// String is the cost with its unit and marks: $0.81, ~$0.81, >=$0.81, unknown.
// What is less than a cent is shown to a hundredth of one.
func (c Cost) String() string {
	digits := 2
	if c.micro > 0 && c.micro < 10_000 {
		digits = 4
	}
	return format(c.micro, c.known, c.atLeast, c.Estimated, "$", digits)
}

func format(micro int64, known, atLeast, estimated bool, unit string, digits int) string {
	if !known {
		return "unknown"
	}
	mark := ""
	switch {
	case atLeast:
		mark = ">="
	case estimated:
		mark = "~"
	}
	return fmt.Sprintf("%s%s%.*f", mark, unit, digits, float64(micro)/1e6)
}
