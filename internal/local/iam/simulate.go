package iam

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type simulateInput struct {
	PolicySourceArn string
	ActionNames     []string       `query:"ActionNames,member"`
	ResourceArns    []string       `query:"ResourceArns,member"`
	ContextEntries  []contextEntry `query:"ContextEntries,member"`
	MaxItems        *int
	Marker          string
}

type contextEntry struct {
	Name   string   `query:"ContextKeyName"`
	Values []string `query:"ContextKeyValues,member"`
	Type   string   `query:"ContextKeyType"`
}

type simulateOutput struct {
	Results     wire.Members[evaluation] `xml:"EvaluationResults"`
	IsTruncated bool                     `xml:"IsTruncated"`
	Marker      string                   `xml:"Marker,omitempty"`
}

// evaluation is what becomes of one action, on all resources together.
type evaluation struct {
	Action    string                           `xml:"EvalActionName"`
	Resource  string                           `xml:"EvalResourceName"`
	Decision  string                           `xml:"EvalDecision"`
	Matched   wire.Members[matchedStatement]   `xml:"MatchedStatements"`
	Missing   wire.Members[string]             `xml:"MissingContextValues"`
	Resources wire.Members[resourceEvaluation] `xml:"ResourceSpecificResults"`
}

type resourceEvaluation struct {
	Resource string                         `xml:"EvalResourceName"`
	Decision string                         `xml:"EvalResourceDecision"`
	Matched  wire.Members[matchedStatement] `xml:"MatchedStatements"`
	Missing  wire.Members[string]           `xml:"MissingContextValues"`
}

type matchedStatement struct {
	PolicyID   string   `xml:"SourcePolicyId"`
	PolicyType string   `xml:"SourcePolicyType"`
	Start      position `xml:"StartPosition"`
	End        position `xml:"EndPosition"`
}

type position struct {
	Line   int `xml:"Line"`
	Column int `xml:"Column"`
}

// simulatePrincipalPolicy tells what the policies of a user or role would
// decide, by the evaluator that decides calls. It knows of the request what
// ContextEntries say and nothing else, not even the principal's name.
//
// There is one result for an action, however many the resources are:
// https://docs.aws.amazon.com/sdk-for-python/v4/reference/clients/iam/structures/EvaluationResult/
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *Service) simulatePrincipalPolicy(tx *store.Tx, c *call.Caller, in *simulateInput) (*simulateOutput, error) {
	p, err := s.simulated(tx, c, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	if err := checkActions(in.ActionNames); err != nil {
		return nil, err
	}
	if p.context, err = readContext(in.ContextEntries); err != nil {
		return nil, err
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	for _, r := range resources {
		if r != "*" && !strings.HasPrefix(r, "arn:") {
			return nil, errInput("Invalid Resource Name: %s", r)
		}
	}
	var all []numbered
	for i, action := range in.ActionNames {
		all = append(all, numbered{fmt.Sprintf("%06d", i), p.evaluate(action, resources)})
	}
	part, next, err := page(all, func(n numbered) string { return n.key }, "simulation "+in.PolicySourceArn, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &simulateOutput{IsTruncated: next != "", Marker: next}
	for _, n := range part {
		out.Results = append(out.Results, n.evaluation)
	}
	return out, nil
}

// numbered is an evaluation with its place among all.
type numbered struct {
	key        string
	evaluation evaluation
}

// simulation are a principal's policies in a request that is not made.
type simulation struct {
	documents []*policy.Document
	ids       []string // of the documents
	context   policy.Context
}

// simulated finds the user or role that an ARN names, for who may simulate it.
// The session of a role has no policies of its own and is refused; what is
// refused in which words is reported by
// https://github.com/newrelic/newrelic-lambda-cli/issues/96
func (s *Service) simulated(tx *store.Tx, c *call.Caller, arn string) (simulation, error) {
	kindOf, _, _ := strings.Cut(strings.TrimPrefix(arn, fmt.Sprintf("arn:aws:iam::%s:", s.account)), "/")
	if kindOf != "user" && kindOf != "role" {
		return simulation{}, errInput("Invalid Entity Arn: %s does not clearly define entity type and name.", arn)
	}
	var name string
	var texts map[string]string
	var keys policy.Context
	var found bool
	if kindOf == "user" {
		var u User
		u, found = s.aUser().at(tx, arn)
		name, texts, keys = u.Name, s.everyPolicy(tx, u), s.aUser().context(u)
	} else {
		var r Role
		r, found = s.aRole().at(tx, arn)
		name, texts, keys = r.Name, r.Policies, s.aRole().context(r)
	}
	if err := c.Require("iam:SimulatePrincipalPolicy", arn, keys); err != nil {
		return simulation{}, err
	}
	if !found {
		return simulation{}, errNoSuchEntity("The %s with ARN %s cannot be found.", kindOf, arn)
	}
	p := simulation{documents: documents(texts)}
	for _, policyName := range slices.Sorted(maps.Keys(texts)) {
		p.ids = append(p.ids, kindOf+"_"+name+"_"+policyName)
	}
	return p, nil
}

// evaluate decides an action on resources. Of the action as a whole the most
// restrictive decision counts.
func (p simulation) evaluate(action string, resources []string) evaluation {
	missing := p.missing()
	out := evaluation{Action: action, Resource: "*", Missing: missing}
	if len(resources) == 1 {
		out.Resource = resources[0]
	}
	worst := policy.Allow
	for _, r := range resources {
		decision, by := policy.Explain(p.documents, policy.Request{Action: action, Resource: r, Context: p.context})
		if severity(decision) > severity(worst) {
			worst = decision
		}
		matched := p.view(by)
		for _, m := range matched {
			if !slices.Contains(out.Matched, m) {
				out.Matched = append(out.Matched, m)
			}
		}
		if len(resources) > 1 || r != "*" {
			out.Resources = append(out.Resources, resourceEvaluation{r, verdict(decision), matched, missing})
		}
	}
	out.Decision = verdict(worst)
	return out
}

// missing are the keys that any of the policies asks for and the simulation was
// not given, whether or not they matter to an action:
// https://github.com/boto/boto3/issues/3111
func (p simulation) missing() []string {
	var keys []string
	for _, d := range p.documents {
		for _, key := range d.Keys() {
			if _, given := p.context[strings.ToLower(key)]; !given {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.CompactFunc(keys, strings.EqualFold)
}

// view names statements as AWS does, which documents other source types than
// this one: https://github.com/soto-project/soto/pull/230
func (p simulation) view(by []policy.Match) []matchedStatement {
	var out []matchedStatement
	for _, m := range by {
		out = append(out, matchedStatement{p.ids[m.Document], "IAM Policy", position(m.Start), position(m.End)})
	}
	return out
}

func severity(d policy.Decision) int {
	return slices.Index([]policy.Decision{policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny}, d)
}

func verdict(d policy.Decision) string {
	return map[policy.Decision]string{policy.Allow: "allowed", policy.ImplicitDeny: "implicitDeny", policy.ExplicitDeny: "explicitDeny"}[d]
}

var actionForm = regexp.MustCompile(`^[0-9A-Za-z-]+:[0-9A-Za-z-]+$`)

// checkActions holds the names to operations of services, without wildcards.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func checkActions(names []string) error {
	if len(names) == 0 {
		return errInvalid("1 validation error detected: Value at 'actionNames' failed to satisfy constraint: Member must not be null")
	}
	for _, name := range names {
		if !actionForm.MatchString(name) || len(name) > 128 {
			return errInput("Invalid Action Name: %s", name)
		}
	}
	return nil
}

// readContext reads the keys of a simulation. A key of a type that is no list
// has one value.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html
func readContext(entries []contextEntry) (policy.Context, error) {
	context := policy.Context{}
	for _, e := range entries {
		single, isList := strings.CutSuffix(e.Type, "List")
		switch {
		case len(e.Name) < 5 || len(e.Name) > 256 || !strings.Contains(e.Name, ":"):
			return nil, errInput("Invalid Context Key Name: %s", e.Name)
		case !slices.Contains([]string{"string", "numeric", "boolean", "ip", "binary", "date"}, single):
			return nil, errInput("Invalid Context Key Type: %s", e.Type)
		case len(e.Values) != 1 && !isList:
			return nil, errInput("The context key %s is no list and needs one value", e.Name)
		}
		context.Set(e.Name, e.Values...)
	}
	return context, nil
}

func errInput(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidInput", format, args...)
}
