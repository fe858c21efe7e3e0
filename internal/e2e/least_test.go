//go:build unix

package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

const accountID = "123456789012" // of every local cloud

// unscripted are the permissions that no script needs, with the reason why they
// are in the documents all the same.
var unscripted = map[string]string{
	"FirstSpotInstance iam:CreateServiceLinkedRole": "EC2 asks for it once in the life of an account; the local cloud does not",
	"FirstSpotInstance iam:AWSServiceName":          "the same",
}

// leastPrivilege compares what the documents allow with what the scripts' calls
// were checked for. Both ways: a call that a document does not allow, and an
// action or a condition that can be left out without a call being refused or a
// request being let through that must not be.
func (r *record) leastPrivilege(t *testing.T) {
	t.Helper()
	users := r.of(":user/restricted")
	unused := maps.Clone(unscripted)
	for _, c := range permissions.Capabilities() {
		compare(t, string(c), permissions.For(c, "aws", accountID), users, unused)
	}
	compare(t, permissions.AgentRole, permissions.Agent("aws", accountID), r.of(":assumed-role/"+permissions.AgentRole+"/"), unused)
	compare(t, permissions.SchedulerRole, permissions.Scheduler("aws", accountID), r.of(":assumed-role/"+permissions.SchedulerRole+"/"), unused)
	for what, why := range unused {
		t.Errorf("%s is needed by a script: it is no exception any more (%s)", what, why)
	}
}

func compare(t *testing.T, who string, d permissions.Document, needs []need, unused map[string]string) {
	t.Helper()
	for i, s := range d.Statement {
		for _, action := range s.Action {
			name := s.Sid + " " + action
			script := neededBy(d, without(d, i, action), needs)
			if excused(unused, name, script != "") {
				continue
			}
			if script == "" {
				t.Errorf("%s: no script needs %s", who, name)
				continue
			}
			t.Logf("%s: %s is needed by %s", who, name, script)
		}
		for _, key := range keysOf(s) {
			name := s.Sid + " " + key
			request := heldBackBy(d, widened(d, i, key), key, needs)
			if excused(unused, name, request != "") {
				continue
			}
			if request == "" {
				t.Errorf("%s: the condition %s holds nothing back", who, name)
				continue
			}
			t.Logf("%s: %s holds back %s", who, name, request)
		}
	}
}

// excused takes a name from the exceptions that are in use.
func excused(unused map[string]string, name string, needed bool) bool {
	_, excused := unscripted[name]
	if excused && !needed {
		delete(unused, name)
	}
	return excused && !needed
}

// neededBy is the script with a call that a document allows and the lesser one
// does not; "" when there is none.
func neededBy(d, less permissions.Document, needs []need) string {
	whole, rest := parsed(d), parsed(less)
	for _, n := range needs {
		if allows(whole, n.Request) && !allows(rest, n.Request) {
			return n.script
		}
	}
	return ""
}

// heldBackBy is a request like one of the scripts', but with another value of a
// condition's key or with none, that a document refuses and the wider one lets
// through; "" when there is none.
func heldBackBy(d, wider permissions.Document, key string, needs []need) string {
	whole, wide := parsed(d), parsed(wider)
	for _, n := range needs {
		if !allows(whole, n.Request) {
			continue
		}
		for _, other := range others(n.Request, key) {
			if !allows(whole, other) && allows(wide, other) {
				return fmt.Sprintf("%s on %s with %s %q (%s)", other.Action, other.Resource, key, other.Context[strings.ToLower(key)], n.script)
			}
		}
	}
	return ""
}

// others are requests with another value of a key, with one more, and without.
func others(r policy.Request, key string) (out []policy.Request) {
	values := r.Context[strings.ToLower(key)]
	for _, v := range [][]string{{"another"}, append(slices.Clone(values), "another"), nil} {
		other := r
		other.Context = maps.Clone(r.Context)
		if other.Context.Set(key, v...); v == nil {
			delete(other.Context, strings.ToLower(key))
		}
		out = append(out, other)
	}
	return out
}

func allows(d *policy.Document, r policy.Request) bool {
	return d != nil && policy.Evaluate([]*policy.Document{d}, r) == policy.Allow
}

// parsed is a document as the local cloud reads it; nil for an empty one.
func parsed(d permissions.Document) *policy.Document {
	if len(d.Statement) == 0 {
		return nil
	}
	p, err := policy.Parse([]byte(d.JSON()), policy.Identity)
	if err != nil {
		panic(err) // the local cloud took the same document
	}
	return p
}

// without is the document without an action of a statement.
func without(d permissions.Document, statement int, action string) permissions.Document {
	d.Statement = slices.Clone(d.Statement)
	s := &d.Statement[statement]
	s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == action })
	if len(s.Action) == 0 {
		d.Statement = slices.Delete(d.Statement, statement, statement+1)
	}
	return d
}

// widened is the document without a statement's conditions on a key.
func widened(d permissions.Document, statement int, key string) permissions.Document {
	d.Statement = slices.Clone(d.Statement)
	s := &d.Statement[statement]
	less := make(map[string]map[string][]string)
	for operator, keys := range s.Condition {
		rest := maps.Clone(keys)
		delete(rest, key)
		if len(rest) > 0 {
			less[operator] = rest
		}
	}
	s.Condition = less
	return d
}

func keysOf(s permissions.Statement) []string {
	var keys []string
	for _, byKey := range s.Condition {
		keys = append(keys, slices.Collect(maps.Keys(byKey))...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
