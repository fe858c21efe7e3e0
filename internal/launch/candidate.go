package launch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/agentbin"
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Candidate is what EC2 may be asked for: a type, how it is bought, and where.
type Candidate struct {
	Type         catalog.Type
	Architecture string
	Zones        []string // in order of preference; none leaves it to EC2
	Image        Image
	Agent        agentbin.Build
	Market       lifecycle.Market
	SpotMaxPrice string                             // USD per hour; "": the on-demand price
	Interruption types.InstanceInterruptionBehavior // of a persistent Spot request: stop or hibernate; "": a one-time request
	Reservation  *Reservation                       // nil: none
	Price        price.Price                        // in its market, per hour; unknown for what was paid for in advance

	Volume    Volume // the wish for its root
	Hibernate bool   // it must be able to
}

// String names the candidate for a person.
func (c Candidate) String() string {
	s := c.Type.Name
	if c.Market == lifecycle.Spot {
		s += " as Spot"
	}
	if c.Reservation != nil {
		s += " in " + c.Reservation.ID
	}
	return s
}

// fit finds out what an offer comes to in the plan's region.
func (p Plan) fit(s Spec, o offer.Offer) (Candidate, error) {
	t, known := catalog.Lookup(o.InstanceType)
	if !known {
		return Candidate{}, problem.New(problem.NotFound, "there is no instance type %s", clip(o.InstanceType)).
			WithNext("did you mean %s?", strings.Join(catalog.Nearest(o.InstanceType, 3), ", "))
	}
	if t.Architectures&(catalog.X86|catalog.Arm) == 0 {
		return Candidate{}, problem.New(problem.Usage, "spawn has no image for %s: it needs x86_64 or arm64", t.Name)
	}
	c := Candidate{Type: t, Architecture: t.Architectures.Preferred(), Zones: o.Zones(), Reservation: s.reservation(o)}
	if err := c.equip(s, o, p.Lifetime.TTL); err != nil {
		return Candidate{}, err
	}
	if s.Zone != "" {
		c.Zones = []string{s.Zone}
	}
	for _, zone := range c.Zones {
		if !inRegion(zone, p.Region) {
			return Candidate{}, problem.New(problem.Usage, "%s is not a zone of %s", clip(zone), p.Region).
				WithNext("zones there are called %sa, %[1]sb and so on", p.Region)
		}
	}
	if err := c.buy(s, o); err != nil {
		return Candidate{}, err
	}
	c.persist(s, p.Idle)
	c.Price = priceOf(o, c.Market, p.Region)
	var err error
	c.Agent, err = agentbin.For(c.Architecture)
	return c, err
}

// inRegion tells whether a zone's name can be one of the region's. Which zones
// an account has, only EC2 knows: their letters differ.
func inRegion(zone, region string) bool {
	suffix, begins := strings.CutPrefix(zone, region)
	return begins && suffix != "" && strings.Trim(suffix, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// regionOf is the region of a zone; "" for one that is in no region known.
func regionOf(zone string) string {
	longest := ""
	for _, region := range catalog.Regions() {
		if inRegion(zone, region) && len(region) > len(longest) {
			longest = region
		}
	}
	return longest
}

// addOthers adds the offers that may do instead of the first one: in its
// region, and never dearer, unless the user allowed a price. An unknown price
// could be any price. What is left out is told by reason, once.
func (p *Plan) addOthers(s Spec, most price.Price) {
	reasons := map[string]int{}
	for _, o := range s.Others {
		reason := p.addOther(s, o, most)
		if reason != "" {
			reasons[reason]++
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		p.Notes = append(p.Notes, fmt.Sprintf("of the other offers %d %s", reasons[reason], reason))
	}
}

func (p *Plan) addOther(s Spec, o offer.Offer, most price.Price) (leftOut string) {
	first := p.First()
	if first.Reservation != nil || o.ReservationID != "" {
		return "will not be tried: only a first offer's capacity reservation is used, and by itself"
	}
	if o.Region != "" && o.Region != p.Region {
		return "will not be tried: of another region"
	}
	c, err := p.fit(s, o)
	switch {
	case err != nil:
		return "cannot be launched: " + err.Error()
	case !most.Known():
		return "will not be tried: what the first one costs is unknown (allow a price with --max-price)"
	case !c.Price.Known():
		return "will not be tried: of unknown price"
	case c.Price.Cmp(most) > 0:
		return "will not be tried: dearer (allow a price with --max-price)"
	}
	p.Candidates = append(p.Candidates, c)
	return ""
}
