package status

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/term"
)

// volumes are the instance's, to be counted. Without them the rest is still
// worth showing, so a failure is told among the problems.
func (o *Options) volumes(ctx context.Context, target *awsx.Target, r *report, in instance.Instance) []price.Volume {
	found, err := instance.Volumes(ctx, target.EC2(), in.ID)
	switch {
	case awserr.IsDenied(err):
		r.Problems = append(r.Problems, "what its disk costs is unknown: the permission ec2:DescribeVolumes is missing")
	case err != nil:
		r.Problems = append(r.Problems, awsx.Explain(err).Error())
	}
	var all []price.Volume
	for _, v := range found {
		all = append(all, price.Volume{Type: v.Type, SizeGiB: v.SizeGiB})
	}
	return all
}

// addBill counts all parts: now, since the last start, and until the deadline if
// the instance runs until then.
func (r *report) addBill(region string, in instance.Instance, volumes []price.Volume, now time.Time) {
	b := price.Resources{
		Region: region, Type: in.Type, Compute: r.hourly, PaidAhead: in.Market == lifecycle.CapacityBlock,
		Volumes: volumes, PublicIPv4: in.PublicIP != "",
	}.Bill()
	r.Costs = &b
	if in.State != lifecycle.StateRunning {
		return
	}
	r.TotalSoFar = b.Over(now.Sub(in.Launched))
	if !r.deadline.IsZero() {
		r.TotalAtMost = b.Over(r.deadline.Time().Sub(in.Launched))
	}
}

// costLines say what the instance costs, in total, and by which prices.
func costLines(r report) [][2]string {
	b := r.Costs
	if b == nil {
		return [][2]string{{"cost", "nothing any more"}}
	}
	lines := [][2]string{{"cost", term.Costs(*b)}}
	if r.State == lifecycle.StateRunning {
		lines = append(lines, [2]string{"total", fmt.Sprintf("%s since its last start, %s until the deadline if it runs on", r.TotalSoFar, r.TotalAtMost)})
	}
	for _, part := range term.CostParts(*b) {
		lines = append(lines, [2]string{"price", part})
	}
	if r.Market == lifecycle.Spot && r.hourly.Known() {
		lines = append(lines, [2]string{"price", "as Spot the compute is the region's average, not what this zone asks"})
	}
	if more := term.CostsOnTop(*b); more != "" {
		lines = append(lines, [2]string{"more", more})
	}
	return lines
}
