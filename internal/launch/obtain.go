package launch

import (
	"context"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// try is a candidate in one of its zones, or wherever EC2 puts it.
type try struct {
	Candidate
	zone string
}

func (t try) String() string {
	if t.zone == "" {
		return t.Candidate.String()
	}
	return t.Candidate.String() + ", " + t.zone
}

// tries are all that may be asked for, in order: every zone of a candidate
// before the next candidate.
func (p Plan) tries() []try {
	var all []try
	for _, c := range p.Candidates {
		if len(c.Zones) == 0 {
			all = append(all, try{c, ""})
		}
		for _, zone := range c.Zones {
			all = append(all, try{c, zone})
		}
	}
	return all
}

// obtain asks for one candidate after the other until an instance runs. Only a
// lack of capacity leads to the next one, as an attempt with a token of its own:
// the same token in another zone would be a second instance.
func (r *running) obtain(ctx context.Context, have prepared) (instance.Instance, attempt, error) {
	all, err := have.within(r.plan.tries())
	if err != nil {
		return instance.Instance{}, attempt{}, err
	}
	for i, t := range all {
		in, a, err := r.attempt(ctx, i+1, t, have)
		if err == nil {
			return in, a, nil
		}
		if !lacksCapacity(err) {
			return in, a, err
		}
		if i == len(all)-1 {
			return in, a, r.noneLeft(all, err)
		}
		r.emit(Noted{fmt.Sprintf("no capacity for %s (%s); next: %s", t, shortly(err), all[i+1])})
	}
	return instance.Instance{}, attempt{}, problem.New(problem.Failed, "the plan has no candidate")
}

// attempt asks for one candidate and waits until its instance runs.
func (r *running) attempt(ctx context.Context, number int, t try, have prepared) (in instance.Instance, a attempt, err error) {
	if _, there := have.agents[t.Architecture]; !there {
		err = r.step(StepAgent, func() (detail string, err error) {
			have.agents[t.Architecture], detail, err = r.agent(ctx, have.who, t.Candidate)
			return detail, err
		})
		if err != nil {
			return in, a, err
		}
	}
	if a, err = r.plan.freeze(number, t.Candidate, t.zone, have, r.Endpoint); err != nil {
		return in, a, err
	}
	id, err := r.request(ctx, a)
	if err != nil {
		return in, a, err
	}
	in, err = r.boot(ctx, id)
	return in, a, err
}

// lacksCapacity tells that EC2 does not give this here and now, whether it
// refused or took its promise back.
func lacksCapacity(err error) bool {
	return awserr.IsNoCapacity(err) || problem.KindOf(err) == problem.NoCapacity
}

// shortly is the reason in a word.
func shortly(err error) string {
	if code := awserr.Code(err); code != "" {
		return code
	}
	return err.Error()
}

// noneLeft is the last refusal with what the user can do about it.
func (r *running) noneLeft(all []try, err error) error {
	last := all[len(all)-1]
	e := problem.New(problem.NoCapacity, "%w", err)
	if len(all) > 1 {
		e = problem.New(problem.NoCapacity, "none of the %d tried had capacity; the last one, %s: %w", len(all), last, err)
	}
	switch code := awserr.Code(err); {
	case code == "SpotMaxPriceTooLow":
		return e.WithNext("raise --spot-max-price, or leave it out to pay up to the on-demand price")
	case code == "MaxSpotInstanceCountExceeded" || code == "VcpuLimitExceeded" || code == "InstanceLimitExceeded":
		return e.WithNext("the account's quota is used up: end an instance, or ask for a higher quota of EC2 at Service Quotas")
	case last.Reservation != nil:
		return e.WithNext("see what is free: truffle capacity --available-only")
	case last.Market == lifecycle.Spot:
		return e.WithNext("try another zone or type (truffle spot %s), or --on-demand", last.Type.Name)
	default:
		return e.WithNext("try another zone, region or type; truffle finds candidates")
	}
}
