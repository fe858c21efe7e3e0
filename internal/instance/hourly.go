package instance

import (
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
)

// Hourly is what the instance costs in its market, as the built-in catalog has
// it: for Spot an average, since what is paid for it moves. What was paid for
// in advance has no price an hour, and that of software on top is not known.
func (in Instance) Hourly(region string) price.Price {
	var p price.Price
	switch in.Market {
	case lifecycle.OnDemand:
		p = price.OnDemand(region, in.Type)
	case lifecycle.Spot:
		p = price.Spot(region, in.Type)
	}
	if in.Software != "" {
		return price.Sum(p, price.Price{})
	}
	return p
}
