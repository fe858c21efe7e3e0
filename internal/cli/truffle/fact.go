package truffle

import (
	"fmt"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/term"
)

// The facts of which a comparison marks the cheapest.
const (
	onDemandFact = "on demand, $/h"
	spotFact     = "Spot, $/h"
)

// fact is a thing that is known about a type, for eyes.
type fact struct {
	name  string
	value string
	more  string // what a description says beside it
	wide  bool   // in a comparison only when asked for
}

// typeFacts are those that are the same in every region.
func typeFacts(d find.Description) []fact {
	t := d.Type
	return []fact{
		{name: "vCPUs", value: term.Count(t.VCPUs)},
		{name: "memory", value: term.Memory(t.MemoryMiB)},
		{name: "architecture", value: term.Or(strings.Join(t.Architectures.Names(), ", "))},
		{name: "processor", value: term.Or(string(d.Processor))},
		{name: "accelerators", value: accelerators(t)},
		{name: "their memory", value: acceleratorMemory(t)},
		{name: "network", value: network(t)},
		{name: "network, always", value: megabits(t.NetworkMbps)},
		{name: "EBS, at most", value: ebs(t)},
		{name: "local disk", value: localDisk(t)},
		{name: "hibernation", value: t.Hibernation.String(), more: d.HibernationWhy},
		{name: "burstable", value: unlessNameOnly(t, t.Burstable)},
		{name: "bare metal", value: unlessNameOnly(t, t.BareMetal)},
		{name: "previous generation", value: unlessNameOnly(t, t.Previous)},
		{name: "specified by", value: specified(t), wide: true},
	}
}

// regionFacts are those of the type in a region.
func regionFacts(d find.Description) []fact {
	return []fact{
		{name: "zones", value: term.Or(strings.Join(d.Zones, " ")), wide: true},
		{name: "smaller", value: sibling(d.Smaller), wide: true},
		{name: "bigger", value: sibling(d.Bigger), wide: true},
		{name: onDemandFact, value: d.OnDemand.String()},
		{name: "on-demand price of", value: term.Provenance(d.OnDemand), wide: true},
		{name: spotFact, value: d.Spot.String()},
		{name: "Spot price of", value: term.Provenance(d.Spot), wide: true},
		{name: "Spot interrupted", value: d.Interruption.String()},
		{name: "your quota, on demand", value: quota(d.Quota), wide: true},
		{name: "your quota, Spot", value: quota(d.SpotQuota), wide: true},
		{name: "running, a month", value: month(d.Costs.Running)},
		{name: "running as Spot, a month", value: month(d.Costs.RunningSpot)},
		{name: "stopped, a month", value: month(d.Costs.Stopped)},
		{name: "hibernated, a month", value: hibernated(d)},
	}
}

// quota says what may run at once.
func quota(q find.Quota) string {
	if !q.Known {
		return term.Unknown
	}
	if q.Fit == nil {
		return fmt.Sprintf("%d vCPUs at once", q.VCPUs)
	}
	return fmt.Sprintf("%d vCPUs at once, room for %d of these if nothing else runs", q.VCPUs, *q.Fit)
}

func month(p price.Price) string { return p.Over(find.Month).String() }

func hibernated(d find.Description) string {
	if d.Type.Hibernation == catalog.No {
		return none
	}
	return month(d.Costs.Hibernated)
}

func sibling(name string) string {
	if name == "" {
		return none
	}
	return name
}

func acceleratorMemory(t catalog.Type) string {
	if t.Origin != catalog.NameOnly && t.Accelerators.Count == 0 {
		return none
	}
	return term.Memory(t.Accelerators.MemoryMiB)
}

func megabits(mbps int) string {
	if mbps == 0 {
		return term.Unknown
	}
	return gbps(mbps)
}

// unlessNameOnly: of a type of which only the name is known, a no is not known.
func unlessNameOnly(t catalog.Type, yes bool) string {
	switch {
	case yes:
		return "yes"
	case t.Origin == catalog.NameOnly:
		return term.Unknown
	default:
		return "no"
	}
}

// specified says where the numbers of a type come from.
func specified(t catalog.Type) string {
	how := map[catalog.Origin]string{
		catalog.Listed:   "",
		catalog.Reviewed: ", and looked up by hand",
		catalog.Derived:  ", and derived from its family and size",
		catalog.NameOnly: ", only its name",
	}
	return fmt.Sprintf("%s, %s%s", t.Source.Name, t.Source.AsOf, how[t.Origin])
}

// assumptions say what monthly costs are reckoned with.
func assumptions(all []find.Description) []string {
	notes := []string{fmt.Sprintf("a month is %.0f hours; costs are with a root volume of %d GiB gp3 (and the memory's size more to hibernate) and, while it runs, a public IPv4 address; >= is without a part whose price is unknown",
		find.Month.Hours(), find.AssumedDiskGiB)}
	for _, d := range all {
		if d.Type.Burstable {
			return append(notes, "burstable types can cost more: CPU credits beyond the baseline are not in these prices")
		}
	}
	return notes
}

// description is what programs get: an offer, and all that it leaves out. What
// is unknown is null, or an empty text.
type description struct {
	offer.Offer
	Architectures     []string     `json:"architectures"`
	Processor         string       `json:"processor"`
	Accelerators      *int         `json:"accelerators"`
	AcceleratorModel  string       `json:"accelerator_model"`
	AcceleratorMiB    *int         `json:"accelerator_memory_mib"`
	Network           string       `json:"network"`
	NetworkMbps       *int         `json:"network_mbps"` // all the time
	EBSMbps           *int         `json:"ebs_mbps"`     // at most
	LocalDisk         *bool        `json:"local_disk"`
	LocalDiskGB       *int         `json:"local_disk_gb"`
	HibernationWhy    string       `json:"hibernation_why"`
	Burstable         *bool        `json:"burstable"`
	BareMetal         *bool        `json:"bare_metal"`
	CurrentGeneration *bool        `json:"current_generation"`
	SpecSource        string       `json:"spec_source"`
	SpecAsOf          string       `json:"spec_as_of"`
	Listed            bool         `json:"listed"` // a source has the type in the region
	Zones             []string     `json:"zones"`
	ListedIn          []string     `json:"listed_in"` // regions
	SpotZones         []spotInZone `json:"spot_zones"`
	Interruption      string       `json:"interruption"`
	InterruptionAsOf  string       `json:"interruption_as_of"`
	Smaller           string       `json:"smaller"`
	Bigger            string       `json:"bigger"`
	RunningPerHour    *float64     `json:"running_per_hour"`
	SpotPerHour       *float64     `json:"running_spot_per_hour"`
	StoppedPerHour    *float64     `json:"stopped_per_hour"`
	HibernatedPerHour *float64     `json:"hibernated_per_hour"`
	AssumedDiskGiB    int          `json:"assumed_disk_gib"`
	QuotaVCPUs        *int         `json:"quota_vcpus"`        // the account's, at once
	SpotQuotaVCPUs    *int         `json:"spot_quota_vcpus"`   // the same of Spot
	OnDemandCheapest  bool         `json:"on_demand_cheapest"` // of the types in this answer
	SpotCheapest      bool         `json:"spot_cheapest"`
}

type spotInZone struct {
	Zone  string   `json:"zone"`
	Price *float64 `json:"price"`
	AsOf  string   `json:"as_of"`
}

func describe(d find.Description) description {
	t := d.Type
	out := description{
		Offer: d.Offer(), Architectures: t.Architectures.Names(), Processor: string(d.Processor),
		AcceleratorModel: t.Accelerators.Model, AcceleratorMiB: positive(t.Accelerators.MemoryMiB),
		Network: t.Network, NetworkMbps: positive(t.NetworkMbps), EBSMbps: positive(t.EBSMbps),
		LocalDisk: yesNo(t.LocalDisk), LocalDiskGB: positive(t.LocalDiskGB),
		HibernationWhy: d.HibernationWhy,
		Burstable:      flagOf(t, t.Burstable), BareMetal: flagOf(t, t.BareMetal), CurrentGeneration: inverse(flagOf(t, t.Previous)),
		SpecSource: specified(t), SpecAsOf: t.Source.AsOf,
		Listed: d.Confirmed, Zones: d.Zones, ListedIn: d.ListedIn,
		InterruptionAsOf: d.InterruptedSource.AsOf, Smaller: d.Smaller, Bigger: d.Bigger,
		RunningPerHour: d.Costs.Running.USD(), SpotPerHour: d.Costs.RunningSpot.USD(),
		StoppedPerHour: d.Costs.Stopped.USD(), HibernatedPerHour: d.Costs.Hibernated.USD(),
		AssumedDiskGiB: find.AssumedDiskGiB, OnDemandCheapest: d.OnDemandCheapest, SpotCheapest: d.SpotCheapest,
	}
	if t.Origin != catalog.NameOnly {
		out.Accelerators = &t.Accelerators.Count
	}
	if d.Interruption != catalog.InterruptionUnknown {
		out.Interruption = d.Interruption.String()
	}
	out.QuotaVCPUs, out.SpotQuotaVCPUs = quotaVCPUs(d.Quota), quotaVCPUs(d.SpotQuota)
	for _, z := range d.SpotZones {
		out.SpotZones = append(out.SpotZones, spotInZone{z.Zone, z.Price.USD(), z.Price.AsOf})
	}
	return out
}

// quotaVCPUs is nil where the quota is unknown; zero is a quota.
func quotaVCPUs(q find.Quota) *int {
	if !q.Known {
		return nil
	}
	return &q.VCPUs
}

// positive is nil for the zero with which the catalog says unknown, or none.
func positive(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func yesNo(a catalog.Answer) *bool {
	if a == catalog.Unknown {
		return nil
	}
	yes := a == catalog.Yes
	return &yes
}

func flagOf(t catalog.Type, yes bool) *bool {
	if !yes && t.Origin == catalog.NameOnly {
		return nil
	}
	return &yes
}

func inverse(yes *bool) *bool {
	if yes == nil {
		return nil
	}
	no := !*yes
	return &no
}
