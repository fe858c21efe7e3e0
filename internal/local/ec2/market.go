package ec2

import (
	"strconv"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// marketOptions say how a launch buys. Of the markets, Spot is here.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMarketOptionsRequest.html
type marketOptions struct {
	MarketType  string
	SpotOptions struct {
		MaxPrice                     string
		SpotInstanceType             string
		InstanceInterruptionBehavior string
		ValidUntil                   string
	}
}

// spotTerms are Spot options with what is left out filled in.
type spotTerms struct {
	Persistent bool
	MaxPrice   int64 // millionths of USD an hour; 0: the on-demand price
	Behavior   string
	ValidUntil time.Time // zero: until cancelled
}

// leastSpotPrice is what MaxPrice must be more than, in millionths of USD.
const leastSpotPrice = 1000

func (in *runInput) spot() bool { return in.InstanceMarketOptions != nil }

// spotTerms reads the Spot options under the rules for RunInstances: a
// persistent request needs an interruption behavior other than terminate, and
// the other way round, and hibernation needs to be interrupted by hibernating.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotMarketOptions.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interruption-behavior.html
func (in *runInput) spotTerms(now time.Time) (t spotTerms, err error) {
	if in.InstanceMarketOptions.MarketType == "" {
		return t, errMissing("MarketType")
	}
	if in.InstanceMarketOptions.MarketType != "spot" {
		return t, wire.Errorf("UnsupportedOperation", "This cloud does not have the %s market", in.InstanceMarketOptions.MarketType)
	}
	given := in.InstanceMarketOptions.SpotOptions
	if err := oneOf("SpotInstanceType", given.SpotInstanceType, "one-time", "persistent"); err != nil {
		return t, err
	}
	if err := oneOf("InstanceInterruptionBehavior", given.InstanceInterruptionBehavior, "hibernate", "stop", "terminate"); err != nil {
		return t, err
	}
	t.Persistent, t.Behavior = given.SpotInstanceType == "persistent", given.InstanceInterruptionBehavior
	if t.Behavior == "" {
		t.Behavior = "terminate"
		if in.HibernationOptions.Configured {
			t.Behavior = "hibernate"
		}
	}
	switch {
	case in.HibernationOptions.Configured && t.Behavior != "hibernate":
		return t, errCombination("The interruption behavior must be hibernate if hibernation is configured, not %s", t.Behavior)
	case t.Persistent && t.Behavior == "terminate":
		return t, errCombination("A persistent Spot request is only supported with the interruption behavior stop or hibernate")
	case !t.Persistent && t.Behavior != "terminate":
		return t, errCombination("The interruption behavior %s is only supported for persistent Spot requests", t.Behavior)
	case !t.Persistent && given.ValidUntil != "":
		return t, errCombination("ValidUntil is only supported for persistent Spot requests")
	}
	until, err := readTime("ValidUntil", given.ValidUntil)
	if err != nil {
		return t, err
	}
	if until != nil {
		if !until.After(now) {
			return t, errValue("The time %s given as ValidUntil is not in the future", given.ValidUntil)
		}
		t.ValidUntil = *until
	}
	t.MaxPrice, err = readPrice(given.MaxPrice)
	return t, err
}

// readPrice reads a price in USD; none is 0.
func readPrice(text string) (micro int64, err error) {
	if text == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xXpP_iInN") || f > 1e6 {
		return 0, errValue("The price '%s' is invalid", text)
	}
	micro = int64(f*1e6 + 0.5)
	if micro <= leastSpotPrice {
		return 0, errValue("The maximum price '%s' must be more than USD 0.001", text)
	}
	return micro, nil
}

// checkSpotPrice refuses a launch below the Spot price, and one of a type that
// is not known to be sold as Spot.
func checkSpotPrice(region, instanceType string, t spotTerms) error {
	o, _ := catalog.Offered(region, instanceType)
	if !o.Spot.Known() {
		return wire.Errorf("Unsupported", "No Spot price is known of %s in %s: this cloud does not sell it as Spot.", instanceType, region)
	}
	if t.MaxPrice > 0 && t.MaxPrice < o.Spot.MicroUSD {
		return wire.Errorf("SpotMaxPriceTooLow", "Your Spot request price of %s is lower than the minimum required Spot request fulfillment price of %s.",
			dollars(t.MaxPrice), dollars(o.Spot.MicroUSD))
	}
	return nil
}
