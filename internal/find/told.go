package find

import (
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// told is a fact that EC2 told about a region; an error, of kind Denied unless
// the cause has another one, when it did not.
func told[T any](k Known, region string, of func(market.Region) market.Fact[T]) (market.Fact[T], error) {
	live, _ := k.Live.Region(region)
	fact := of(live)
	switch {
	case fact.Known():
		return fact, nil
	case fact.Err != nil:
		return fact, fact.Err
	case k.Live.Err != nil:
		return fact, k.Live.Err
	default:
		return fact, problem.New(problem.Denied, "EC2 was not asked").WithNext("ask it with credentials of an account")
	}
}
