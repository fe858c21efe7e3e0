package find

import (
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

// mostAsked is how many types EC2 is asked about, counted in each region: in
// every region that is one page of types, so that an answer takes some two
// hundred calls and not fifteen hundred, which would be throttled.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
const mostAsked = 3000

// Question is the query as EC2 can be asked it, without facets: names by
// themselves, * and ? as EC2 reads them. What EC2 cannot read, regular
// expressions, brackets and filters alone, is asked by the names of the catalog
// that could be meant; types newer than it are found by name or by * and ?.
//
// When more is meant than EC2 should be asked, the question is about what comes
// first by the catalog; the rest is answered from it, and Search says so. The
// error is that of Search for a pattern that cannot be understood.
func (q Query) Question() (market.Question, error) {
	question, err := q.unbounded()
	if err != nil {
		return market.Question{}, err
	}
	most := max(1, mostAsked/max(1, len(q.Regions)))
	meant := len(question.Types)
	for t := range catalog.Types() {
		if len(question.Wildcards) > 0 && question.Means(t.Name) {
			meant++
		}
	}
	if meant > most {
		question.Types, question.Wildcards = q.likeliest(question, most), nil
	}
	return question, nil
}

// Question is the query as EC2 can be asked it: about all that is meant, because
// what is not asked for cannot be answered by anybody else.
func (q CapacityQuery) Question() (market.Question, error) {
	return Query{Patterns: q.Types, Regions: q.Regions}.unbounded()
}

func (q Query) unbounded() (market.Question, error) {
	question := market.Question{Regions: q.Regions}
	for _, text := range q.Patterns {
		p, err := parsePattern(text)
		switch {
		case err != nil:
			return market.Question{}, err
		case p.exact:
			question.Types = append(question.Types, p.text)
		case strings.HasPrefix(p.text, "/") || strings.ContainsAny(p.text, `[\`):
			for _, t := range (Known{}).matching(p) {
				question.Types = append(question.Types, t.Name)
			}
		default:
			question.Wildcards = append(question.Wildcards, p.text)
		}
	}
	if len(q.Patterns) == 0 {
		for t := range catalog.Types() {
			if q.couldSatisfy(t) {
				question.Types = append(question.Types, t.Name)
			}
		}
	}
	return question, nil
}

// likeliest are so many of the types that a question means: those that come
// first in the catalog's answer to the query, then those that it leaves out and
// EC2 may not.
func (q Query) likeliest(question market.Question, most int) []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if len(names) < most && !seen[name] && question.Means(name) {
			seen[name] = true
			names = append(names, name)
		}
	}
	// That the catalog has no answer is no error here: EC2 is asked all the same.
	if rows, _, err := Search(Known{}, q); err == nil {
		for _, r := range rows {
			add(r.Type.Name)
		}
	}
	for _, name := range question.Types {
		add(name)
	}
	for t := range catalog.Types() {
		add(t.Name)
	}
	return names
}
