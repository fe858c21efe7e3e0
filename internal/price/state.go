package price

import "github.com/spawn-ec2/spawn/internal/lifecycle"

// Resources are what an instance is billed for.
type Resources struct {
	Region      string
	Compute     Price // on-demand or Spot, whichever it runs as
	VolumeGiB   int   // all gp3 volumes together; 0 is unknown, since no instance here is without a root volume
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
	storage := GP3(r.Region, r.VolumeGiB)
	address := Sum()
	if r.PublicIPv4 {
		address = PublicIPv4()
	}
	switch state {
	case lifecycle.StateRunning:
		return Sum(r.Compute, storage, address)
	case lifecycle.StateStopping:
		if r.Hibernating {
			return Sum(r.Compute, storage, address)
		}
		return storage
	case lifecycle.StatePending:
		return Sum(storage, address)
	case lifecycle.StateStopped, lifecycle.StateShuttingDown:
		return storage
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

	// Volumes are priced by the month; an average month has 730 hours.
	hoursPerMonth = 365 * 24 / 12.0

	gp3Source = "AWS EBS list price since the release of gp3"
	gp3AsOf   = "2020-12-01"
)

// gp3PerGBMonth is the list price of a gp3 volume with its included 3,000 IOPS
// and 125 MB/s, in USD per GB-month. Regions that are not here are unknown: no
// source was at hand that tells them.
// https://docs.aws.amazon.com/prescriptive-guidance/latest/optimize-costs-microsoft-workloads/ebs-migrate-gp2-gp3.html
func gp3PerGBMonth(region string) (float64, bool) {
	switch region {
	case "us-east-1":
		return 0.08, true
	default:
		return 0, false
	}
}

// PublicIPv4 is the price of a public IPv4 address that an instance uses.
func PublicIPv4() Price { return FromUSD(publicIPv4PerHour, publicIPv4Source, publicIPv4AsOf) }

// GP3 is the price of gp3 volumes of that size together. It is unknown when the
// size is, or the region's price.
func GP3(region string, gib int) Price {
	perGBMonth, ok := gp3PerGBMonth(region)
	if !ok || gib <= 0 {
		return Price{}
	}
	return FromUSD(perGBMonth*float64(gib)/hoursPerMonth, gp3Source, gp3AsOf)
}
