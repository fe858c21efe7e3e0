package launch

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// leastSpotPrice is what EC2 wants a maximum price to be more than, in USD an
// hour.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotMarketOptions.html
const leastSpotPrice = 0.001

// buy decides how the candidate is bought: as the user says, else as its
// reservation needs, else as the offer says.
func (c *Candidate) buy(s Spec, o offer.Offer) error {
	block := c.Reservation != nil && c.Reservation.Block
	switch {
	case block && s.Market != "":
		return problem.New(problem.Usage, "%s is a Capacity Block, which was paid for in advance: it is neither on demand nor Spot", c.Reservation.ID).
			WithNext("leave out --%s", s.Market)
	case block:
		c.Market = lifecycle.CapacityBlock
	case s.Market != "":
		c.Market = s.Market
	case o.WantsSpot() && c.Reservation == nil:
		c.Market = lifecycle.Spot
	default:
		c.Market = lifecycle.OnDemand
	}
	if s.SpotMaxPrice == "" {
		return nil
	}
	if c.Market != lifecycle.Spot {
		return problem.New(problem.Usage, "--spot-max-price is for Spot, and this would be bought %s", inMarket(c.Market)).WithNext("add --spot")
	}
	most, err := parseUSD("--spot-max-price", s.SpotMaxPrice, leastSpotPrice)
	c.SpotMaxPrice = strconv.FormatFloat(most, 'f', -1, 64)
	return err
}

// persist makes a Spot request persistent where the instance is to stop or to
// hibernate: a one-time one's can do neither. EC2 then does the same when it
// takes the instance back.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interruption-behavior.html
func (c *Candidate) persist(s Spec, idle lifecycle.IdlePolicy) {
	switch {
	case c.Market != lifecycle.Spot:
	case s.Hibernate || idle.Does() == lifecycle.Hibernate:
		c.Interruption = types.InstanceInterruptionBehaviorHibernate
	case idle.Does() == lifecycle.Stop:
		c.Interruption = types.InstanceInterruptionBehaviorStop
	}
}

func inMarket(m lifecycle.Market) string {
	if m == lifecycle.OnDemand {
		return "on demand"
	}
	return "as " + string(m)
}

// maxUSD is beyond what anything in EC2 costs an hour.
const maxUSD = 1e6

// parseUSD reads an amount of USD an hour that a person wrote, more than least:
// digits with at most one point.
func parseUSD(flag, text string, least float64) (float64, error) {
	amount, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.") != "" || amount <= least || amount > maxUSD {
		return 0, problem.New(problem.Usage, "%s %s is not a price in USD an hour above %g", flag, clip(text), least).
			WithNext("write it like %s 0.10", flag)
	}
	return amount, nil
}

// priceOf is what the offer costs in a market: by what the offer says, else by
// the built-in catalog. A Capacity Block was paid for in advance, and what it
// cost is not known here.
func priceOf(o offer.Offer, m lifecycle.Market, region string) price.Price {
	const unnamed = "the offer, which names no source"
	switch {
	case m == lifecycle.CapacityBlock:
		return price.Price{}
	case m == lifecycle.Spot && o.SpotPrice != nil:
		source, asOf := o.SpotSource()
		p := price.FromUSD(*o.SpotPrice, firstOf(source, unnamed), firstOf(asOf, "of unknown date"))
		// What the finder took from the catalog is an average there too.
		average := price.Spot(region, o.InstanceType)
		p.Estimated = average.Known() && strings.HasSuffix(source, average.Source)
		return p
	case m == lifecycle.Spot:
		return price.Spot(region, o.InstanceType)
	case o.OnDemandPrice != nil && o.PriceSource != "":
		source, asOf, estimated := o.OnDemandSource()
		p := price.FromUSD(*o.OnDemandPrice, firstOf(source, unnamed), firstOf(asOf, "of unknown date"))
		p.Estimated = estimated
		return p
	default:
		return price.OnDemand(region, o.InstanceType)
	}
}

// checkPrices holds the first candidate against the prices that the user
// allowed, and returns what another one may cost.
func (p *Plan) checkPrices(s Spec) (most price.Price, err error) {
	first := p.First()
	if first.SpotMaxPrice != "" && first.Price.Known() {
		limit, err := parseUSD("--spot-max-price", s.SpotMaxPrice, leastSpotPrice)
		if err != nil {
			return most, err
		}
		if limit < *first.Price.USD() {
			p.Notes = append(p.Notes, fmt.Sprintf("--spot-max-price %s is below the Spot price that is known, %s (%s, %s): EC2 may refuse",
				first.SpotMaxPrice, first.Price.Dollars(), first.Price.Source, first.Price.AsOf))
		}
	}
	if s.MaxPrice == "" {
		return first.Price, nil
	}
	limit, err := parseUSD("--max-price", s.MaxPrice, 0)
	if err != nil {
		return most, err
	}
	most = price.FromUSD(limit, "--max-price", "")
	switch {
	case !first.Price.Known():
		return most, problem.New(problem.Usage, "what %s costs in %s is unknown, so --max-price %s cannot be held", first, p.Region, s.MaxPrice).
			WithNext("leave out --max-price, or offer something whose price is known")
	case first.Price.Cmp(most) > 0:
		return most, problem.New(problem.Usage, "%s costs %s an hour (%s, %s), more than --max-price %s", first, first.Price.Dollars(), first.Price.Source, first.Price.AsOf, s.MaxPrice).
			WithNext("allow more, or search for something cheaper: truffle search")
	}
	return most, nil
}
