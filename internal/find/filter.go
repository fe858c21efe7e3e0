package find

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Filter is a condition on rows. What is unknown does not satisfy it.
type Filter struct {
	Flag  string // vcpus: as truffle search takes it
	Value string // 16+

	phrase  string                   // with at least 16 vCPUs
	subject string                   // vCPUs: what is unknown where the answer is
	test    func(Row) catalog.Answer // whether a row satisfies it
	instead func([]Row) string       // what rows that do not satisfy it have; may be nil
	zones   []string                 // of which zones alone rows are to speak; none is of all
}

// FilterKind is a filter that has no value yet.
type FilterKind struct {
	Flag  string
	Usage string // for the flag; what the value is stands in backquotes

	parse func(value string) (Filter, error)
}

// FilterKinds are all of them, in the order in which they are applied: what a
// type is comes before where it is and what it costs, so that the last one
// speaks of types that fit otherwise. With spot, prices are Spot prices.
func FilterKinds(spot bool) []FilterKind {
	return slices.Concat(familyKinds(), processorKinds(), acceleratorKinds(), machineKinds(), placeKinds(spot))
}

// Setting is the value of a filter as text.
type Setting struct {
	Flag, Value string
}

// ParseFilters reads settings, in any order; the filters are in the order of
// FilterKinds. The error is of kind Usage and names the flag.
func ParseFilters(settings []Setting, spot bool) ([]Filter, error) {
	var filters []Filter
	kinds := FilterKinds(spot)
	for _, k := range kinds {
		for _, s := range settings {
			if s.Flag != k.Flag {
				continue
			}
			f, err := k.parse(strings.TrimSpace(s.Value))
			if err != nil {
				return nil, problem.New(problem.Usage, "--%s: %w", s.Flag, err).WithNext("%s", nextOr(err, "see truffle search --help"))
			}
			f.Flag, f.Value = s.Flag, s.Value
			filters = append(filters, f)
		}
	}
	for _, s := range settings {
		if !slices.ContainsFunc(kinds, func(k FilterKind) bool { return k.Flag == s.Flag }) {
			return nil, problem.New(problem.Usage, "there is no filter %q", s.Flag)
		}
	}
	return filters, nil
}

func nextOr(err error, otherwise string) string {
	if next := problem.NextOf(err); next != "" {
		return next
	}
	return otherwise
}

// String is the filter as flags of truffle search.
func (f Filter) String() string { return "--" + f.Flag + " " + f.Value }

// Subject is what a filter asks about, such as "memory".
func (f Filter) Subject() string { return f.subject }

// quantity is a number that rows have.
type quantity struct {
	of     func(Row) (n float64, known bool)
	show   func(float64) string
	units  []unit
	within float64 // how far outside a span a number still counts as in it
}

// in makes the filter that wants a quantity to be in a span.
func (q quantity) in(s Span, phrase, subject string) Filter {
	return Filter{
		phrase: phrase, subject: subject,
		test: func(r Row) catalog.Answer {
			n, known := q.of(r)
			if !known {
				return catalog.Unknown
			}
			return answer(s.distance(n) <= q.within)
		},
		instead: func(rows []Row) string { return q.nearest(s, rows) },
	}
}

// nearest names the number that comes nearest to the span.
func (q quantity) nearest(s Span, rows []Row) string {
	best, found := 0.0, false
	for _, r := range rows {
		if n, known := q.of(r); known && (!found || s.distance(n) < s.distance(best)) {
			best, found = n, true
		}
	}
	if !found {
		return ""
	}
	return "the nearest is " + q.show(best)
}

// spanKind is the kind of a filter by a span of a quantity. The phrase is
// "with", the span and what is counted.
func spanKind(flag, usage, one, many, subject string, q quantity) FilterKind {
	return FilterKind{Flag: flag, Usage: usage, parse: func(value string) (Filter, error) {
		s, err := parseSpan(value, q.units)
		if err != nil {
			return Filter{}, problem.New(problem.Usage, "%w", err).WithNext("write a range like 8, 4-16, 8+ or -16")
		}
		return q.in(s, "with "+s.words(one, many), subject), nil
	}}
}

// answerKind is the kind of a filter by a question that is answered yes or no.
func answerKind(flag, usage, yes, no, subject string, of func(Row) catalog.Answer) FilterKind {
	return FilterKind{Flag: flag, Usage: usage, parse: func(value string) (Filter, error) {
		want, err := parseAnswer(value)
		if err != nil {
			return Filter{}, err
		}
		return answerFilter(want, yes, no, subject, of), nil
	}}
}

func answerFilter(want catalog.Answer, yes, no, subject string, of func(Row) catalog.Answer) Filter {
	phrase := yes
	if want == catalog.No {
		phrase = no
	}
	return Filter{phrase: phrase, subject: subject, test: func(r Row) catalog.Answer {
		got := of(r)
		if got == catalog.Unknown {
			return got
		}
		return answer(got == want)
	}}
}

func parseAnswer(text string) (catalog.Answer, error) {
	switch strings.ToLower(text) {
	case "yes":
		return catalog.Yes, nil
	case "no":
		return catalog.No, nil
	default:
		return catalog.Unknown, problem.New(problem.Usage, "%q is neither yes nor no", text).WithNext("say yes or no")
	}
}

func answer(yes bool) catalog.Answer {
	if yes {
		return catalog.Yes
	}
	return catalog.No
}

// labels makes the text about what there is instead, sorted, and cut short after
// so many.
func labels(most int, of func(Row) []string) func([]Row) string {
	return func(rows []Row) string {
		var all []string
		for _, r := range rows {
			all = append(all, of(r)...)
		}
		slices.Sort(all)
		all = slices.Compact(all)
		if len(all) == 0 {
			return ""
		}
		text := "there are " + strings.Join(all[:min(len(all), most)], ", ")
		if len(all) > most {
			text += " and others"
		}
		return text
	}
}

// list reads names separated by commas; case does not matter.
func list(text string) ([]string, error) {
	names := strings.Split(strings.ToLower(text), ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
		if names[i] == "" {
			return nil, problem.New(problem.Usage, "a name is empty").WithNext("separate names by single commas")
		}
	}
	return names, nil
}
