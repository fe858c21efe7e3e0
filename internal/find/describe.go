package find

import (
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Description is everything that is known about a type in a region.
type Description struct {
	Row
	Processor Processor // "" is unknown
	ListedIn  []string  // regions in which the catalog's sources list the type; none is unknown
	// HibernationWhy says why it can, cannot, or may hibernate.
	HibernationWhy string
	// Smaller and Bigger are the nearest types of the same family in the region;
	// "" when there is none.
	Smaller, Bigger string

	// Quota and SpotQuota are the account's; not Known unless EC2 told them.
	Quota, SpotQuota Quota

	Costs             Costs
	OnDemandCheapest  bool // of those described together, as far as is known
	SpotCheapest      bool
	InterruptedSource catalog.Source // of Row.Interruption; empty when that is unknown
}

// Costs are what an instance costs an hour in its states, with the disk and the
// address that AssumedDiskGiB and its comment speak of.
type Costs struct {
	Running     price.Price // on demand
	RunningSpot price.Price
	Stopped     price.Price
	Hibernated  price.Price // unknown when it cannot hibernate
}

// Month is an average month, 8,760 hours divided by twelve, as AWS reckons.
const Month = 730 * time.Hour

// AssumedDiskGiB is the root volume that costs are reckoned with, a gp3 one: the
// size of Amazon Linux 2023's. An instance that hibernates has room for its
// memory on top, and one that runs has a public IPv4 address.
// https://github.com/namecheap/ec2-github-runner/issues/44
const AssumedDiskGiB = 8

// Describe tells everything about types by their exact names, in the order
// given, for each in the regions that have it.
//
// The error is that of Search, or of kind Usage for a pattern.
func Describe(known Known, q Query) ([]Description, Explanation, error) {
	for _, text := range q.Patterns {
		p, err := parsePattern(text)
		if err != nil {
			return nil, Explanation{}, err
		}
		if !p.exact {
			return nil, Explanation{}, problem.New(problem.Usage, "%s is a pattern and not the name of a type", text).
				WithNext("list what matches it: truffle search %s", Quote([]string{text}))
		}
	}
	rows, explanation, err := Search(known, q)
	if err != nil {
		return nil, explanation, err
	}
	var all []Description
	for _, r := range rows {
		d := Description{
			Row: r, Processor: ProcessorOf(r.Type), ListedIn: catalog.OfferedIn(r.Type.Name),
			HibernationWhy: hibernationWhy(r.Type), Costs: costsOf(r),
		}
		d.Smaller, d.Bigger = known.siblings(r)
		d.Quota, d.SpotQuota = known.quotas(r)
		if r.Interruption != catalog.InterruptionUnknown {
			offering, _ := catalog.Offered(r.Region, r.Type.Name)
			d.InterruptedSource = offering.Spot.Source
		}
		all = append(all, d)
	}
	markCheapest(all)
	return all, explanation, nil
}

func markCheapest(all []Description) {
	onDemand := slices.MinFunc(all, func(a, b Description) int { return a.OnDemand.Cmp(b.OnDemand) }).OnDemand
	spot := slices.MinFunc(all, func(a, b Description) int { return a.Spot.Cmp(b.Spot) }).Spot
	for i, d := range all {
		all[i].OnDemandCheapest = onDemand.Known() && d.OnDemand.Cmp(onDemand) == 0
		all[i].SpotCheapest = spot.Known() && d.Spot.Cmp(spot) == 0
	}
}

// hibernatesBelowMiB is the memory from which on Linux cannot hibernate.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
const hibernatesBelowMiB = 150 * 1024

func hibernationWhy(t catalog.Type) string {
	switch {
	case t.Hibernation == catalog.Yes:
		return "if launched for it, with an encrypted root volume that has room for the memory"
	case t.Hibernation == catalog.Unknown:
		return "no source tells whether EC2 lists its family"
	case t.BareMetal:
		return "bare metal cannot"
	case t.MemoryMiB >= hibernatesBelowMiB:
		return "only types with less than 150 GiB of memory can, under Linux"
	default:
		return "EC2 does not list it among those that can"
	}
}

func costsOf(r Row) Costs {
	resources := price.Resources{Region: r.Region, VolumeGiB: AssumedDiskGiB, PublicIPv4: true}
	running := func(compute price.Price) price.Price {
		if !compute.Known() {
			return price.Price{} // disk and address alone would say too little
		}
		resources.Compute = compute
		return resources.InState(lifecycle.StateRunning)
	}
	costs := Costs{Running: running(r.OnDemand), RunningSpot: running(r.Spot), Stopped: resources.InState(lifecycle.StateStopped)}
	if r.Type.Hibernation == catalog.Yes && r.Type.MemoryMiB > 0 {
		resources.VolumeGiB += (r.Type.MemoryMiB + 1023) / 1024
		costs.Hibernated = resources.InState(lifecycle.StateStopped)
	}
	return costs
}

// siblings are the next smaller and the next bigger type of the family in the
// region, bare metal apart.
func (k Known) siblings(r Row) (smaller, bigger string) {
	var family []catalog.Type
	inFamily := r.Type.Family() + "."
	for _, t := range k.matching(pattern{matches: func(name string) bool { return strings.HasPrefix(name, inFamily) }}) {
		if t.BareMetal != r.Type.BareMetal {
			continue
		}
		if _, offered := k.Row(r.Region, t); offered {
			family = append(family, t)
		}
	}
	i := slices.IndexFunc(family, func(t catalog.Type) bool { return t.Name == r.Type.Name })
	if i > 0 {
		smaller = family[i-1].Name
	}
	if i >= 0 && i+1 < len(family) {
		bigger = family[i+1].Name
	}
	return smaller, bigger
}
