package reap

import (
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
)

// free is what costs nothing while it is there: security groups, VPCs with their
// subnets and gateways, and what IAM keeps. A schedule costs nothing either until
// it calls, and the few calls of one are far within what is free.
//
// https://aws.amazon.com/vpc/pricing/
// https://aws.amazon.com/iam/pricing/
// https://aws.amazon.com/eventbridge/pricing/
var free = price.Sum().Over(price.Month)

// ofInstance is what an instance costs a month in the state that it is in.
func (s Scope) ofInstance(in instance.Instance, volumes []price.Volume) price.Cost {
	compute := price.OnDemand(s.Region, in.Type)
	if in.Market == lifecycle.Spot {
		compute = price.Spot(s.Region, in.Type)
	}
	return price.Resources{
		Region: s.Region, Type: in.Type, Compute: compute, PaidAhead: in.Market == lifecycle.CapacityBlock,
		Volumes: volumes, PublicIPv4: in.PublicIP != "",
	}.InState(in.State).Over(price.Month)
}

// ofVolume is what a volume costs a month.
func (s Scope) ofVolume(v price.Volume) price.Cost {
	return price.Resources{Region: s.Region, Volumes: []price.Volume{v}}.Bill().Disk.Over(price.Month)
}

// ofInterface is what a network interface costs a month: its public address.
func ofInterface(public bool) price.Cost {
	if public {
		return price.PublicIPv4().Over(price.Month)
	}
	return free
}

// Monthly is what items cost together.
func Monthly(items []Item) price.Cost {
	sum := free
	for _, i := range items {
		sum = sum.Add(i.Monthly)
	}
	return sum
}
