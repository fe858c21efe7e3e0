package launch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// try is a candidate in one of its zones, or wherever EC2 puts it.
type try struct {
	Candidate
	zone string
	left int // how many of the candidate's zones come after it in this round
}

func (t try) String() string {
	if t.zone == "" {
		return t.Candidate.String()
	}
	return t.Candidate.String() + ", " + t.zone
}

// tries are all that may be asked for, in order: every zone of a candidate
// before the next candidate. Of several instances each zone is to get its part,
// and then once more what others had no room for.
func (p Plan) tries() []try {
	var all []try
	for _, c := range p.Candidates {
		if len(c.Zones) == 0 {
			all = append(all, try{c, "", 0})
			continue
		}
		for i, zone := range c.Zones {
			all = append(all, try{c, zone, len(c.Zones) - 1 - i})
		}
		if p.Count > 1 && len(c.Zones) > 1 {
			for _, zone := range c.Zones {
				all = append(all, try{c, zone, 0})
			}
		}
	}
	return all
}

// share is how many instances to ask of a try when so many are wanted still.
func (t try) share(wanted int) int { return (wanted + t.left) / (t.left + 1) }

// obtain asks for one candidate after the other until as many instances run as
// are wanted. Only a lack of capacity leads to the next one, as an attempt with
// a token of its own: the same token in another zone would be a second instance.
// It returns what runs also when that is too little, with why there is no more.
func (r *running) obtain(ctx context.Context, have *prepared) (got []Member, err error) {
	if r.plan.Candidates, err = have.within(r.plan.Candidates); err != nil {
		return nil, err
	}
	all := r.plan.tries()
	full := map[string]bool{} // what had no room in this launch
	for i, t := range all {
		if full[t.String()] {
			continue
		}
		want := t.share(r.plan.Count - len(got))
		var run []Member
		run, err = r.attempt(ctx, t, want, have)
		got = append(got, run...)
		switch {
		case len(got) == r.plan.Count:
			return got, nil
		case err != nil && !lacksCapacity(err):
			return got, err
		case err == nil && len(run) < want:
			err = problem.New(problem.NoCapacity, "EC2 had room for %d of %d", len(run), want)
		}
		if err != nil {
			full[t.String()] = true
			if next := following(all[i+1:], full); next != "" {
				r.emit(Noted{fmt.Sprintf("no capacity for %s (%s); next: %s", t, shortly(err), next)})
			}
		}
	}
	return got, r.noneLeft(all, err)
}

// following names the next try that is not known to be without room.
func following(rest []try, full map[string]bool) string {
	for _, t := range rest {
		if !full[t.String()] {
			return t.String()
		}
	}
	return ""
}

// attempt asks for one candidate and waits until its instances run. Those that
// do run are returned beside the error of those that do not.
func (r *running) attempt(ctx context.Context, t try, share int, have *prepared) ([]Member, error) {
	if _, there := have.agents[t.Architecture]; !there {
		if err := r.step(StepAgent, func() (string, error) { return r.ensureAgentOf(ctx, have, t.Candidate) }); err != nil {
			return nil, err
		}
	}
	made, a, err := r.ask(ctx, t, share, have)
	if err != nil {
		return nil, err
	}
	r.armCloud(ctx, made, a)
	r.postponeJanitors(ctx, have, a)
	return r.await(ctx, made, a)
}

// await follows the new instances until they run, all at once.
func (r *running) await(ctx context.Context, made []types.Instance, a attempt) (got []Member, err error) {
	if !r.plan.Wait {
		for _, m := range made {
			got = append(got, Member{Instance: instance.Read(m), Got: a.candidate, Deadline: a.deadline})
		}
		return got, nil
	}
	err = r.step(StepBoot, func() (string, error) {
		booted, errs := make([]instance.Instance, len(made)), make([]error, len(made))
		var all sync.WaitGroup
		for i, m := range made {
			all.Go(func() { booted[i], errs[i] = r.boot(ctx, aws.ToString(m.InstanceId)) })
		}
		all.Wait()
		var failed error
		for i, in := range booted {
			if errs[i] != nil {
				failed = worse(failed, errs[i])
				continue
			}
			got = append(got, Member{Instance: in, Got: a.candidate, Deadline: a.deadline})
		}
		if failed != nil {
			return "", failed
		}
		return runs(got), nil
	})
	return got, err
}

// worse is the one of two errors that decides: a lack of capacity may be
// answered elsewhere, anything else is not.
func worse(a, b error) error {
	if a == nil || lacksCapacity(a) {
		return b
	}
	return a
}

// runs says what runs where.
func runs(got []Member) string {
	if len(got) == 1 {
		return fmt.Sprintf("%s runs in %s", got[0].Instance.ID, got[0].Instance.Zone)
	}
	zones := map[string]int{}
	for _, m := range got {
		zones[m.Instance.Zone]++
	}
	var places []string
	for _, zone := range slices.Sorted(maps.Keys(zones)) {
		places = append(places, fmt.Sprintf("%s (%d)", zone, zones[zone]))
	}
	return fmt.Sprintf("%d run in %s", len(got), strings.Join(places, ", "))
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
	if len(r.plan.Candidates) > 1 || len(last.Zones) > 1 {
		e = problem.New(problem.NoCapacity, "none of those tried had more capacity; the last one, %s: %w", last, err)
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
