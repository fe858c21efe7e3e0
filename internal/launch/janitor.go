package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// janitorFact is what is remembered of when the cloud's janitors begin, by the
// security group of the network that they are for.
const janitorFact = "janitor"

// furniture is what the launch shares with others and spawn may take away: not
// what the user chose.
func (r *running) furniture(have *prepared) deadline.Furniture {
	n := have.network
	switch {
	case r.NoJanitor || r.plan.Chosen.Group != "":
		return deadline.Furniture{}
	case n.Gateway == "" || r.plan.Chosen.Subnet != "":
		return deadline.Furniture{Group: n.SecurityGroup}
	}
	f := deadline.Furniture{Group: n.SecurityGroup, VPC: n.VPC, Gateway: n.Gateway}
	for _, id := range n.Subnets {
		f.Subnets = append(f.Subnets, id)
	}
	return f
}

// postponeJanitors lets the cloud take the furniture away a while after this
// launch's deadline, beside the boot. Where it was put off far enough by an
// earlier launch, nothing is asked.
func (r *running) postponeJanitors(ctx context.Context, have *prepared, a attempt) {
	f := r.furniture(have)
	var from time.Time
	known := r.facts.Recall(janitorFact, f.Group, &from)
	if f.Empty() || known && deadline.JanitorLateEnough(from, a.deadline) {
		return
	}
	r.cloud.furniture = f
	fresh := have.network.Created && !known
	r.aside(ctx, func(ctx context.Context) {
		<-r.cloud.ready
		err := r.backstop().Postpone(ctx, f, a.deadline, fresh)
		switch {
		case err == nil:
			r.facts.Learn(janitorFact, f.Group, deadline.JanitorFrom(a.deadline))
		case awserr.IsDenied(err) || errors.Is(err, context.Canceled): // the one is said of the cloud's layer, the other is the launch's end
		default:
			r.emit(Noted{fmt.Sprintf("the cloud will not take %s away when it is unused; spawn cleanup does: %v", f.Group, err)})
		}
	})
}

// dismissJanitors removes the schedules of a piece of furniture that undoing has
// deleted. Who may not has none there, or leaves one that ends by itself.
func (r *running) dismissJanitors(ctx context.Context, o reap.Outcome) error {
	if !o.Gone() {
		return nil
	}
	err := r.backstop().Dismiss(ctx, r.cloud.furniture, o.ID)
	if awserr.IsDenied(err) {
		return nil
	}
	return err
}

// doubtNetwork forgets a network of spawn's own that the cloud may have begun to
// take away since: its gateway can be gone while its subnets are there, and EC2
// would launch into that without a word.
func (r *running) doubtNetwork(name string) {
	var n account.Network
	var from time.Time
	if r.facts.Recall(string(StepNetwork), name, &n) && n.Gateway != "" && r.facts.Recall(janitorFact, n.SecurityGroup, &from) && !r.Now().Before(from) {
		r.facts.Forget(string(StepNetwork))
	}
}
