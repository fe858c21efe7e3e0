package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/market/ask"
	"github.com/spawn-ec2/spawn/internal/permissions"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// cloud looks at the credentials and the account, and tells what the caller is
// not allowed.
func cloud(ctx context.Context, f *factory.Factory) (checks []Check, missing permissions.Document) {
	target, err := f.Reach(ctx, "")
	if err != nil {
		return []Check{trouble("credentials", err)}, missing
	}
	who, err := identify(ctx, target)
	if err != nil {
		return []Check{trouble("credentials", err)}, missing
	}
	where := target.Region
	if target.Endpoint != "" {
		where += " at " + target.Endpoint
	}
	checks = append(checks,
		Check{Name: "credentials", State: OK, Detail: fmt.Sprintf("%s, account %s", who.ARN, who.Account)},
		Check{Name: "region", State: OK, Detail: where},
		clock(time.Until(target.Clock.Now())),
	)
	rights, missing := mayDo(ctx, target, who)
	checks = append(checks, rights...)
	return append(checks, dryRun(ctx, target.EC2()), quotas(ctx, target)), missing
}

func identify(ctx context.Context, t *awsx.Target) (account.Identity, error) {
	return account.Identify(ctx, account.STSOf(t))
}

// trouble is a check that failed with an error, told as every command tells it.
func trouble(name string, err error) Check {
	told := awsx.Explain(err)
	return Check{Name: name, State: Failed, Detail: told.Error(), Next: problem.NextOf(told)}
}

// wrongBy is how far a clock may be off before AWS refuses what it signs.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const wrongBy = 5 * time.Minute

// clock judges how far the service's time is ahead of this machine's. spawn
// itself counts with the service's.
func clock(ahead time.Duration) Check {
	c := Check{Name: "clock", State: OK, Detail: "as the service's, to two seconds"}
	if ahead.Abs() >= 2*time.Second {
		c.State, c.Detail = Lacking, "differs from the service's by "+term.Span(ahead.Abs())
		c.Next = "set this machine's clock; spawn counts with the service's"
	}
	if ahead.Abs() >= wrongBy {
		c.State = Failed
	}
	return c
}

// indispensable are the capabilities without which a launch fails.
var indispensable = []permissions.Capability{permissions.Launching, permissions.Managing, permissions.Keys}

// mayDo asks IAM, capability by capability.
func mayDo(ctx context.Context, t *awsx.Target, who account.Identity) (checks []Check, missing permissions.Document) {
	for _, c := range permissions.Capabilities() {
		d := permissions.For(c, who.Partition, who.Account)
		lacking, err := account.Lacking(ctx, account.IAMOf(t), who, d)
		check := Check{Name: string(c), State: OK, Detail: "permitted"}
		switch {
		case awserr.IsDenied(err):
			check.State, check.Detail = Unknown, "the permission iam:SimulatePrincipalPolicy is missing"
		case err != nil:
			check.State, check.Detail = Unknown, awsx.Explain(err).Error()
		case len(lacking.Statement) > 0:
			check.State, check.Detail = Lacking, "not permitted: "+strings.Join(actions(lacking), ", ")
			if slices.Contains(indispensable, c) {
				check.State = Failed
			}
			missing.Version = lacking.Version
			missing.Statement = append(missing.Statement, lacking.Statement...)
		}
		checks = append(checks, check)
	}
	return checks, missing
}

func actions(d permissions.Document) (all []string) {
	for _, s := range d.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// dryRun lets EC2 judge a launch without carrying it out: it knows what IAM's
// simulation does not, such as an organisation's policies.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func dryRun(ctx context.Context, api *ec2.Client) Check {
	in := &ec2.RunInstancesInput{
		DryRun: aws.Bool(true), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
		ImageId: aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
	}
	for _, kind := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume, types.ResourceTypeNetworkInterface} {
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{
			ResourceType: kind, Tags: []types.Tag{{Key: aws.String(lifecycle.TagManaged), Value: aws.String("true")}},
		})
	}
	_, err := api.RunInstances(ctx, in)
	c := Check{Name: "dry run"}
	switch {
	case awserr.IsDryRunOK(err):
		c.State, c.Detail = OK, "EC2 would launch a t3.micro"
	case awserr.IsDenied(err):
		c = trouble("dry run", err)
	case err == nil:
		c.State, c.Detail = Unknown, "EC2 did not say"
	default:
		c.State, c.Detail = Unknown, fmt.Sprintf("EC2 says %s: %s", awserr.Code(err), awserr.Message(err))
	}
	return c
}

// quotas looks whether the vCPU quotas can be known: a launch checks them then.
func quotas(ctx context.Context, t *awsx.Target) Check {
	survey := ask.Ask(ctx, ask.Of(t), t.Clock.Now, market.Survey{Question: market.Question{Regions: []string{t.Region}, First: t.Region, Facets: market.Quotas}})
	c := Check{Name: "quotas", State: Unknown, Detail: "Service Quotas does not tell"}
	if len(survey.Regions) != 1 {
		return c
	}
	told := survey.Regions[0].Quotas
	if told.Err != nil {
		c.Detail += ": " + awsx.Explain(told.Err).Error()
		return c
	}
	var held []string
	for _, q := range told.Value {
		if strings.HasPrefix(q.Name, "Running On-Demand Standard") || strings.HasPrefix(q.Name, "Running On-Demand G ") {
			held = append(held, fmt.Sprintf("%s: %d vCPUs", strings.TrimPrefix(q.Name, "Running "), q.VCPUs))
		}
	}
	c.State, c.Detail = OK, "known; "+strings.Join(held, ", ")
	return c
}
