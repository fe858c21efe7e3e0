package cloudtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// Need is a permission that a cloud asked for, with all that conditions could
// look at.
type Need struct {
	Where string // the script or test in which it did
	policy.Request
}

// Needs are those of calls whose principal's ARN contains a text.
func Needs(where, principal string, calls []tape.Call) (out []Need) {
	for _, c := range calls {
		if !strings.Contains(c.Principal, principal) {
			continue
		}
		for _, n := range c.Needs {
			out = append(out, Need{where, policy.Request{Action: n.Action, Resource: n.Resource, Context: n.Context}})
		}
	}
	return out
}

// LeastPrivilege compares a document with what was needed under it. An action is
// superfluous if no need would be refused without it; a condition, if leaving it
// out lets nothing through that differs from what was needed in its key alone.
// In excused are those that may be so, by "Sid action" or "Sid key", with the
// reason; those that were superfluous indeed are deleted from left.
func LeastPrivilege(t *testing.T, d permissions.Document, needs []Need, excused, left map[string]string) {
	t.Helper()
	judge := func(name, proof string) {
		switch _, may := excused[name]; {
		case proof != "":
			t.Logf("%s: %s", name, proof)
		case may:
			delete(left, name)
		default:
			t.Errorf("%s is superfluous: nothing that was done needs it", name)
		}
	}
	for i, s := range d.Statement {
		for _, action := range s.Action {
			judge(s.Sid+" "+action, neededBy(d, without(d, i, action), needs))
		}
		for _, key := range keysOf(s) {
			judge(s.Sid+" "+key, heldBackBy(d, widened(d, i, key), key, needs))
		}
	}
}

// neededBy tells of a need that a document allows and the lesser one
// does not; "" when there is none.
func neededBy(d, less permissions.Document, needs []Need) string {
	whole, rest := parsed(d), parsed(less)
	for _, n := range needs {
		if allows(whole, n.Request) && !allows(rest, n.Request) {
			return "needed by " + n.Where
		}
	}
	return ""
}

// heldBackBy is a request like one of the scripts', but with another value of a
// condition's key or with none, that a document refuses and the wider one lets
// through; "" when there is none.
func heldBackBy(d, wider permissions.Document, key string, needs []Need) string {
	whole, wide := parsed(d), parsed(wider)
	for _, n := range needs {
		if !allows(whole, n.Request) {
			continue
		}
		for _, other := range others(n.Request, key) {
			if !allows(whole, other) && allows(wide, other) {
				return fmt.Sprintf("holds back %s on %s with %s %q (%s)", other.Action, other.Resource, key, other.Context[strings.ToLower(key)], n.Where)
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
