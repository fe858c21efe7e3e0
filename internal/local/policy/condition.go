package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one operator on one key.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type condition struct {
	key      string // in lower case
	values   []string
	set      quantifier
	ifExists bool
	null     bool
	test     test
	negated  bool
}

type quantifier int

const (
	single quantifier = iota
	forAll
	forAny
)

// test compares one value of the request with one of the policy.
type test func(have string, want pattern) bool

// newCondition reads an operator, its prefix and suffix.
func newCondition(operator, key string, values []string) (condition, error) {
	c := condition{key: strings.ToLower(key), values: values}
	name := operator
	if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		c.set, name = forAll, rest
	} else if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		c.set, name = forAny, rest
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	if !strings.Contains(key, ":") {
		return c, fmt.Errorf("the condition key %q must be prefaced by a vendor", key)
	}
	if len(values) == 0 {
		return c, fmt.Errorf("the condition on %s has no value", key)
	}
	if name == "Null" {
		if c.ifExists || c.set != single {
			return c, fmt.Errorf("invalid condition operator %q", operator)
		}
		c.null = true
		return c, nil
	}
	if c.test, c.negated = operatorTest(name); c.test == nil {
		return c, fmt.Errorf("invalid condition operator %q", operator)
	}
	return c, nil
}

// operatorTest is how an operator compares, and whether it is the negation of
// that; nil for an unknown one.
func operatorTest(name string) (compare test, negated bool) {
	switch name {
	case "StringEquals", "StringNotEquals":
		compare = func(have string, want pattern) bool { return have == want.literal() }
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		compare = func(have string, want pattern) bool { return strings.EqualFold(have, want.literal()) }
	case "StringLike", "StringNotLike":
		compare = func(have string, want pattern) bool { return want.matches(have) }
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		compare = arnLike
	case "Bool":
		compare = func(have string, want pattern) bool { return strings.EqualFold(have, want.literal()) }
	case "IpAddress", "NotIpAddress":
		compare = inPrefix
	default:
		return comparison(name)
	}
	return compare, strings.Contains(name, "Not")
}

// comparison is the test of the operators that have an order.
func comparison(name string) (compare test, negated bool) {
	kind, order := "", ""
	for _, k := range []string{"Numeric", "Date"} {
		if rest, found := strings.CutPrefix(name, k); found {
			kind, order = k, rest
		}
	}
	var fits func(sign int) bool
	switch order {
	case "Equals", "NotEquals":
		fits = func(sign int) bool { return sign == 0 }
	case "LessThan":
		fits = func(sign int) bool { return sign < 0 }
	case "LessThanEquals":
		fits = func(sign int) bool { return sign <= 0 }
	case "GreaterThan":
		fits = func(sign int) bool { return sign > 0 }
	case "GreaterThanEquals":
		fits = func(sign int) bool { return sign >= 0 }
	default:
		return nil, false
	}
	compare = func(have string, want pattern) bool {
		sign, ok := compareNumbers(have, want.literal())
		if kind == "Date" {
			sign, ok = compareDates(have, want.literal())
		}
		return ok && fits(sign)
	}
	return compare, order == "NotEquals"
}

// holds decides the condition. A key that is absent fails every operator but
// Null, the negated ones and those that end in IfExists; ForAllValues holds
// of no values at all.
func (c *condition) holds(d *Document, ctx Context) bool {
	have := ctx[c.key]
	if c.null {
		wantAbsent := strings.EqualFold(c.values[0], "true")
		return (len(have) == 0) == wantAbsent
	}
	if len(have) == 0 {
		switch c.set {
		case forAll:
			return true
		case forAny:
			return c.ifExists
		default:
			return c.ifExists || c.negated
		}
	}
	matches := func(value string) bool {
		hit := slices.ContainsFunc(c.values, func(text string) bool {
			want, complete := d.expand(text, ctx)
			return complete && c.test(value, want)
		})
		return hit != c.negated
	}
	if c.set == forAll || (c.set == single && c.negated) {
		return !slices.ContainsFunc(have, func(v string) bool { return !matches(v) })
	}
	return slices.ContainsFunc(have, matches)
}

// arnLike compares the six parts of an ARN one by one, so a wildcard in one
// never reaches into the next.
func arnLike(have string, want pattern) bool {
	parts := strings.SplitN(have, ":", 6)
	patterns := want.split()
	if len(parts) != 6 || len(patterns) != 6 {
		return false
	}
	for i, p := range patterns {
		if !p.matches(parts[i]) {
			return false
		}
	}
	return true
}

func inPrefix(have string, want pattern) bool {
	address, err := netip.ParseAddr(have)
	if err != nil {
		return false
	}
	text := want.literal()
	if !strings.Contains(text, "/") {
		other, err := netip.ParseAddr(text)
		return err == nil && other == address
	}
	prefix, err := netip.ParsePrefix(text)
	return err == nil && prefix.Contains(address)
}

func compareNumbers(a, b string) (sign int, ok bool) {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX != nil || errY != nil {
		return 0, false
	}
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, x == y
}

func compareDates(a, b string) (sign int, ok bool) {
	x, okX := parseDate(a)
	y, okY := parseDate(b)
	if !okX || !okY {
		return 0, false
	}
	return x.Compare(y), true
}

// parseDate reads ISO 8601 or seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	if t, err := time.Parse("2006-01-02", s); err == nil {
		return t, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil
}
