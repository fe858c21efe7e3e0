// Package policy decides, as IAM does, what a policy allows: a pure function of
// documents and a request, without a clock, a network or a state of its own.
//
// It covers identity-based policies and the trust policies of roles. It never
// guesses: an operator or element it does not know makes a document malformed.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Document is a policy that was read and found well formed.
type Document struct {
	statements []statement
	variables  bool // ${…} is replaced, which only the newer version does
}

// Kind says where a document belongs, which decides what it must have.
type Kind int

// The kinds of documents.
const (
	Identity Kind = iota // attached to a user or role: has resources, no principal
	Trust                // of a role: has principals, no resources
)

type statement struct {
	Sid          string
	Effect       string
	Action       list
	NotAction    list
	Resource     list
	NotResource  list
	Principal    principal
	NotPrincipal json.RawMessage
	Condition    map[string]map[string]list

	conditions []condition
	start, end Position // in the document's text
}

var sidForm = regexp.MustCompile(`^[0-9A-Za-z]*$`)

// Parse reads a document and checks its grammar.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func Parse(text []byte, kind Kind) (*Document, error) {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement statements
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("syntax errors in policy: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("syntax errors in policy: text after its end")
	}
	switch raw.Version {
	case "", "2008-10-17", "2012-10-17":
	default:
		return nil, fmt.Errorf("the policy version %q is none of 2008-10-17 and 2012-10-17", raw.Version)
	}
	if len(raw.Statement) == 0 {
		return nil, errors.New("the policy has no statement")
	}
	for i := range raw.Statement {
		if err := raw.Statement[i].check(kind); err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	locate(text, raw.Statement)
	return &Document{statements: raw.Statement, variables: raw.Version == "2012-10-17"}, nil
}

func (s *statement) check(kind Kind) error {
	if !sidForm.MatchString(s.Sid) {
		return fmt.Errorf("the statement id %q has other characters than letters and digits", s.Sid)
	}
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("the effect %q is none of Allow and Deny", s.Effect)
	}
	if (len(s.Action) == 0) == (len(s.NotAction) == 0) {
		return errors.New("it must have one of Action and NotAction")
	}
	for _, a := range slices.Concat(s.Action, s.NotAction) {
		if a != "*" && !strings.Contains(a, ":") {
			return fmt.Errorf("the action %q must be prefaced by a vendor", a)
		}
	}
	if err := s.checkScope(kind); err != nil {
		return err
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			c, err := newCondition(operator, key, values)
			if err != nil {
				return err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}

// checkScope checks what the statement is about: resources or principals.
func (s *statement) checkScope(kind Kind) error {
	if s.NotPrincipal != nil {
		return errors.New("NotPrincipal is not supported by this cloud")
	}
	resources := slices.Concat(s.Resource, s.NotResource)
	if kind == Trust {
		if s.Principal == nil || len(resources) > 0 {
			return errors.New("a trust policy has principals and no resources")
		}
		return nil
	}
	if s.Principal != nil {
		return errors.New("an identity-based policy has no principal")
	}
	if (len(s.Resource) == 0) == (len(s.NotResource) == 0) {
		return errors.New("it must have one of Resource and NotResource")
	}
	for _, r := range resources {
		if r != "*" && !strings.HasPrefix(r, "arn:") {
			return fmt.Errorf(`the resource %q must be in ARN format or "*"`, r)
		}
	}
	return nil
}

// statements is one statement or several.
type statements []statement

// UnmarshalJSON implements json.Unmarshaler.
func (l *statements) UnmarshalJSON(b []byte) error {
	decode := func(into any) error {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		return d.Decode(into)
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		return decode((*[]statement)(l))
	}
	*l = make(statements, 1)
	return decode(&(*l)[0])
}

// list is one value or several; numbers and booleans count as their text.
type list []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *list) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	values, many := v.([]any)
	if !many {
		values = []any{v}
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			*l = append(*l, v)
		case bool:
			*l = append(*l, fmt.Sprint(v))
		case json.Number:
			*l = append(*l, v.String())
		default:
			return fmt.Errorf("%s is neither text nor a list of texts", b)
		}
	}
	return nil
}

// principal is who a trust policy speaks of, by type: Service, AWS.
type principal map[string]list

// UnmarshalJSON implements json.Unmarshaler.
func (p *principal) UnmarshalJSON(b []byte) error {
	var all string
	if json.Unmarshal(b, &all) == nil {
		if all != "*" {
			return fmt.Errorf(`the principal %q must be "*" or name its type`, all)
		}
		*p = principal{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(b, (*map[string]list)(p))
}
