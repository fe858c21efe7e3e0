package fault

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/quotas"
)

var _ quotas.Rules = (*Set)(nil)

// checkQuota says what is wrong with a rule that sets quotas. One that names no
// quota or region there is would be in force and never apply.
func (r *Rule) checkQuota() error {
	switch {
	case r.NewAccount && (r.Code != "" || r.Value != nil):
		return errors.New("the fault quota takes the values of a new account, or a code with a value, not both")
	case !r.NewAccount && (r.Code == "" || r.Value == nil):
		return errors.New("the fault quota needs a code and a value, or a new account")
	case r.Code != "" && !quotas.Known(r.Code):
		return fmt.Errorf("there is no quota %q: Service Quotas lists those of EC2", r.Code)
	case r.Value != nil && !(*r.Value >= 0 && *r.Value <= math.MaxInt32): // also of a value that is no number
		return fmt.Errorf("a quota is a number of vCPUs, not %g", *r.Value)
	case r.Region != "" && !slices.Contains(catalog.Regions(), r.Region):
		return fmt.Errorf("there is no region %q", r.Region)
	}
	return nil
}

// Quota implements quotas.Rules. Of several rules the newest counts.
func (s *Set) Quota(region, code string) (vcpus float64, asNew, set bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range slices.Backward(s.rules) {
		if e.Kind != Quota || (e.Region != "" && e.Region != region) || (!e.NewAccount && e.Code != code) {
			continue
		}
		e.Hits++
		if e.NewAccount {
			return 0, true, true
		}
		return *e.Value, false, true
	}
	return 0, false, false
}
