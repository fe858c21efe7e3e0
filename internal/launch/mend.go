package launch

import (
	"context"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// mend answers a refusal of RunInstances that is about something a launch can
// make again or do without, and tells whether asking again makes sense. What is
// asked then is another attempt: it has other parameters.
func (r *running) mend(ctx context.Context, refusal error, t *try, have *prepared) (mended bool, err error) {
	switch {
	case clockRefused(refusal):
		return true, nil
	case awserr.IsProfileNotReady(refusal) && r.borrowed:
		return true, r.withoutRole(have, "may not make it, and nobody else has")
	case stale[awserr.Code(refusal)] != "" || awserr.IsProfileNotReady(refusal):
		return r.renew(ctx, refusal, have)
	case awserr.IsDeniedAction(refusal, "iam:PassRole") && r.plan.Profile == "" && have.profile != "":
		return true, r.withoutRole(have, "may not hand it to instances")
	case awserr.IsDeniedAction(refusal, "ssm:GetParameters") && t.Image.Parameter != "":
		return r.withoutParameter(ctx, t)
	default:
		return false, nil
	}
}

// stale are the facts by what EC2 calls them when it does not know them.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
var stale = map[string]Step{
	"InvalidKeyPair.NotFound":         StepKey,
	"InvalidGroup.NotFound":           StepNetwork,
	"InvalidSecurityGroupID.NotFound": StepNetwork,
	"InvalidSubnetID.NotFound":        StepNetwork,
	"InvalidVpcID.NotFound":           StepNetwork,
	"MissingInput":                    StepNetwork, // "No subnets found for the default VPC"
	"VPCIdNotSpecified":               StepNetwork, // the default VPC itself is gone
}

// renew forgets a fact that is gone and provides it again: what was remembered
// once, and what another one's cleanup deleted under this launch a few times.
func (r *running) renew(ctx context.Context, refusal error, have *prepared) (mended bool, err error) {
	step, known := stale[awserr.Code(refusal)]
	if awserr.IsProfileNotReady(refusal) {
		step, known = StepRole, true
	}
	if !known || r.renewed[step] >= mostRenewals || step == StepRole && r.fresh[StepRole] {
		return false, nil
	}
	r.renewed[step]++
	r.facts.Forget(string(step))
	r.emit(Noted{fmt.Sprintf("the %s is gone (%s); providing it again", step, shortly(refusal))})
	provide := map[Step]func(context.Context, *prepared) (string, error){StepKey: r.ensureKey, StepNetwork: r.ensureNetwork, StepRole: r.ensureRole}[step]
	return true, r.step(step, func() (string, error) { return provide(ctx, have) })
}

// mostRenewals bounds how often one thing is provided again.
const mostRenewals = 3

// withoutParameter launches from the newest image that EC2 lists, where the
// caller may not let EC2 look it up.
func (r *running) withoutParameter(ctx context.Context, t *try) (mended bool, err error) {
	image, err := Newest(ctx, r.EC2, t.Image, t.Architecture)
	if err != nil {
		return false, err
	}
	t.Image = image
	if err := t.checkDisk(r.plan.Lifetime.TTL); err != nil {
		return false, err
	}
	r.lack(Lack{What: "the permission ssm:GetParameters", Instead: "the newest image was found by EC2's list of images: " + image.ID()})
	return true, nil
}

// withoutRole goes on without an instance profile, if the plan can be kept
// without one.
func (r *running) withoutRole(have *prepared, why string) error {
	if r.plan.NeedsRole() {
		return problem.New(problem.Denied, "an idle instance can only %s itself with the role %s, and you %s", r.plan.Idle.Does(), r.roleName(), why).
			WithNext("ask for this, or use --idle-action terminate, which needs no role:\n%s", r.permission(StepRole))
	}
	if r.plan.First().Interruption != "" {
		return problem.New(problem.Denied, "a persistent Spot request can only be ended by the instance with the role %s, and you %s", r.roleName(), why).
			WithNext("ask for this, or launch without --hibernate:\n%s", r.permission(StepRole))
	}
	have.profile = ""
	r.lack(Lack{
		What:       "the agent's role: you " + why,
		Instead:    "the instance ends itself by powering off, and its agent cannot report",
		Permission: r.permission(StepRole),
	})
	return nil
}
