package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// blockOfferingsInput is what DescribeCapacityBlockOfferings takes.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeCapacityBlockOfferings.html
type blockOfferingsInput struct {
	call.Dry
	Paging
	InstanceType          string
	InstanceCount         *int
	CapacityDurationHours *int
	StartDateRange        string
	EndDateRange          string
}

type blockOffering struct {
	ID       string `xml:"capacityBlockOfferingId"`
	Type     string `xml:"instanceType"`
	Zone     string `xml:"availabilityZone"`
	Count    int    `xml:"instanceCount"`
	Start    string `xml:"startDate"`
	End      string `xml:"endDate"`
	Hours    int    `xml:"capacityBlockDurationHours"`
	Minutes  int    `xml:"capacityBlockDurationMinutes"`
	Fee      string `xml:"upfrontFee"`
	Currency string `xml:"currencyCode"`
	Tenancy  string `xml:"tenancy"`
}

type blockOfferingsOutput struct {
	Offerings wire.Items[blockOffering] `xml:"capacityBlockOfferingSet"`
	NextToken string                    `xml:"nextToken,omitempty"`
}

// The documented limits of a Capacity Block.
const (
	maxBlockInstances = 64
	day               = 24  // hours
	twoWeeks          = 336 // up to which a block lasts whole days
	longestBlock      = 182 * day
)

// blockTypes are the types that Capacity Blocks are sold for.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-prerequisites.html
func blockTypes() []string {
	return []string{
		"p4d.24xlarge", "p4de.24xlarge", "p5.4xlarge", "p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge",
		"p6-b200.48xlarge", "p6-b300.48xlarge", "trn1.32xlarge", "trn2.3xlarge", "trn2.48xlarge",
	}
}

// describeCapacityBlockOfferings offers one block in the first zone that has
// the type: from half past eleven UTC, when blocks end and begin, of the next
// day or of the day asked for, at the list price without a discount. Nobody can
// buy it here.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html
func (s *Service) describeCapacityBlockOfferings(tx *store.Tx, c *call.Caller, in *blockOfferingsInput) (*blockOfferingsOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	earliest, err := readTime("StartDateRange", in.StartDateRange)
	if err != nil {
		return nil, err
	}
	latest, err := readTime("EndDateRange", in.EndDateRange)
	if err != nil {
		return nil, err
	}
	var all []blockOffering
	if o, offered := in.offer(c.Region, tx.Now(), earliest); offered && (latest == nil || !o.end.After(*latest)) {
		all = append(all, o.blockOffering)
	}
	found, next, err := page(in.Paging, limits{1, 1000}, false, numbered(slices.Values(all)), func(blockOffering) bool { return true })
	if err != nil {
		return nil, err
	}
	return &blockOfferingsOutput{found, next}, nil
}

func (in *blockOfferingsInput) check() error {
	switch {
	case in.CapacityDurationHours == nil:
		return errMissing("CapacityDurationHours")
	case in.InstanceType == "":
		return errMissing("InstanceType")
	case in.InstanceCount == nil:
		return errMissing("InstanceCount")
	case *in.InstanceCount < 1 || *in.InstanceCount > maxBlockInstances:
		return errValue("Invalid value '%d' for InstanceCount: it must be from 1 to %d", *in.InstanceCount, maxBlockInstances)
	case !slices.Contains(blockTypes(), in.InstanceType):
		return errValue("The instance type '%s' is not supported for Capacity Blocks", in.InstanceType)
	}
	hours := *in.CapacityDurationHours
	whole := hours > 0 && (hours%day == 0 && hours <= twoWeeks || hours%(7*day) == 0 && hours <= longestBlock)
	if !whole {
		return errValue("Invalid value '%d' for CapacityDurationHours: it must be whole days up to 14 days, or whole weeks up to 26 weeks", hours)
	}
	return nil
}

// timedOffering is an offering with its end as a time.
type timedOffering struct {
	blockOffering
	end time.Time
}

// offer is the block that fits the request; offered is false where the region
// does not have the type, or nothing is known of its price.
func (in *blockOfferingsInput) offer(region string, now time.Time, earliest *time.Time) (o timedOffering, offered bool) {
	offering, _ := catalog.Offered(region, in.InstanceType)
	if !offering.OnDemand.Known() {
		return o, false
	}
	if earliest != nil && earliest.After(now) {
		now = *earliest
	}
	start := now.UTC().Truncate(day * time.Hour).Add(11*time.Hour + 30*time.Minute)
	if !start.After(now) {
		start = start.Add(day * time.Hour)
	}
	hours := *in.CapacityDurationHours
	o.end = start.Add(time.Duration(hours) * time.Hour)
	zone := zonesWith(offering)[0]
	sum := sha256.Sum256(fmt.Append(nil, in.InstanceType, zone.ID, *in.InstanceCount, start.Unix(), hours))
	o.blockOffering = blockOffering{
		ID: "cb-0" + hex.EncodeToString(sum[:8]), Type: in.InstanceType, Zone: zone.Name, Count: *in.InstanceCount,
		Start: wire.Time(start), End: wire.Time(o.end), Hours: hours,
		Fee: dollars(offering.OnDemand.MicroUSD * int64(hours) * int64(*in.InstanceCount)), Currency: "USD", Tenancy: "default",
	}
	return o, true
}
