package policy

import (
	"maps"
	"slices"
	"strings"
)

// Context is what a request carries for conditions and policy variables: under
// each key, in lower case, its values.
type Context map[string][]string

// Set adds a key with its values. Keys are not case-sensitive.
func (c Context) Set(key string, values ...string) { c[strings.ToLower(key)] = values }

// Merge returns a context with the keys of both; those of other win.
func (c Context) Merge(other Context) Context {
	out := maps.Clone(c)
	if out == nil {
		out = Context{}
	}
	maps.Copy(out, other)
	return out
}

// Request is a question to policies.
type Request struct {
	Action   string // ec2:RunInstances
	Resource string // an ARN, or * where the action knows no resource
	Context  Context
}

// Decision is the answer.
type Decision int

// The decisions. Only Allow allows.
const (
	ImplicitDeny Decision = iota // nothing allows it
	Allow
	ExplicitDeny // a Deny statement applies, whatever else allows
)

// Evaluate decides a request under all the documents of a principal.
func Evaluate(documents []*Document, r Request) Decision {
	decision, _ := Explain(documents, r)
	return decision
}

func (d *Document) covers(s *statement, r Request) bool {
	return matchesAction(s, r.Action) && d.matchesResource(s, r) && d.holds(s.conditions, r.Context)
}

func matchesAction(s *statement, action string) bool {
	action = strings.ToLower(action)
	match := func(pattern string) bool {
		return parsePattern(strings.ToLower(pattern), nil).matches(action)
	}
	if len(s.Action) > 0 {
		return slices.ContainsFunc(s.Action, match)
	}
	return !slices.ContainsFunc(s.NotAction, match)
}

// matchesResource does not hold where a variable has no value, not even of
// NotResource: then the statement is invalid as a whole.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (d *Document) matchesResource(s *statement, r Request) bool {
	listed, unknown := false, false
	for _, text := range slices.Concat(s.Resource, s.NotResource) {
		p, complete := d.expand(text, r.Context)
		unknown = unknown || !complete
		listed = listed || complete && p.matches(r.Resource)
	}
	if len(s.Resource) > 0 {
		return listed
	}
	return !listed && !unknown
}

func (d *Document) holds(conditions []condition, c Context) bool {
	for i := range conditions {
		if !conditions[i].holds(d, c) {
			return false
		}
	}
	return true
}

// TrustsService tells whether a trust policy lets a service, such as
// ec2.amazonaws.com, assume the role.
func (d *Document) TrustsService(service string, c Context) bool {
	trusted := false
	for i := range d.statements {
		s := &d.statements[i]
		named := slices.Contains(s.Principal["Service"], service) || slices.Contains(s.Principal["AWS"], "*")
		if !named || !matchesAction(s, "sts:AssumeRole") || !d.holds(s.conditions, c) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		trusted = true
	}
	return trusted
}
