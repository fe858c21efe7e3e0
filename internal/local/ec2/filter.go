package ec2

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// maxFilterValues is the most values in a request's filters together.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
const maxFilterValues = 200

// filter is a filter as it travels. A resource passes if, for every filter, one
// of its values matches one of the filter's. Values may have the wildcards *
// and ?, and a backslash takes the meaning from the next character; their case
// matters.
type filter struct {
	Name   string
	Values []string `query:"Value"`
}

// attribute is the values that a resource has under the name of a filter; known
// is false for a filter that its kind does not have. What the zero resource
// knows, all of the kind do.
type attribute[V any] func(v V, name string) (values []string, known bool)

// one is an attribute with one value.
func one(v string) ([]string, bool) { return []string{v}, true }

// truth is an attribute that is true or false.
func truth(b bool) ([]string, bool) {
	if b {
		return one("true")
	}
	return one("false")
}

// checkFilters refuses filters that no resource of the kind could answer.
func checkFilters[V any](filters []filter, tagged bool, a attribute[V]) error {
	count := 0
	for _, f := range filters {
		count += len(f.Values)
		if f.Name == "" {
			return errValue("The filter name must not be empty")
		}
		if len(f.Values) == 0 {
			return errValue("The filter '%s' has no value", f.Name)
		}
		if tagged && isTagFilter(f.Name) {
			continue
		}
		var sample V
		if _, known := a(sample, f.Name); !known {
			return errValue("The filter '%s' is invalid", f.Name)
		}
	}
	if count > maxFilterValues {
		return wire.Errorf("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
	}
	return nil
}

// passes tells whether a resource passes all filters.
func passes[V any](filters []filter, tags map[string]string, v V, a attribute[V]) bool {
	for _, f := range filters {
		values, tag := tagValues(f.Name, tags)
		if !tag {
			values, _ = a(v, f.Name)
		}
		if !slices.ContainsFunc(values, f.admits) {
			return false
		}
	}
	return true
}

func (f filter) admits(value string) bool {
	return slices.ContainsFunc(f.Values, func(pattern string) bool { return glob(pattern, value) })
}

func isTagFilter(name string) bool {
	return name == "tag-key" || name == "tag-value" || strings.HasPrefix(name, "tag:")
}

// tagValues are the values of the filters on tags, which every kind has.
func tagValues(name string, tags map[string]string) (values []string, isTag bool) {
	if !isTagFilter(name) {
		return nil, false
	}
	if key, found := strings.CutPrefix(name, "tag:"); found {
		if v, tagged := tags[key]; tagged {
			values = append(values, v)
		}
		return values, true
	}
	for k, v := range tags {
		if name == "tag-key" {
			values = append(values, k)
		} else {
			values = append(values, v)
		}
	}
	return values, true
}

// glob matches with * and ?. A star takes more only when what follows fails,
// so the time is in proportion to the product of the lengths.
func glob(pattern, s string) bool {
	if !strings.ContainsAny(pattern, `*?\`) {
		return pattern == s
	}
	p, t := []rune(pattern), []rune(s)
	at, star, resume := 0, -1, 0
	for i := 0; i < len(t); {
		literal := at < len(p) && p[at] == '\\' && at+1 < len(p)
		switch {
		case literal && p[at+1] == t[i]:
			at, i = at+2, i+1
		case !literal && at < len(p) && p[at] == '*':
			star, resume = at, i
			at++
		case !literal && at < len(p) && (p[at] == '?' || p[at] == t[i]):
			at, i = at+1, i+1
		case star >= 0:
			resume++
			at, i = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(string(p[at:]), "*") == ""
}
