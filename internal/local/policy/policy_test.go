package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/policy"
)

const self = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:TerminateInstances",
 "Resource":"arn:aws:ec2:*:*:instance/*","Condition":{
  "StringEquals":{"ec2:ResourceTag/x:managed":"true"},
  "ArnLike":{"ec2:SourceInstanceARN":"arn:aws:ec2:*:*:instance/${ec2:InstanceId}"}}}]}`

const tagOne = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*",
 "Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["x:status"]},"Null":{"aws:TagKeys":"false"}}}}`

const (
	me    = "arn:aws:ec2:us-east-1:123456789012:instance/i-me"
	other = "arn:aws:ec2:us-east-1:123456789012:instance/i-other"
)

func ctx(pairs ...string) policy.Context {
	c := policy.Context{}
	for i := 0; i < len(pairs); i += 2 {
		c.Set(pairs[i], strings.Split(pairs[i+1], "|")...)
	}
	return c
}

func TestEvaluate(t *testing.T) {
	allow := func(inner string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*",` + inner + `}]}`
	}
	cond := func(c string) string { return allow(`"Condition":` + c) }
	for name, c := range map[string]struct {
		documents        string // several are separated by a line of ---
		action, resource string
		context          policy.Context
		want             policy.Decision
	}{
		"nothing":                       {allow(`"Sid":"a"`), "ec2:RunInstances", "*", nil, policy.ImplicitDeny},
		"action's case does not matter": {allow(`"Sid":"a"`), "S3:getobject", "arn:aws:s3:::b/k", nil, policy.Allow},
		"deny wins": {
			allow(`"Sid":"a"`) + "---" + `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}`,
			"s3:DeleteObject", "arn:aws:s3:::b/k", nil, policy.ExplicitDeny,
		},
		"not action":      {`{"Statement":{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}}`, "ec2:RunInstances", "*", nil, policy.Allow},
		"not action, hit": {`{"Statement":{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}}`, "iam:GetRole", "*", nil, policy.ImplicitDeny},
		"not resource":    {`{"Statement":{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/*"}}`, "s3:GetObject", "arn:aws:s3:::b/k", nil, policy.ImplicitDeny},
		"question mark":   {`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/?"}}`, "s3:GetObject", "arn:aws:s3:::b/kk", nil, policy.ImplicitDeny},

		"self ends itself":          {self, "ec2:TerminateInstances", me, ctx("ec2:ResourceTag/x:managed", "true", "ec2:SourceInstanceARN", me, "ec2:InstanceId", "i-me"), policy.Allow},
		"self does not end another": {self, "ec2:TerminateInstances", other, ctx("ec2:ResourceTag/x:managed", "true", "ec2:SourceInstanceARN", me, "ec2:InstanceId", "i-other"), policy.ImplicitDeny},
		"self, tag gone":            {self, "ec2:TerminateInstances", me, ctx("ec2:SourceInstanceARN", me, "ec2:InstanceId", "i-me"), policy.ImplicitDeny},
		"self from a laptop":        {self, "ec2:TerminateInstances", me, ctx("ec2:ResourceTag/x:managed", "true", "ec2:InstanceId", "i-me"), policy.ImplicitDeny},

		"only the allowed tag":      {tagOne, "ec2:CreateTags", me, ctx("aws:TagKeys", "x:status"), policy.Allow},
		"another tag beside it":     {tagOne, "ec2:CreateTags", me, ctx("aws:TagKeys", "x:status|x:deadline"), policy.ImplicitDeny},
		"no tag at all":             {tagOne, "ec2:CreateTags", me, ctx(), policy.ImplicitDeny},
		"any value":                 {cond(`{"ForAnyValue:StringLike":{"aws:TagKeys":"x*"}}`), "s3:Get", "*", ctx("aws:TagKeys", "a|xy"), policy.Allow},
		"any value of none":         {cond(`{"ForAnyValue:StringLike":{"aws:TagKeys":"x*"}}`), "s3:Get", "*", ctx(), policy.ImplicitDeny},
		"all values of none":        {cond(`{"ForAllValues:StringLike":{"aws:TagKeys":"x*"}}`), "s3:Get", "*", ctx(), policy.Allow},
		"negated, key absent":       {cond(`{"StringNotEquals":{"aws:a":"x"}}`), "s3:Get", "*", ctx(), policy.Allow},
		"negated, one of several":   {cond(`{"StringNotEquals":{"aws:a":["x","y"]}}`), "s3:Get", "*", ctx("aws:a", "y"), policy.ImplicitDeny},
		"if exists, absent":         {cond(`{"StringEqualsIfExists":{"aws:a":"x"}}`), "s3:Get", "*", ctx(), policy.Allow},
		"if exists, differs":        {cond(`{"StringEqualsIfExists":{"aws:a":"x"}}`), "s3:Get", "*", ctx("aws:a", "y"), policy.ImplicitDeny},
		"bool":                      {cond(`{"Bool":{"aws:a":true}}`), "s3:Get", "*", ctx("aws:a", "true"), policy.Allow},
		"number":                    {cond(`{"NumericLessThanEquals":{"aws:a":"10"}}`), "s3:Get", "*", ctx("aws:a", "9"), policy.Allow},
		"number that is none":       {cond(`{"NumericEquals":{"aws:a":"NaN"}}`), "s3:Get", "*", ctx("aws:a", "NaN"), policy.ImplicitDeny},
		"date":                      {cond(`{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}`), "s3:Get", "*", ctx("aws:CurrentTime", "2026-11-01T00:00:00Z"), policy.ImplicitDeny},
		"address":                   {cond(`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), "s3:Get", "*", ctx("aws:SourceIp", "10.1.2.3"), policy.Allow},
		"arn parts stay apart":      {cond(`{"ArnLike":{"aws:a":"arn:aws:s3:*:b"}}`), "s3:Get", "*", ctx("aws:a", "arn:aws:s3:x:y:b"), policy.ImplicitDeny},
		"condition keys' case":      {cond(`{"StringEquals":{"AWS:A":"x"}}`), "s3:Get", "*", ctx("aws:a", "x"), policy.Allow},
		"both conditions must hold": {cond(`{"StringEquals":{"aws:a":"x","aws:b":"y"}}`), "s3:Get", "*", ctx("aws:a", "x", "aws:b", "z"), policy.ImplicitDeny},

		"equals, another case":     {cond(`{"StringEquals":{"aws:a":"x"}}`), "s3:Get", "*", ctx("aws:a", "X"), policy.ImplicitDeny},
		"equals takes no wildcard": {cond(`{"StringEquals":{"aws:a":"x*"}}`), "s3:Get", "*", ctx("aws:a", "xy"), policy.ImplicitDeny},
		"equals ignoring case":     {cond(`{"StringEqualsIgnoreCase":{"aws:a":"x"}}`), "s3:Get", "*", ctx("aws:a", "X"), policy.Allow},
		"not equals ignoring case": {cond(`{"StringNotEqualsIgnoreCase":{"aws:a":"x"}}`), "s3:Get", "*", ctx("aws:a", "X"), policy.ImplicitDeny},
		"like":                     {cond(`{"StringLike":{"aws:a":"x?z*"}}`), "s3:Get", "*", ctx("aws:a", "xyz12"), policy.Allow},
		"not like":                 {cond(`{"StringNotLike":{"aws:a":"x*"}}`), "s3:Get", "*", ctx("aws:a", "xyz"), policy.ImplicitDeny},
		"not like, key absent":     {cond(`{"StringNotLike":{"aws:a":"x*"}}`), "s3:Get", "*", ctx(), policy.Allow},
		"user id of a session":     {cond(`{"StringLike":{"aws:userid":"AROA1:*"}}`), "s3:Get", "*", ctx("aws:userid", "AROA1:i-1"), policy.Allow},
		"user id as a variable":    {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:userid}/*"}}`, "s3:Get", "arn:aws:s3:::b/AROA1:i-2/k", ctx("aws:userid", "AROA1:i-1"), policy.ImplicitDeny},
		"arn equals has wildcards": {cond(`{"ArnEquals":{"aws:a":"arn:aws:ec2:*:*:instance/*"}}`), "s3:Get", "*", ctx("aws:a", me), policy.Allow},
		"arn like, key absent":     {cond(`{"ArnLike":{"aws:a":"*:*:*:*:*:*"}}`), "s3:Get", "*", ctx(), policy.ImplicitDeny},
		"arn not like":             {cond(`{"ArnNotLike":{"aws:a":"arn:aws:ec2:*:*:instance/*"}}`), "s3:Get", "*", ctx("aws:a", me), policy.ImplicitDeny},
		"arn not equals":           {cond(`{"ArnNotEquals":{"aws:a":"` + other + `"}}`), "s3:Get", "*", ctx("aws:a", me), policy.Allow},
		"bool, other":              {cond(`{"Bool":{"aws:a":"true"}}`), "s3:Get", "*", ctx("aws:a", "false"), policy.ImplicitDeny},
		"bool, absent":             {cond(`{"Bool":{"aws:a":"false"}}`), "s3:Get", "*", ctx(), policy.ImplicitDeny},
		"bool if exists":           {cond(`{"BoolIfExists":{"aws:a":"false"}}`), "s3:Get", "*", ctx(), policy.Allow},
		"null, absent":             {cond(`{"Null":{"aws:a":"true"}}`), "s3:Get", "*", ctx(), policy.Allow},
		"null, there":              {cond(`{"Null":{"aws:a":"true"}}`), "s3:Get", "*", ctx("aws:a", ""), policy.ImplicitDeny},
		"not null":                 {cond(`{"Null":{"aws:a":"false"}}`), "s3:Get", "*", ctx("aws:a", ""), policy.Allow},
		"all values, negated":      {cond(`{"ForAllValues:StringNotEquals":{"aws:TagKeys":"x"}}`), "s3:Get", "*", ctx("aws:TagKeys", "x|y"), policy.ImplicitDeny},
		"any value, negated":       {cond(`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"x"}}`), "s3:Get", "*", ctx("aws:TagKeys", "x|y"), policy.Allow},
		"all values, arns":         {cond(`{"ForAllValues:ArnLike":{"aws:a":"arn:aws:ec2:*:*:instance/i-m*"}}`), "s3:Get", "*", ctx("aws:a", me+"|"+other), policy.ImplicitDeny},
		"request tag":              {cond(`{"StringEquals":{"aws:RequestTag/x:owner":"${aws:username}"}}`), "s3:Get", "*", ctx("aws:RequestTag/x:owner", "ann", "aws:username", "bob"), policy.ImplicitDeny},
		"resource tag against one": {cond(`{"StringEquals":{"aws:ResourceTag/x:instance":"${ec2:SourceInstanceARN}"}}`), "s3:Get", "*", ctx("aws:ResourceTag/x:instance", me, "ec2:SourceInstanceARN", me), policy.Allow},
		"variable's star is literal in a condition": {cond(`{"StringLike":{"aws:a":"${aws:username}"}}`), "s3:Get", "*", ctx("aws:a", "ann", "aws:username", "*"), policy.ImplicitDeny},
		"deny with a condition that fails": {
			allow(`"Sid":"a"`) + "---" + `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`,
			"s3:Get", "*", ctx("aws:SecureTransport", "false"), policy.Allow,
		},
		"deny, not action": {
			allow(`"Sid":"a"`) + "---" + `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"s3:Get*","Resource":"*"}]}`,
			"s3:Put", "*", nil, policy.ExplicitDeny,
		},
		"pass role to a service": {
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/agent","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}}`,
			"iam:PassRole", "arn:aws:iam::123456789012:role/agent", ctx("iam:PassedToService", "scheduler.amazonaws.com"), policy.ImplicitDeny,
		},

		"variable in a resource":      {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"}}`, "s3:Get", "arn:aws:s3:::b/ann/k", ctx("aws:username", "ann"), policy.Allow},
		"variable's star is literal":  {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"}}`, "s3:Get", "arn:aws:s3:::b/ann/k", ctx("aws:username", "*"), policy.ImplicitDeny},
		"variable without value":      {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"}}`, "s3:Get", "arn:aws:s3:::b//k", ctx(), policy.ImplicitDeny},
		"variable without value, not": {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/${aws:username}/*"}}`, "s3:Get", "arn:aws:s3:::b/x/k", ctx(), policy.ImplicitDeny},
		"variable with value, not":    {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/${aws:username}/*"}}`, "s3:Get", "arn:aws:s3:::b/x/k", ctx("aws:username", "y"), policy.Allow},
		"variable with default":       {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username, 'all'}/*"}}`, "s3:Get", "arn:aws:s3:::b/all/k", ctx(), policy.Allow},
		"escaped star":                {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${*}"}}`, "s3:Get", "arn:aws:s3:::b/k", ctx(), policy.ImplicitDeny},
		"old version has no variable": {`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"}}`, "s3:Get", "arn:aws:s3:::b/ann/k", ctx("aws:username", "ann"), policy.ImplicitDeny},
	} {
		t.Run(name, func(t *testing.T) {
			var documents []*policy.Document
			for text := range strings.SplitSeq(c.documents, "---") {
				d, err := policy.Parse([]byte(text), policy.Identity)
				if err != nil {
					t.Fatal(err)
				}
				documents = append(documents, d)
			}
			if got := policy.Evaluate(documents, policy.Request{Action: c.action, Resource: c.resource, Context: c.context}); got != c.want {
				t.Errorf("decided %v, want %v", got, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":          `{`,
		"two documents":     `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} {}`,
		"no statement":      `{"Version":"2012-10-17"}`,
		"unknown version":   `{"Version":"2026-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		"unknown element":   `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Actions":"*"}}`,
		"unknown effect":    `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`,
		"no action":         `{"Statement":{"Effect":"Allow","Resource":"*"}}`,
		"both actions":      `{"Statement":{"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"}}`,
		"action, no vendor": `{"Statement":{"Effect":"Allow","Action":"RunInstances","Resource":"*"}}`,
		"no resource":       `{"Statement":{"Effect":"Allow","Action":"*"}}`,
		"resource, no ARN":  `{"Statement":{"Effect":"Allow","Action":"*","Resource":"bucket/*"}}`,
		"principal":         `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}`,
		"unknown operator":  `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"aws:a":"b"}}}}`,
		"key, no vendor":    `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a":"b"}}}}`,
	} {
		if _, err := policy.Parse([]byte(text), policy.Identity); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTrust(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"ec2":     {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","ec2.amazonaws.com"]},"Action":"sts:AssumeRole"}}`, true},
		"another": {`{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`, false},
		"denied":  {`{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"*"}]}`, false},
	} {
		d, err := policy.Parse([]byte(c.text), policy.Trust)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := d.TrustsService("ec2.amazonaws.com", nil); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A document never panics, and never makes the evaluator slow: the pattern
// matcher has no exponential case.
func FuzzEvaluate(f *testing.F) {
	f.Add(self, "ec2:TerminateInstances", me, "ec2:InstanceId", "i-me")
	f.Add(tagOne, "ec2:CreateTags", other, "aws:TagKeys", "x")
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:*a*a*a*a*a*b"}}`, "a:b", strings.Repeat("a", 200), "k", "v")
	f.Fuzz(func(t *testing.T, text, action, resource, key, value string) {
		d, err := policy.Parse([]byte(text), policy.Identity)
		if err != nil {
			return
		}
		began := time.Now()
		r := policy.Request{Action: action, Resource: resource, Context: ctx(key, value)}
		got := policy.Evaluate([]*policy.Document{d}, r)
		if again := policy.Evaluate([]*policy.Document{d}, r); again != got {
			t.Errorf("decided %v, then %v", got, again)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// The statements that decided are named by where they stand, and the keys that
// a document asks for are known.
func TestExplain(t *testing.T) {
	const text = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {
      "Effect": "Deny", "Action": "s3:Delete*", "Resource": "arn:aws:s3:::b/${aws:username}/${*}",
      "Condition": {"StringLike": {"aws:Häuser": "${aws:PrincipalTag/a}${x:y, 'z'}"}}
    }
  ]
}`
	d, err := policy.Parse([]byte(text), policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.Keys(), " "); got != "aws:Häuser aws:PrincipalTag/a aws:username" {
		t.Errorf("it asks for %s", got)
	}
	explain := func(action string, c policy.Context) (policy.Decision, []policy.Match) {
		return policy.Explain([]*policy.Document{d}, policy.Request{Action: action, Resource: "arn:aws:s3:::b/ann/*", Context: c})
	}
	decision, by := explain("s3:GetObject", nil)
	if decision != policy.Allow || len(by) != 1 || by[0].Start != (policy.Position{Line: 4, Column: 5}) || by[0].End != (policy.Position{Line: 4, Column: 58}) {
		t.Errorf("%v by %+v", decision, by)
	}
	decision, by = explain("s3:DeleteObject", ctx("aws:username", "ann", "aws:häuser", "Az", "aws:PrincipalTag/a", "A"))
	if decision != policy.ExplicitDeny || len(by) != 1 || by[0].Start.Line != 5 || by[0].End != (policy.Position{Line: 8, Column: 5}) {
		t.Errorf("%v by %+v", decision, by)
	}
	if decision, by = explain("ec2:RunInstances", nil); decision != policy.ImplicitDeny || by != nil {
		t.Errorf("%v by %+v", decision, by)
	}
	single, err := policy.Parse([]byte(`{"Id":"Statement","Statement" : {"Effect":"Allow","Action":"*","Resource":"*"}}`), policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, by := policy.Explain([]*policy.Document{single}, policy.Request{Action: "a:b", Resource: "*"}); by[0].Start != (policy.Position{Line: 1, Column: 33}) {
		t.Errorf("by %+v", by)
	}
}
