// Package find answers truffle's questions: which instance types fit, where
// they are offered and what they cost. Its answers come in order of preference
// and can be handed over as offers.
//
// It reads the embedded catalog and calls nobody. It never leaves out silently:
// what was asked for and is missing from the answer is in the explanation.
package find

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Query is what Search looks for.
type Query struct {
	// Patterns are names, globs (m7i.*) or regular expressions (/^m7/), in
	// order of preference.
	// Without any, every type is looked at.
	Patterns []string
	// Regions are where the types should be; there is at least one.
	Regions []string
	Filters []Filter // see ParseFilters
	Order   Order    // OrderPreference when empty
	Spot    bool     // prices are Spot prices
}

// Explanation says what a search did beside its results.
type Explanation struct {
	Considered int       // types that matched a pattern
	Offered    int       // those of them that a region has
	Steps      []Step    // what each filter left
	Elsewhere  []Missing // types asked for by name that the region does not have
	NotAsked   int       // types of the answer about which EC2 was asked nothing, see Query.Question
}

// Missing is a type that is listed in none of the regions asked for.
type Missing struct {
	Type    string
	Regions []string // where it is listed; none is unknown, not nowhere
}

// Search finds the types that match a pattern, are offered in a region and
// satisfy all filters, every type once in each region, in the query's order.
//
// The error is a *problem.Error: kind Usage for a pattern or region that cannot
// be understood, NotFound when a name does not exist (even if another one does:
// a typing error must not change what is launched) or nothing is left.
func Search(known Known, q Query) ([]Row, Explanation, error) {
	var explanation Explanation
	for _, region := range q.Regions {
		if err := known.checkRegion(region); err != nil {
			return nil, explanation, err
		}
	}
	rows, explanation, err := match(known, q)
	if err != nil {
		return nil, explanation, err
	}
	if len(rows) == 0 {
		return nil, explanation, notOffered(q, explanation)
	}
	explanation.Offered = countTypes(rows)
	for _, f := range q.Filters {
		left, step := narrow(rows, f)
		explanation.Steps = append(explanation.Steps, step)
		if len(left) == 0 {
			return nil, explanation, nothingLeft(q, explanation, f, rows)
		}
		rows = left
	}
	explanation.NotAsked = known.notAsked(rows)
	return rows, explanation, sortRows(rows, q)
}

// match finds the types that match a pattern and are offered in a region: in
// the order of the patterns, for each by family and size, and then by region.
func match(known Known, q Query) ([]Row, Explanation, error) {
	var explanation Explanation
	var rows []Row
	seen := map[string]bool{}
	patterns := q.Patterns
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	for _, text := range patterns {
		p, err := parsePattern(text)
		if err != nil {
			return nil, explanation, err
		}
		types := known.matching(p)
		if len(types) == 0 {
			return nil, explanation, noSuchType(p)
		}
		for _, t := range types {
			if seen[t.Name] {
				continue
			}
			seen[t.Name] = true
			explanation.Considered++
			offered := false
			for _, region := range q.Regions {
				if row, ok := known.Row(region, t); ok {
					rows = append(rows, row)
					offered = true
				}
			}
			if !offered && p.exact {
				explanation.Elsewhere = append(explanation.Elsewhere, Missing{t.Name, catalog.OfferedIn(t.Name)})
			}
		}
	}
	return rows, explanation, nil
}

// notAsked counts the types of rows about which the question was not, in regions
// that answered.
func (k Known) notAsked(rows []Row) int {
	answered := map[string]bool{}
	for _, r := range k.Live.Regions {
		answered[r.Name] = r.Facets() != 0
	}
	return countTypes(slices.DeleteFunc(slices.Clone(rows), func(r Row) bool {
		return !answered[r.Region] || k.Live.Asked(r.Type.Name)
	}))
}

// checkRegion refuses a region that neither the catalog nor the account knows.
func (k Known) checkRegion(region string) error {
	regions := catalog.Regions()
	if slices.Contains(regions, region) {
		return nil
	}
	if _, asked := k.Live.Region(region); asked {
		return nil
	}
	return problem.New(problem.Usage, "nothing is known about region %q", region).
		WithNext("use one of %s", strings.Join(regions, ", "))
}

func noSuchType(p pattern) error {
	if !p.exact {
		return problem.New(problem.NotFound, "no instance type matches %s", p.text).
			WithNext("try a wider pattern, such as 'm7i.*', in quotes so that the shell leaves it alone")
	}
	e := problem.New(problem.NotFound, "instance type %s does not exist", p.text)
	if near := catalog.Nearest(p.text, 3); len(near) > 0 {
		return e.WithNext("did you mean %s?", strings.Join(near, ", "))
	}
	return e.WithNext("names look like m7i.large; a pattern such as 'm7i.*' lists a family")
}

// notOffered explains that everything that matched is missing in the region.
func notOffered(q Query, explanation Explanation) error {
	if len(explanation.Elsewhere) == 0 {
		return problem.New(problem.NotFound, "of the %d instance types that match, none is listed in %s", explanation.Considered, strings.Join(q.Regions, ", ")).
			WithNext("try another --region")
	}
	first := explanation.Elsewhere[0]
	e := problem.New(problem.NotFound, "%s is not listed in %s", first.Type, strings.Join(q.Regions, ", "))
	if len(first.Regions) == 0 {
		return e.WithNext("it exists, but where it is offered is not in the built-in catalog")
	}
	return e.WithNext("it is in %s: choose one with --region", strings.Join(first.Regions, ", "))
}
