package find

import (
	"fmt"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Step is what a filter did to the types that those before it had left.
type Step struct {
	Filter  Filter
	Left    int // types
	Unknown int // types left out because nobody can tell whether they satisfy it
}

// narrow keeps the rows that satisfy a filter. A type counts as left when it is
// in some region, and as unknown when it is in none and unknown in some.
func narrow(rows []Row, f Filter) ([]Row, Step) {
	var left, unknown []Row
	for _, r := range rows {
		switch f.test(r) {
		case catalog.Yes:
			left = append(left, r.within(f.zones))
		case catalog.Unknown:
			unknown = append(unknown, r)
		}
	}
	n := countTypes(left)
	return left, Step{Filter: f, Left: n, Unknown: countTypes(append(unknown, left...)) - n}
}

func countTypes(rows []Row) int {
	seen := map[string]bool{}
	for _, r := range rows {
		seen[r.Type.Name] = true
	}
	return len(seen)
}

// nothingLeft explains which filter removed the last types, what each had left,
// and what the removed ones have instead.
func nothingLeft(q Query, e Explanation, f Filter, removed []Row) error {
	var said strings.Builder
	fmt.Fprintf(&said, "%s %s", plural(e.Offered, "type", "types"), inRegions(q))
	if len(q.Patterns) > 0 {
		said.WriteString(verb(e.Offered, " matches ", " match ") + "'" + strings.Join(q.Patterns, "' or '") + "'")
	}
	for _, s := range e.Steps[:len(e.Steps)-1] {
		fmt.Fprintf(&said, "; %d %s", s.Left, s.Filter.phrase)
	}
	which := " of these "
	if e.Offered == 1 {
		which = " "
	}
	fmt.Fprintf(&said, "; none%s%s", which, f.phrase)
	if unknown := e.Steps[len(e.Steps)-1].Unknown; unknown > 0 {
		fmt.Fprintf(&said, " (of %d the %s is unknown)", unknown, f.subject)
	}
	if f.instead != nil {
		if text := f.instead(removed); text != "" {
			said.WriteString(": " + text)
		}
	}
	return problem.New(problem.NotFound, "%s", said.String()).WithNext("change or leave out %s", f)
}

func inRegions(q Query) string {
	if len(q.Regions) > 3 {
		return fmt.Sprintf("in %d regions", len(q.Regions))
	}
	return "in " + strings.Join(q.Regions, ", ")
}

func plural(n int, one, many string) string { return fmt.Sprintf("%d %s", n, verb(n, one, many)) }

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
