package launch

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/bootstrap"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// MaxUserData is EC2's limit for user-data, in bytes.
const MaxUserData = bootstrap.MaxSize

// Preview is what a launch would do, found out without changing anything.
type Preview struct {
	Plan     Plan
	Caller   account.Identity
	Source   netip.Prefix // who would reach SSH; invalid where that could not be found out
	Tags     map[string]string
	Deadline lifecycle.Deadline
	UserData int     // bytes, as EC2 counts them
	Carried  bool    // the user's own is too large to be sent, and would go by the bucket
	Pieces   []Piece // what the launch needs of the account
	Rights   Rights
}

// Piece is something that the account must have for the launch.
type Piece struct {
	Step  Step
	What  string
	There Answer
	Why   string // of an unknown answer
}

// Answer is yes, no or unknown.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Rights are what the caller may do of what the launch needs.
type Rights struct {
	Launch  Answer              // EC2 would let this very request through, by a dry run
	Why     string              // it would not, or it is unknown
	Missing map[string][]string // actions that are not allowed, by what they are for
	Unknown string              // why that could not be found out; "": it was
}

// Preview finds out what Launch would do.
func (l *Launcher) Preview(ctx context.Context, p Plan) (Preview, error) {
	r := &running{Launcher: l, plan: p, fresh: map[Step]bool{}, renewed: map[Step]int{}}
	out := Preview{Plan: p}
	var err error
	if r.who, err = account.Identify(ctx, r.STS); err != nil {
		return out, err
	}
	out.Caller = r.who
	have := &prepared{agents: map[string]*bootstrap.Agent{}}
	have.origin = lifecycle.Origin{Owner: r.who.ARN, Launch: p.Launch, Created: r.Now().UTC().Truncate(time.Second)}
	look := previewer{running: r, have: have, out: &out}
	looks, looksCtx := errgroup.WithContext(ctx)
	for _, find := range []func(context.Context) error{look.network, look.key, look.role, look.agent, look.cloud, look.rights} {
		looks.Go(func() error { return find(looksCtx) })
	}
	if err := looks.Wait(); err != nil {
		return out, err
	}
	slices.SortFunc(out.Pieces, func(a, b Piece) int { return slices.Index(pieceOrder, a.Step) - slices.Index(pieceOrder, b.Step) })
	return out, look.request(ctx)
}

var pieceOrder = []Step{StepNetwork, StepKey, StepRole, StepAgent, StepCloud}

// previewer looks at one part of the account after the other, all at once.
type previewer struct {
	*running
	have *prepared
	out  *Preview
}

// piece adds what was found. What may not be looked at is unknown.
func (v previewer) piece(step Step, what string, there bool, err error) error {
	p := Piece{Step: step, What: what, There: No}
	switch {
	case awserr.IsDenied(err):
		p.There, p.Why = Unknown, "you may not look"
	case err != nil:
		return err
	case there:
		p.There = Yes
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Pieces = append(v.out.Pieces, p)
	return nil
}

func (v previewer) network(ctx context.Context) error {
	chosen := v.plan.Chosen
	source, err := v.source(ctx)
	if err != nil {
		return err
	}
	v.out.Source = source
	if chosen.Group != "" {
		v.have.network = account.Network{SecurityGroup: chosen.Group, Subnets: chosen.subnets()}
		return v.piece(StepNetwork, "security group "+chosen.Group+", as it is", true, nil)
	}
	found, err := account.FindNetwork(ctx, v.EC2, chosen.place.VPC, source)
	v.have.network = found
	if len(found.Subnets) == 0 {
		v.have.network.Subnets = chosen.subnets()
	}
	if chosen.Subnet == "" && found.SecurityGroup == "" {
		there, lookErr := account.HasDefaultVPC(ctx, v.EC2)
		if lookErr != nil || !there {
			if err := v.piece(StepNetwork, "a VPC with subnets and a way to the internet, as there is no default one", false, lookErr); err != nil {
				return err
			}
		}
	}
	what := "security group " + account.SecurityGroupName(source)
	if found.SecurityGroup != "" {
		what += " (" + found.SecurityGroup + ")"
	}
	return v.piece(StepNetwork, what, found.SecurityGroup != "", err)
}

func (v previewer) key(ctx context.Context) error {
	switch {
	case v.plan.Chosen.KeyPair != "":
		v.have.key = v.plan.Chosen.KeyPair
		return v.piece(StepKey, "key pair "+v.have.key+", as it is", true, nil)
	case v.plan.Key == nil:
		return nil
	}
	name, known, err := account.LookUpKey(ctx, v.EC2, *v.plan.Key)
	if known {
		v.have.key = name
	}
	return v.piece(StepKey, "key pair "+name+", from "+v.plan.Key.Where(), known, err)
}

func (v previewer) role(ctx context.Context) error {
	if v.plan.Profile != "" {
		v.have.profile = v.plan.Profile
		return v.piece(StepRole, "instance profile "+v.plan.Profile+", yours", true, nil)
	}
	there, err := account.HasRole(ctx, v.IAM)
	if there {
		v.have.profile = v.roleName()
	}
	return v.piece(StepRole, "role and instance profile "+v.roleName(), there, err)
}

func (v previewer) agent(ctx context.Context) error {
	build := v.plan.First().Agent
	object := account.Object{Bucket: account.BucketName(v.who.Account, v.plan.Region), Key: build.Key()}
	there, err := account.CheckObject(ctx, v.S3, v.who, object)
	if signErr := v.agentAt(ctx, object); signErr != nil {
		return signErr
	}
	return v.piece(StepAgent, "the agent in the bucket "+object.Bucket, there, err)
}

func (v previewer) agentAt(ctx context.Context, object account.Object) (err error) {
	first := v.plan.First()
	agent := &bootstrap.Agent{SHA256: first.Agent.SHA256}
	if agent.ObjectURL, agent.PresignedURL, err = v.ObjectURLs(ctx, object.Bucket, object.Key); err != nil {
		return err
	}
	v.have.keepAgent(first.Architecture, agent)
	return nil
}

// cloud needs no look: an instance's schedule is its own.
func (v previewer) cloud(context.Context) error {
	what := fmt.Sprintf("a schedule in the cloud that ends it %s after its deadline, if nothing else did", lifecycle.FormatDuration(deadline.Grace))
	return v.piece(StepCloud, what, false, nil)
}

// rights asks what the caller may do, by what it is for.
func (v previewer) rights(ctx context.Context) error {
	v.out.Rights.Missing = map[string][]string{}
	for _, c := range []permissions.Capability{permissions.Launching, permissions.Keys, permissions.AgentsRole, permissions.Buckets, permissions.CloudLayer} {
		missing, err := account.Missing(ctx, v.Rights, v.who, permissions.For(c, v.who.Partition, v.who.Account))
		switch {
		case awserr.IsDenied(err):
			v.out.Rights.Unknown = "the permission iam:SimulatePrincipalPolicy is missing"
			return nil
		case err != nil:
			return err
		case len(missing) > 0:
			v.out.Rights.Missing[string(c)] = missing
		}
	}
	return nil
}

// request lets EC2 judge the request without carrying it out. What is to be made
// first cannot be part of it yet.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func (v previewer) request(ctx context.Context) error {
	first := v.plan.First()
	tags := v.plan.instanceTags(v.have.origin, first)
	v.out.Tags, v.out.Deadline = tags.Tags(), tags.Deadline
	for key, value := range v.plan.Tags {
		v.out.Tags[key] = value
	}
	userData, err := v.plan.userData(first, tags, v.have, v.Endpoint)
	if tooLarge(err) {
		v.out.Carried = true
		v.have.script, err = v.cargoURL(ctx)
		if err == nil {
			userData, err = v.plan.userData(first, tags, v.have, v.Endpoint)
		}
	}
	if err != nil {
		return err
	}
	v.out.UserData = len(userData)
	candidates, err := v.have.within(v.plan.Candidates)
	if err != nil {
		return err
	}
	v.plan.Candidates = candidates
	a, err := v.plan.freeze(1, v.plan.tries()[0], v.plan.Count, v.have, v.Endpoint)
	if err != nil {
		return err
	}
	a.request.DryRun = aws.Bool(true)
	if v.have.network.SecurityGroup == "" {
		a.request.SecurityGroupIds, a.request.NetworkInterfaces, a.request.SubnetId = nil, nil, nil
	}
	_, err = v.EC2.RunInstances(ctx, a.request)
	v.out.Rights.Launch, v.out.Rights.Why = judgeDryRun(err)
	return nil
}

// judgeDryRun reads EC2's answer to a dry run, which always is an error.
func judgeDryRun(err error) (Answer, string) {
	switch {
	case awserr.IsDryRunOK(err):
		return Yes, ""
	case awserr.IsDenied(err):
		return No, awserr.Message(err)
	case err == nil:
		return Unknown, "EC2 did not say"
	default:
		return Unknown, fmt.Sprintf("EC2 says %s: %s", awserr.Code(err), awserr.Message(err))
	}
}
