package find

import (
	"strings"

	"github.com/spawn-ec2/spawn/internal/market"
)

// Question is the query as EC2 can be asked it, without facets: names by
// themselves, * and ? as EC2 reads them. What EC2 cannot read, regular
// expressions, brackets and filters alone, is asked by the names of the catalog
// that could be meant; types newer than it are found by name or by * and ?.
// The error is that of Search for a pattern that cannot be understood.
func (q Query) Question() (market.Question, error) {
	question := market.Question{Regions: q.Regions}
	for _, text := range q.Patterns {
		p, err := parsePattern(text)
		switch {
		case err != nil:
			return market.Question{}, err
		case p.exact:
			question.Types = append(question.Types, p.text)
		case strings.HasPrefix(p.text, "/") || strings.ContainsAny(p.text, `[\`):
			for _, t := range p.among(Known{}.Types()) {
				question.Types = append(question.Types, t.Name)
			}
		default:
			question.Wildcards = append(question.Wildcards, p.text)
		}
	}
	if len(q.Patterns) == 0 {
		for _, t := range (Known{}).Types() {
			if q.couldSatisfy(t) {
				question.Types = append(question.Types, t.Name)
			}
		}
	}
	return question, nil
}
