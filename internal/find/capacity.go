package find

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// capacityBlock is the kind of a reservation that was bought as a Capacity
// Block. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html
const capacityBlock = "capacity-block"

// linuxPlatform is what a reservation is for if our images run in it.
const linuxPlatform = "Linux/UNIX"

// CapacityQuery is what Capacity and Blocks look for.
type CapacityQuery struct {
	Regions       []string // at least one
	Types         []string // patterns as in Query; none is every type
	GPUOnly       bool
	AvailableOnly bool // only what could be launched into now
	Now           time.Time
}

// CapacityRow is a capacity reservation, with what is known about its type.
type CapacityRow struct {
	Row
	Reservation market.Reservation
	// Obstacle is why nothing can be launched into it now; "" when it can.
	Obstacle string
}

// CapacityExplanation says what was looked at and what is missing.
type CapacityExplanation struct {
	Seen        int           // reservations or blocks in the regions that answered
	Failed      []FailedQuery // regions that did not answer
	OtherType   int           // left out by Types
	NoGPU       int           // left out by GPUOnly
	UnknownGPU  int           // left out by GPUOnly: nothing is known about the type
	Unavailable int           // left out by AvailableOnly
}

// FailedQuery is a region about which nothing was found out, and why.
type FailedQuery struct {
	Region string
	Err    error
}

// Capacity finds the capacity reservations of the account: those that can be
// launched into first, then by region in the order asked, type and zone.
//
// The error is a *problem.Error: Usage for what cannot be understood, Denied
// when nobody could be asked, NotFound when there is nothing. Where a region
// failed and nothing was found in the others, the error is the failure: that
// there is nothing is then not known.
func Capacity(known Known, q CapacityQuery) ([]CapacityRow, CapacityExplanation, error) {
	var explanation CapacityExplanation
	patterns, err := q.patterns(known)
	if err != nil {
		return nil, explanation, err
	}
	var rows []CapacityRow
	for _, region := range q.Regions {
		reservations, err := told(known, region, func(r market.Region) market.Fact[[]market.Reservation] { return r.Reservations })
		if err != nil {
			explanation.Failed = append(explanation.Failed, FailedQuery{region, err})
			continue
		}
		for _, r := range reservations.Value {
			row := CapacityRow{Row: known.rowOf(region, r.Type), Reservation: r, Obstacle: obstacle(r, q.Now)}
			if explanation.keeps(q, patterns, row.Type, row.Obstacle == "") {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		return nil, explanation, explanation.nothing(q, "capacity reservation")
	}
	slices.SortStableFunc(rows, func(a, b CapacityRow) int {
		return cmp.Or(
			compareBool(a.Obstacle != "", b.Obstacle != ""),
			cmp.Compare(slices.Index(q.Regions, a.Region), slices.Index(q.Regions, b.Region)),
			compareTypes(a.Type, b.Type),
			strings.Compare(a.Reservation.Zone, b.Reservation.Zone),
			cmp.Compare(b.Reservation.Available, a.Reservation.Available),
			a.Reservation.Start.Compare(b.Reservation.Start),
		)
	})
	return rows, explanation, nil
}

// obstacle is why nothing can be launched into a reservation.
func obstacle(r market.Reservation, now time.Time) string {
	switch {
	case r.Platform != linuxPlatform:
		return "it is for " + r.Platform
	case r.State == "scheduled" || r.Start.After(now):
		return "it begins later"
	case !r.End.IsZero() && !r.End.After(now):
		return "it is over"
	case r.State != "active":
		return "it is " + r.State
	case r.Available < 1:
		return "it is full"
	default:
		return ""
	}
}

// Offer is the reservation in the form in which spawn takes it. The on-demand
// price is that of the list: what a Capacity Block costs was paid when it was
// bought.
func (r CapacityRow) Offer() offer.Offer {
	o := r.Row.Offer()
	o.SpotPrice = nil
	o.PriceSource, o.PriceAsOf = r.OnDemand.Source, r.OnDemand.AsOf
	switch {
	case r.OnDemand.Estimated:
		o.PriceSource = "estimated from the price in " + catalog.BaseRegion + ": " + o.PriceSource
	case r.Reservation.Kind == capacityBlock && r.OnDemand.Known():
		o.PriceSource += "; a Capacity Block is paid in advance"
	}
	o.AvailabilityZone = r.Reservation.Zone
	o.ReservationID, o.ReservationType = r.Reservation.ID, r.Reservation.Kind
	available := r.Reservation.Available
	o.AvailableCapacity = &available
	return o
}

// BlockRow is a Capacity Block for sale, with what is known about its type.
type BlockRow struct {
	Row
	Block market.Block
}

// Blocks finds Capacity Blocks for sale, in the order of Search and then by
// start. None of them can be launched into before it is bought. Errors are those
// of Capacity.
func Blocks(known Known, q CapacityQuery) ([]BlockRow, CapacityExplanation, error) {
	var explanation CapacityExplanation
	patterns, err := q.patterns(known)
	if err != nil {
		return nil, explanation, err
	}
	var rows []BlockRow
	for _, region := range q.Regions {
		blocks, err := told(known, region, func(r market.Region) market.Fact[[]market.Block] { return r.Blocks })
		if err != nil {
			explanation.Failed = append(explanation.Failed, FailedQuery{region, err})
			continue
		}
		for _, b := range blocks.Value {
			row := BlockRow{known.rowOf(region, b.Type), b}
			if explanation.keeps(q, patterns, row.Type, true) {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		return nil, explanation, explanation.nothing(q, "Capacity Block for sale")
	}
	slices.SortStableFunc(rows, func(a, b BlockRow) int {
		return cmp.Or(
			cmp.Compare(slices.Index(q.Regions, a.Region), slices.Index(q.Regions, b.Region)),
			compareTypes(a.Type, b.Type),
			a.Block.Start.Compare(b.Block.Start),
			strings.Compare(a.Block.Zone, b.Block.Zone),
		)
	})
	return rows, explanation, nil
}

// patterns reads the query's types. A name that does not exist is an error, for
// a typing error must not look as if there were no capacity.
func (q CapacityQuery) patterns(known Known) ([]pattern, error) {
	var patterns []pattern
	for _, text := range q.Types {
		p, err := parsePattern(text)
		if err != nil {
			return nil, err
		}
		if len(known.matching(p)) == 0 && !known.reserved(p) {
			return nil, noSuchType(p)
		}
		patterns = append(patterns, p)
	}
	for _, region := range q.Regions {
		if err := known.checkRegion(region); err != nil {
			return nil, err
		}
	}
	return patterns, nil
}

// reserved tells that EC2 named a type that matches in a reservation or block,
// though nothing else is known about it.
func (k Known) reserved(p pattern) bool {
	for _, region := range k.Live.Regions {
		for _, r := range region.Reservations.Value {
			if p.matches(r.Type) {
				return true
			}
		}
		for _, b := range region.Blocks.Value {
			if p.matches(b.Type) {
				return true
			}
		}
	}
	return false
}

// rowOf is what is known about a type that must be there; only its name, if
// nothing.
func (k Known) rowOf(region, typeName string) Row {
	t, found := catalog.Lookup(typeName)
	if !found {
		t = catalog.Type{Name: typeName, Origin: catalog.NameOnly}
	}
	row, _ := k.Row(region, t)
	return row
}

// keeps tells whether something passes the query's filters, and counts it.
func (e *CapacityExplanation) keeps(q CapacityQuery, patterns []pattern, t catalog.Type, available bool) bool {
	e.Seen++
	gpus, known := t.GPUs()
	switch {
	case len(patterns) > 0 && !slices.ContainsFunc(patterns, func(p pattern) bool { return p.matches(t.Name) }):
		e.OtherType++
	case q.GPUOnly && !known:
		e.UnknownGPU++
	case q.GPUOnly && gpus == 0:
		e.NoGPU++
	case q.AvailableOnly && !available:
		e.Unavailable++
	default:
		return true
	}
	return false
}

// nothing is the error when there are no rows: a failure if there was one, else
// what was looked at and what removed it.
func (e *CapacityExplanation) nothing(q CapacityQuery, what string) error {
	regions := strings.Join(q.Regions, ", ")
	if len(q.Types) > 0 { // EC2 was asked about these only
		what += " of " + strings.Join(q.Types, ", ")
	}
	if len(e.Failed) > 0 {
		first := e.Failed[0]
		if len(e.Failed) == len(q.Regions) {
			return problem.New(problem.KindOf(first.Err), "whether there is a %s in %s is not known: %w", what, regions, first.Err).
				WithNext("%s", problem.NextOf(first.Err))
		}
		return problem.New(problem.KindOf(first.Err), "no %s was found, but %d of %d regions did not answer; %s: %w", what, len(e.Failed), len(q.Regions), first.Region, first.Err).
			WithNext("%s", problem.NextOf(first.Err))
	}
	if e.Seen == 0 {
		return problem.New(problem.NotFound, "there is no %s in %s", what, regions).WithNext("look in more regions with --region, or take what is on offer: truffle search")
	}
	var left []string
	for _, l := range []struct {
		n   int
		why string
	}{
		{e.OtherType, "of another type"},
		{e.NoGPU, "without a GPU"},
		{e.UnknownGPU, "of a type whose GPUs are unknown"},
		{e.Unavailable, "not available now"},
	} {
		if l.n > 0 {
			left = append(left, fmt.Sprintf("%d %s", l.n, l.why))
		}
	}
	return problem.New(problem.NotFound, "no %s in %s fits: %s", what, regions, strings.Join(left, ", ")).
		WithNext("leave out a filter, or look in more regions with --region")
}
