package catalog

// Source is where a value was found, and of which day it is.
type Source struct {
	Name string // for people: the project, its version and what was taken
	AsOf string // 2006-01-02
}

// Zone is an availability zone.
type Zone struct {
	// ID names the same place for every account: use1-az1.
	ID string
	// Name is the region and a letter, us-east-1a. In real accounts letters
	// stand for different zones, at least in the oldest regions; here they
	// follow the number in the ID, which is what the local cloud shows.
	// https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
	Name string
}

// Offering is a type in a region.
type Offering struct {
	Region string
	Type   string

	// Confirmed tells that a source lists the type in this region. If not, the
	// type is newer than what is known about the region: it may not be there,
	// and its price is an estimate.
	Confirmed bool

	// Zones are those that had the type; empty is unknown.
	Zones []Zone

	OnDemand     Price
	Spot         Price        // averaged over zones and time by the source
	Interruption Interruption // how often Spot instances of it were interrupted
}

// Price is USD per hour for Linux with shared tenancy, in millionths. Zero is
// unknown; nothing in EC2 is free.
type Price struct {
	MicroUSD  int64
	Estimated bool   // worked out from another region's price
	Source    Source // empty when the price is unknown
}

// Known tells whether there is a price.
func (p Price) Known() bool { return p.MicroUSD > 0 }

// Interruption is a share of Spot instances interrupted within a month, in the
// steps of AWS's Spot Instance advisor.
// https://aws.amazon.com/ec2/spot/instance-advisor/
type Interruption uint8

// The steps.
const (
	InterruptionUnknown Interruption = iota
	Under5Percent
	From5To10Percent
	From10To15Percent
	From15To20Percent
	Over20Percent
)

func (i Interruption) String() string {
	switch i {
	case Under5Percent:
		return "<5%"
	case From5To10Percent:
		return "5-10%"
	case From10To15Percent:
		return "10-15%"
	case From15To20Percent:
		return "15-20%"
	case Over20Percent:
		return ">20%"
	default:
		return "unknown"
	}
}
