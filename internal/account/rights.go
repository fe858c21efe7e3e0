package account

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/permissions"
)

// RightsAPI is what asking for the caller's rights calls.
type RightsAPI interface {
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	SimulatePrincipalPolicy(context.Context, *iam.SimulatePrincipalPolicyInput, ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error)
}

// Missing are the actions of a document's statements that the caller may not
// take, as Lacking finds them.
func Missing(ctx context.Context, api RightsAPI, who Identity, d permissions.Document) ([]string, error) {
	lacking, err := Lacking(ctx, api, who, d)
	var all []string
	for _, s := range lacking.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

// Lacking asks IAM what of a document the caller is not allowed, by simulating
// the actions of its statements on the resources and under the conditions that
// these name. Nothing is done. The answer is the statements to ask for, with the
// missing actions alone; an error says that it could not be found out, for want
// of the permission iam:SimulatePrincipalPolicy for one.
//
// What the simulation does not know, an organisation's service control policies
// with conditions and resource policies for two, may still refuse.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func Lacking(ctx context.Context, api RightsAPI, who Identity, d permissions.Document) (permissions.Document, error) {
	lacking := permissions.Document{Version: d.Version}
	if strings.HasSuffix(who.ARN, ":root") {
		return lacking, nil // who may do everything, and cannot be simulated
	}
	principal, err := simulatable(ctx, api, who)
	if err != nil {
		return lacking, err
	}
	missing := make([][]string, len(d.Statement))
	asks, ctx := errgroup.WithContext(ctx)
	for i, s := range d.Statement {
		asks.Go(func() (err error) {
			missing[i], err = missingOf(ctx, api, principal, s)
			return err
		})
	}
	if err := asks.Wait(); err != nil {
		return lacking, fmt.Errorf("find out what you may do: %w", err)
	}
	for i, s := range d.Statement {
		if s.Action = missing[i]; len(s.Action) > 0 {
			lacking.Statement = append(lacking.Statement, s)
		}
	}
	return lacking, nil
}

func missingOf(ctx context.Context, api RightsAPI, principal string, s permissions.Statement) (missing []string, err error) {
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(principal), ActionNames: s.Action, ContextEntries: contextOf(s)}
	if !slices.Contains(s.Resource, "*") {
		in.ResourceArns = concrete(s.Resource)
	}
	pages := iam.NewSimulatePrincipalPolicyPaginator(api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, result := range page.EvaluationResults {
			if !granted(result) {
				missing = append(missing, aws.ToString(result.EvalActionName))
			}
		}
	}
	return missing, nil
}

// granted tells that an action is allowed on all the resources that were asked
// about.
func granted(result types.EvaluationResult) bool {
	if len(result.ResourceSpecificResults) == 0 {
		return result.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed
	}
	return !slices.ContainsFunc(result.ResourceSpecificResults, func(r types.ResourceSpecificResult) bool {
		return r.EvalResourceDecision != types.PolicyEvaluationDecisionTypeAllowed
	})
}

// contextOf are the conditions of a statement as the simulation takes them: the
// request is as the statement wants it.
func contextOf(s permissions.Statement) (entries []types.ContextEntry) {
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			kind := types.ContextKeyTypeEnumString
			if strings.HasPrefix(operator, "ForAllValues") || strings.HasPrefix(operator, "ForAnyValue") {
				kind = types.ContextKeyTypeEnumStringList
			}
			values := s.Condition[operator][key]
			if kind == types.ContextKeyTypeEnumString {
				values = values[:1]
			}
			entries = append(entries, types.ContextEntry{ContextKeyName: aws.String(key), ContextKeyType: kind, ContextKeyValues: values})
		}
	}
	return entries
}

// concrete puts something in place of wildcards: a simulation is of requests,
// which have none. The region comes first in most of them.
func concrete(resources []string) []string {
	out := make([]string, len(resources))
	for i, arn := range resources {
		parts := strings.SplitN(arn, ":", 6)
		if len(parts) == 6 && parts[3] == "*" {
			parts[3] = "us-east-1"
		}
		out[i] = strings.ReplaceAll(strings.Join(parts, ":"), "*", "x")
	}
	return out
}

// simulatable is the ARN whose policies decide: a session of a role has those of
// its role, whose ARN may have a path that the session's does not tell.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
func simulatable(ctx context.Context, api RightsAPI, who Identity) (string, error) {
	_, session, is := strings.Cut(who.ARN, ":assumed-role/")
	if !is {
		return who.ARN, nil
	}
	role, _, _ := strings.Cut(session, "/")
	out, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(role)})
	if err != nil {
		return "", fmt.Errorf("find your role %s: %w", role, err)
	}
	return aws.ToString(out.Role.Arn), nil
}
