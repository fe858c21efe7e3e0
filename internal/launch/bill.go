package launch

import (
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
)

// Bill is what the candidate costs in a region, with a public IPv4 address or
// without. The disk's price is an estimate where the image's size is our
// table's word, and unknown where nobody tells the size.
func (c Candidate) Bill(region string, publicIPv4 bool) price.Bill {
	gib, assumed := c.RootGiB()
	volumes := []price.Volume{{Type: string(c.Volume.Type), SizeGiB: gib, Assumed: assumed}}
	for _, d := range c.Image.Others {
		volumes = append(volumes, price.Volume{Type: d.Type, SizeGiB: d.SizeGiB})
	}
	return price.Resources{
		Region: region, Type: c.Type.Name, Compute: c.Price, PaidAhead: c.Market == lifecycle.CapacityBlock,
		Volumes: volumes, PublicIPv4: publicIPv4,
	}.Bill()
}
