package ec2

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// spotProduct is what every instance here is, to Spot prices.
const spotProduct = "Linux/UNIX"

// spotHistoryInput is what DescribeSpotPriceHistory takes.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
type spotHistoryInput struct {
	Listing
	AvailabilityZone    string
	AvailabilityZoneID  string `query:"AvailabilityZoneId"`
	StartTime           string
	EndTime             string
	Types               []string `query:"InstanceType"`
	ProductDescriptions []string `query:"ProductDescription"`
}

type spotPrice struct {
	Type    string `xml:"instanceType"`
	Product string `xml:"productDescription"`
	Price   string `xml:"spotPrice"` // USD an hour
	Time    string `xml:"timestamp"`
	Zone    string `xml:"availabilityZone"`
	ZoneID  string `xml:"availabilityZoneId"`
}

func (p spotPrice) attribute(name string) ([]string, bool) {
	switch name {
	case "instance-type":
		return one(p.Type)
	case "product-description":
		return one(p.Product)
	case "spot-price":
		return one(p.Price)
	case "timestamp":
		return one(p.Time)
	case "availability-zone":
		return one(p.Zone)
	case "availability-zone-id":
		return one(p.ZoneID)
	}
	return nil, false
}

type spotHistoryOutput struct {
	Prices    wire.Items[spotPrice] `xml:"spotPriceHistorySet"`
	NextToken string                `xml:"nextToken"` // present when empty, as the reference has it
}

// dollars writes millionths of a dollar as EC2 writes prices: 0.031680.
func dollars(micro int64) string { return fmt.Sprintf("%d.%06d", micro/1_000_000, micro%1_000_000) }

// readTime reads a time in a request; a nil without an error is that there is
// none.
func readTime(parameter, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, errValue("Value (%s) for parameter %s is invalid. Invalid date format", text, parameter)
	}
	return &t, nil
}

// describeSpotPriceHistory tells the catalog's Spot prices, which are averages
// of a region: as of the catalog's date, and the same as of now. The last price
// before StartTime counts, because it is in force at StartTime. The youngest
// come first.
func (s *Service) describeSpotPriceHistory(tx *store.Tx, c *call.Caller, in *spotHistoryInput) (*spotHistoryOutput, error) {
	if in.AvailabilityZone != "" && in.AvailabilityZoneID != "" {
		return nil, errCombination("The parameters AvailabilityZone and AvailabilityZoneId cannot be used together")
	}
	start, err := readTime("startTime", in.StartTime)
	if err != nil {
		return nil, err
	}
	end, err := readTime("endTime", in.EndTime)
	if err != nil {
		return nil, err
	}
	named := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	found, next, err := listing[spotPrice]{
		all:       numbered(spotHistory(c.Region, tx.Now().Truncate(time.Hour), start, end)),
		attribute: spotPrice.attribute, pages: limits{1, 1000},
		keep: func(p spotPrice) bool {
			return named(in.Types, p.Type) && named(in.ProductDescriptions, p.Product) &&
				(in.AvailabilityZone == "" || in.AvailabilityZone == p.Zone) &&
				(in.AvailabilityZoneID == "" || in.AvailabilityZoneID == p.ZoneID)
		},
	}.list(in.atMost(1000), nil)
	if err != nil {
		return nil, err
	}
	return &spotHistoryOutput{found, next}, nil
}

// spotHistory are the prices between start and end, nil being unbounded.
func spotHistory(region string, now time.Time, start, end *time.Time) iter.Seq[spotPrice] {
	return func(yield func(spotPrice) bool) {
		for _, current := range []bool{true, false} {
			for t := range catalog.Types() {
				o, _ := catalog.Offered(region, t.Name)
				if !o.Spot.Known() {
					continue
				}
				at, shown := entryTime(o.Spot, now, current, start, end)
				if !shown {
					continue
				}
				for _, z := range zonesWith(o) {
					if !yield(spotPrice{t.Name, spotProduct, dollars(o.Spot.MicroUSD), wire.Time(at), z.Name, z.ID}) {
						return
					}
				}
			}
		}
	}
}

// entryTime is the time of the current entry or of the old one, and whether it
// lies between start and end or is the one in force at start.
func entryTime(p catalog.Price, now time.Time, current bool, start, end *time.Time) (at time.Time, shown bool) {
	old, err := time.Parse(time.DateOnly, p.Source.AsOf)
	if err != nil {
		panic(err) // the catalog's tests hold its dates to this form
	}
	if current {
		at = now
	} else {
		at = old
	}
	if end != nil && at.After(*end) {
		return at, false
	}
	if start == nil || !at.Before(*start) {
		return at, true
	}
	if current {
		return at, true // the last before start
	}
	superseded := cmp.Compare(now.Unix(), start.Unix()) <= 0 && (end == nil || !now.After(*end))
	return at, !superseded
}
