package lifecycle

import "time"

// Market is how an instance is bought.
type Market string

// The markets.
const (
	OnDemand      Market = "on-demand"
	Spot          Market = "spot"
	CapacityBlock Market = "capacity-block" // paid for in advance
)

// ParseMarket reads what EC2 calls an instance's lifecycle, which on-demand
// instances have none of. A market that is not known here keeps EC2's word.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
func ParseMarket(lifecycle string) Market {
	if lifecycle == "" {
		return OnDemand
	}
	return Market(lifecycle)
}

// EC2 begins to end the instances of a Capacity Block half an hour before the
// block's end. Ours are to have ended by themselves before, hooks and all.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html
const (
	BlockEviction = 30 * time.Minute
	BlockMargin   = 5 * time.Minute
)

// LastInBlock is the latest deadline in a Capacity Block that ends then.
func LastInBlock(end time.Time) Deadline { return DeadlineAt(end.Add(-BlockEviction - BlockMargin)) }
