package launch

import (
	"context"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Quota is how many vCPUs of a candidate's class the account may run at once.
type Quota struct {
	Known bool
	Name  string // as Service Quotas calls it
	VCPUs int
}

// largeLaunch is how many vCPUs a launch may come to without its quota being
// asked for. AWS gives new accounts few more; EC2's refusal tells, too, but only
// after everything else was made.
const largeLaunch = 32

// asksQuota tells whether the quota is worth a call: accelerators, of which a new
// account may run none, and many vCPUs.
//
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
func (p Plan) asksQuota() bool {
	c := p.First()
	if c.Market == lifecycle.CapacityBlock || c.Reservation != nil {
		return false
	}
	return c.Type.Accelerators.Kind != catalog.NoAccelerator || c.Type.VCPUs*p.Count > largeLaunch
}

// checkQuota refuses what no quota allows, before anything is made. What is
// running already is not counted: EC2 knows. Whoever may not read quotas leaves
// it to EC2.
func (r *running) checkQuota(ctx context.Context) error {
	if r.Quota == nil || !r.plan.asksQuota() {
		return nil
	}
	c := r.plan.First()
	quota := r.readQuota(ctx, c)
	least := c.Type.VCPUs
	if r.plan.AllOrNothing {
		least *= r.plan.Count
	}
	if !quota.Known || quota.VCPUs >= least || len(r.plan.Candidates) > 1 {
		return nil
	}
	return problem.New(problem.NoCapacity, "%s needs %d vCPUs, and the account may run %d of %s at once in %s", c, least, quota.VCPUs, quota.Name, r.plan.Region).
		WithNext("ask for a higher quota of EC2 at Service Quotas, which takes AWS hours to days, or launch a smaller type or another region")
}

// readQuota is the candidate's quota, unknown where it cannot be read.
func (r *running) readQuota(ctx context.Context, c Candidate) Quota {
	quota, err := r.Quota(ctx, c)
	if err == nil {
		return quota
	}
	if !awserr.IsDenied(err) {
		r.emit(Noted{"the account's quota is unknown: " + err.Error()})
	}
	return Quota{}
}
