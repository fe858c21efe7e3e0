package price

import (
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// Month is an average month: what prices by the month are divided by.
const Month = 365 * 24 * time.Hour / 12

// Bill is what an instance costs, part by part, each with its own source. A
// part that is not known stays unknown, and what is summed up over it is "at
// least" the rest. A part that there is not costs nothing.
type Bill struct {
	Compute Price // in its market, while it runs; nothing for what was paid for in advance
	Disk    Price // all volumes, until they are gone
	Address Price // the public IPv4 address, while it runs

	// Credits are what unlimited CPU credits may add at most while it runs, if
	// every vCPU is busy all the time. They are in no sum: most instances use
	// none. It is nothing where there are no such credits.
	Credits Price

	PaidAhead bool // the compute was paid for in advance
}

// Part is a part of a bill by its name.
type Part struct {
	Name  string
	Price Price
}

// Parts are what is summed up, in order, without those that there are not.
func (b Bill) Parts() []Part {
	var parts []Part
	for _, p := range []Part{{"compute", b.Compute}, {"disk", b.Disk}, {"public IPv4", b.Address}} {
		if !p.Price.nothing() {
			parts = append(parts, p)
		}
	}
	return parts
}

// Unknown are the names of the parts whose price is not known.
func (b Bill) Unknown() []string {
	var names []string
	for _, p := range b.Parts() {
		if !p.Price.Known() {
			names = append(names, p.Name)
		}
	}
	return names
}

// HasCredits tells that CPU credits may come on top.
func (b Bill) HasCredits() bool { return !b.Credits.nothing() }

// Running is the price while the instance runs.
func (b Bill) Running() Price { return Sum(b.Compute, b.Disk, b.Address) }

// Stopped is the price while it is stopped or hibernated: its disk's alone.
func (b Bill) Stopped() Price { return b.Disk }

// Over is what the instance costs if it runs for that long.
func (b Bill) Over(d time.Duration) Cost { return b.Running().Over(d) }

// nothing tells that there is no such part.
func (p Price) nothing() bool { return p.known && p.micro == 0 && !p.atLeast }

// Bill is what the resources cost.
func (r Resources) Bill() Bill {
	b := Bill{Compute: r.Compute, Disk: r.disk(), Address: Sum(), Credits: Credits(r.Type), PaidAhead: r.PaidAhead}
	if r.PaidAhead {
		b.Compute = Sum()
	}
	if r.PublicIPv4 {
		b.Address = PublicIPv4()
	}
	return b
}

func (r Resources) disk() Price {
	if len(r.Volumes) == 0 {
		return GP3(r.Region, r.VolumeGiB)
	}
	var prices []Price
	for _, v := range r.Volumes {
		prices = append(prices, v.price(r.Region))
	}
	return Sum(prices...)
}

// Volume is an EBS volume.
type Volume struct {
	Type    string // gp3, gp2; of others the price is unknown
	SizeGiB int    // 0 is unknown
	Assumed bool   // nobody asked EC2 for the size: the price is an estimate
}

func (v Volume) price(region string) Price {
	var p Price
	switch v.Type {
	case "gp3":
		p = GP3(region, v.SizeGiB)
	case "gp2":
		p = GP2(region, v.SizeGiB)
	}
	p.Estimated = p.known && v.Assumed
	return p
}

const (
	// USD per vCPU-hour that an instance with unlimited CPU credits uses beyond
	// its baseline, on Linux, in every region and market.
	// https://aws.amazon.com/ec2/pricing/on-demand/#T2.2FT3.2FT4g_Unlimited_Mode_Pricing
	// https://aws.amazon.com/blogs/aws/new-t3-instances-burstable-cost-effective-performance/
	creditsPerVCPUHour    = 0.05
	creditsPerVCPUHourT4g = 0.04
	creditsSource         = "AWS EC2 list price of unlimited CPU credits"
	creditsAsOf           = "2020-09-10" // when the youngest of these families was released, T4g
)

// Credits are what unlimited CPU credits of a type may add per hour at most:
// its vCPUs, all busy, without the baseline that is included. T3, T3a and T4g
// have unlimited credits unless the account's default says otherwise. spawn
// leaves them so and names them. The other choice, standard, would be a
// surprise of another kind: these families get no credits at their launch, so
// an instance would boot, and set itself up, at a tenth or so of its speed. For
// other types it is nothing.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-how-to.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-standard-mode-concepts.html
func Credits(instanceType string) Price {
	var perVCPU float64
	family, _, _ := strings.Cut(instanceType, ".")
	switch family {
	case "t3", "t3a":
		perVCPU = creditsPerVCPUHour
	case "t4g":
		perVCPU = creditsPerVCPUHourT4g
	default:
		return Sum()
	}
	t, _ := catalog.Lookup(instanceType)
	return FromUSD(perVCPU*float64(t.VCPUs), creditsSource, creditsAsOf)
}
