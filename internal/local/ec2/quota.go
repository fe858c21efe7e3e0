package ec2

import (
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/quotas"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Quotas are what launches and starts are held to.
type Quotas interface {
	// VCPUs is how many vCPUs the quota with a code, as quotas.Code names it, lets
	// run at once in a region.
	VCPUs(region, code string) float64
}

// demand is what one instance takes of a quota.
type demand struct {
	region, instanceType string
	vcpus                int
	spot                 bool
}

func (i Instance) demand() demand { return demand{i.Region, i.Type, i.VCPUs, i.SpotRequest != ""} }

// vcpusOf is how many vCPUs a type counts for: one where the number is unknown.
func vcpusOf(t catalog.Type) int { return max(1, t.VCPUs) }

// room is how many more instances the quota lets run, up to most. A type that no
// quota is known to hold has room for all.
//
// On-Demand: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits
// Spot: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html
func (s *Service) room(tx *store.Tx, d demand, most int) int {
	code, limited := quotas.Code(d.instanceType, d.spot)
	if !limited {
		return most
	}
	left := int(s.Quotas.VCPUs(d.region, code)) - s.taken(tx, d.region, code, d.spot)
	return max(0, min(most, left/d.vcpus))
}

// taken is how many vCPUs of a quota are in use: by instances from their launch
// until they are stopped or terminated for good and, of Spot, by requests that
// wait for an instance.
func (s *Service) taken(tx *store.Tx, region, code string, spot bool) (vcpus int) {
	holds := map[string]bool{} // by type, of which there are far fewer than instances
	counts := func(instanceType string) bool {
		held, known := holds[instanceType]
		if !known {
			c, limited := quotas.Code(instanceType, spot)
			held = limited && c == code
			holds[instanceType] = held
		}
		return held
	}
	for _, i := range s.instances.All(tx) {
		off := i.State == Stopped || i.State == Terminated
		if i.Region == region && !off && (i.SpotRequest != "") == spot && counts(i.Type) {
			vcpus += i.VCPUs
		}
	}
	if !spot {
		return vcpus
	}
	for _, r := range s.spot.All(tx) {
		if r.Region == region && r.State == spotOpen && counts(r.Launch.InstanceType) {
			t, _ := catalog.Lookup(r.Launch.InstanceType)
			vcpus += vcpusOf(t)
		}
	}
	return vcpus
}

// errQuota is the answer to a launch or start beyond a quota. The words are
// reported of EC2.
//
// https://github.com/scrapoxy/scrapoxy/issues/202
// https://github.com/meadowdata/meadowrun/issues/84
func (s *Service) errQuota(d demand) error {
	if d.spot {
		return wire.Errorf("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
	}
	code, _ := quotas.Code(d.instanceType, false)
	return wire.Errorf("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of %.0f allows for the instance bucket "+
		"that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
		s.Quotas.VCPUs(d.region, code))
}
