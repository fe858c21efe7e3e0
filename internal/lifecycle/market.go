package lifecycle

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
