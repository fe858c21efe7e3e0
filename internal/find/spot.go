package find

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// SpotQuery is what Spot looks for.
type SpotQuery struct {
	Query
	MaxPrice price.Price // the most an hour may cost; unknown is no limit
	By       SpotOrder
}

// SpotOrder is an order of Spot prices. Unknown comes last in each, and what is
// equal stays in the order of Search, zones from cheap to dear.
type SpotOrder string

// The orders. The first one, and none, is that of Search.
const (
	ByPreference   SpotOrder = "preference"
	ByName         SpotOrder = "name" // family, then size
	ByPrice        SpotOrder = "price"
	BySavings      SpotOrder = "savings"
	ByInterruption SpotOrder = "interruption"
)

// SpotRow is what a type costs as a Spot instance in a zone.
type SpotRow struct {
	Row
	Zone string // "" is any zone of the region

	// Price is that of the zone now, or, without a zone, the region's average of
	// some time ago; unknown when no source has one.
	Price price.Price
	Since time.Time // from when on the price holds; zero is unknown

	// InterruptionSource is where the interruptions come from: the catalog's
	// record of the type's Spot price, which is also read when the price itself
	// is a newer one.
	InterruptionSource catalog.Source

	// Score is how likely EC2 thinks capacity in the zone for the types asked
	// about together, from 1 to 10; 0 is unknown. It speaks of the moment it was
	// asked, and is not representative for fewer than three types.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-placement-score.html
	Score int
}

// Average tells that the price is the region's average and not one that
// anybody would be asked now.
func (r SpotRow) Average() bool { return r.Zone == "" && r.Price.Known() }

// Savings is how much less than on demand the Spot price is, in per cent;
// below zero when it is dearer. It is an estimate when one of the prices is not
// the one asked now and here. ok is false when one is unknown.
func (r SpotRow) Savings() (percent int, estimated, ok bool) {
	spot, onDemand := r.Price.USD(), r.OnDemand.USD()
	if spot == nil || onDemand == nil {
		return 0, false, false
	}
	percent = int(math.Round(100 * (1 - *spot / *onDemand)))
	return percent, r.Average() || r.Price.Estimated || r.OnDemand.Estimated, true
}

// SpotExplanation says what Spot did beside its results.
type SpotExplanation struct {
	Explanation
	NotSold []string // types of which EC2 said that the region sells no Spot instance
	Unknown int      // left out by MaxPrice: nobody knows what they cost
	Dearer  int      // left out by MaxPrice
	Nearest SpotRow  // the cheapest of them
}

// Spot finds what types cost as Spot instances: a row for each zone whose price
// is known, and one without a zone where only the catalog's average is, or
// nothing.
//
// The error is that of Search, or of kind NotFound when nothing is left.
func Spot(known Known, q SpotQuery) ([]SpotRow, SpotExplanation, error) {
	var explanation SpotExplanation
	found, searched, err := Search(known, q.Query)
	explanation.Explanation = searched
	if err != nil {
		return nil, explanation, err
	}
	var rows []SpotRow
	for _, row := range found {
		if known.spotRefused(row) {
			explanation.NotSold = append(explanation.NotSold, row.Type.Name+" in "+row.Region)
			continue
		}
		rows = append(rows, known.spotRows(row)...)
	}
	rows = explanation.limit(rows, q.MaxPrice)
	if len(rows) == 0 {
		return nil, explanation, explanation.nothingLeft(q.MaxPrice)
	}
	slices.SortStableFunc(rows, q.By.compare)
	return rows, explanation, nil
}

// spotRefused tells that EC2 was asked for the type's Spot prices in the region
// and has none. What the catalog once knew does not count against that.
func (k Known) spotRefused(row Row) bool {
	live, _ := k.Live.Region(row.Region)
	return live.Spot.Known() && k.Live.Asked(row.Type.Name) && len(row.SpotZones) == 0
}

func (k Known) spotRows(row Row) []SpotRow {
	offering, _ := catalog.Offered(row.Region, row.Type.Name)
	var source catalog.Source
	if row.Interruption != catalog.InterruptionUnknown {
		source = offering.Spot.Source
	}
	if len(row.SpotZones) == 0 {
		return []SpotRow{{Row: row, Price: row.Spot, InterruptionSource: source}}
	}
	live, _ := k.Live.Region(row.Region)
	var rows []SpotRow
	for _, z := range row.SpotZones {
		rows = append(rows, SpotRow{
			Row: row, Zone: z.Zone, Price: z.Price, Since: z.Since,
			InterruptionSource: source, Score: live.Scores.Value[z.Zone],
		})
	}
	return rows
}

// Scored is nil when EC2 told the placement scores of a region, else why they
// are not known.
func (k Known) Scored(region string) error {
	_, err := told(k, region, func(r market.Region) market.Fact[map[string]int] { return r.Scores })
	return err
}

// limit leaves out what costs more than the most, or may cost more, and counts.
func (e *SpotExplanation) limit(rows []SpotRow, most price.Price) []SpotRow {
	if !most.Known() {
		return rows
	}
	var kept []SpotRow
	for _, r := range rows {
		switch {
		case !r.Price.Known():
			e.Unknown++
		case r.Price.Cmp(most) > 0:
			if e.Dearer == 0 || r.Price.Cmp(e.Nearest.Price) < 0 {
				e.Nearest = r
			}
			e.Dearer++
		default:
			kept = append(kept, r)
		}
	}
	return kept
}

// nothingLeft says what removed the last candidate.
func (e *SpotExplanation) nothingLeft(most price.Price) error {
	switch {
	case e.Dearer > 0:
		where := e.Nearest.Region
		if e.Nearest.Zone != "" {
			where = e.Nearest.Zone
		}
		return problem.New(problem.NotFound, "no Spot price is %s or less: the lowest is %s, of %s in %s", most.Dollars(), e.Nearest.Price.Dollars(), e.Nearest.Type.Name, where).
			WithNext("raise --max-price, or look in more regions with --region")
	case e.Unknown > 0:
		return problem.New(problem.NotFound, "the Spot price of none of the %d candidates is known, so none is known to cost %s or less", e.Unknown, most.Dollars()).
			WithNext("leave out --max-price to see them, or ask EC2 with credentials of an account")
	default:
		return problem.New(problem.NotFound, "EC2 sells no Spot instance of %s", strings.Join(e.NotSold, ", ")).
			WithNext("try another --region, or take it on demand: truffle search")
	}
}

func (o SpotOrder) compare(a, b SpotRow) int {
	switch o {
	case ByName:
		return compareTypes(a.Type, b.Type)
	case ByPrice:
		return a.Price.Cmp(b.Price)
	case BySavings:
		return compareSavings(a, b)
	case ByInterruption:
		return cmp.Compare(interruptionRank(a.Interruption), interruptionRank(b.Interruption))
	default:
		return 0
	}
}

func compareSavings(a, b SpotRow) int {
	savedA, _, okA := a.Savings()
	savedB, _, okB := b.Savings()
	if okA != okB {
		return compareBool(okB, okA)
	}
	return cmp.Compare(savedB, savedA)
}

func interruptionRank(i catalog.Interruption) int {
	if i == catalog.InterruptionUnknown {
		return math.MaxInt
	}
	return int(i)
}

// Offer is the row in the form in which spawn takes it: as a Spot instance in
// the row's zone. Source and date are those of the Spot price, which is paid.
func (r SpotRow) Offer() offer.Offer {
	o := r.Row.Offer()
	o.Spot = true
	o.SpotPrice = r.Price.USD()
	o.AvailabilityZone = r.Zone
	o.PriceSource, o.PriceAsOf = r.priceSource()
	return o
}

// priceSource words where the prices come from, with the date of the Spot price
// where it is known; offer.Offer's SpotSource and OnDemandSource read it.
func (r SpotRow) priceSource() (source, asOf string) {
	onDemand := r.OnDemand.Source
	if r.OnDemand.Estimated {
		onDemand = "estimated from the price in " + catalog.BaseRegion + ": " + onDemand
	}
	if !r.Price.Known() {
		return onDemand, r.OnDemand.AsOf
	}
	source = "Spot: "
	if r.Average() {
		source += "average of the region, "
	}
	source += r.Price.Source
	if r.OnDemand.Known() {
		source += "; on demand: " + onDemand + ", " + r.OnDemand.AsOf
	}
	return source, r.Price.AsOf
}
