package price

import "github.com/spawn-ec2/spawn/internal/lifecycle"

// Resources are what an instance is billed for.
type Resources struct {
	Region      string
	Type        string   // the instance type, for its CPU credits; "" counts none
	Compute     Price    // on-demand or Spot, whichever it runs as
	PaidAhead   bool     // the compute was paid for in advance, as a Capacity Block is
	Volumes     []Volume // all of them; none: VolumeGiB counts
	VolumeGiB   int      // all gp3 volumes together; 0 is unknown, since no instance here is without a root volume
	PublicIPv4  bool
	Hibernating bool // what stops it is hibernation
}

// InState is what an instance costs per hour in a state. Compute and its public
// address are billed while it runs (and on the way into hibernation), volumes
// until it is gone. A hibernated instance is a stopped one, with its memory on
// the volume that is paid for anyway. In an unknown state it is unknown.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
func (r Resources) InState(state lifecycle.State) Price {
	b := r.Bill()
	switch state {
	case lifecycle.StateRunning:
		return b.Running()
	case lifecycle.StateStopping:
		if r.Hibernating {
			return b.Running()
		}
		return b.Stopped()
	case lifecycle.StatePending:
		return Sum(b.Disk, b.Address)
	case lifecycle.StateStopped, lifecycle.StateShuttingDown:
		return b.Stopped()
	case lifecycle.StateTerminated:
		return Sum()
	default:
		return Price{}
	}
}

const (
	// USD per hour for a public IPv4 address, in every region.
	// https://aws.amazon.com/vpc/pricing/
	publicIPv4PerHour = 0.005
	publicIPv4Source  = "AWS VPC list price since public IPv4 addresses are billed"
	publicIPv4AsOf    = "2024-02-01"

	gp3Source = "AWS EBS list price since the release of gp3"
	gp3AsOf   = "2020-12-01"
	gp2Source = "AWS EBS list price beside that of gp3"
)

// perGBMonth is the list price of a volume in USD per GB-month, of gp3 with the
// 3,000 IOPS and 125 MB/s that are included. Regions that are not here are
// unknown: no source was at hand that tells them.
//
// https://docs.aws.amazon.com/prescriptive-guidance/latest/optimize-costs-microsoft-workloads/ebs-migrate-gp2-gp3.html
func perGBMonth(region string) (gp3, gp2 float64) {
	switch region {
	case "us-east-1":
		return 0.08, 0.10
	default:
		return 0, 0
	}
}

// PublicIPv4 is the price of a public IPv4 address that an instance uses.
func PublicIPv4() Price { return FromUSD(publicIPv4PerHour, publicIPv4Source, publicIPv4AsOf) }

// GP3 is the price of gp3 volumes of that size together. It is unknown when the
// size is, or the region's price.
func GP3(region string, gib int) Price {
	gp3, _ := perGBMonth(region)
	return monthly(gp3, gib, gp3Source)
}

// GP2 is the price of gp2 volumes of that size together, as GP3 is.
func GP2(region string, gib int) Price {
	_, gp2 := perGBMonth(region)
	return monthly(gp2, gib, gp2Source)
}

// monthly is a price by the GB-month as one by the hour.
func monthly(perGB float64, gib int, source string) Price {
	if gib <= 0 {
		return Price{}
	}
	return FromUSD(perGB*float64(gib)/Month.Hours(), source, gp3AsOf)
}
