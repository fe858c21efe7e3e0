package find

import (
	"slices"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

func everything(t *testing.T) []Filter {
	t.Helper()
	filters, err := ParseFilters([]Setting{{"vcpus", "1+"}}, false)
	if err != nil {
		t.Fatal(err)
	}
	return filters
}

// Filters alone can mean every type. In one region EC2 is asked about all of
// them; everywhere it is asked about what comes first, and nobody takes the rest
// for asked.
func TestAQuestionIsBounded(t *testing.T) {
	here, err := Query{Regions: []string{"us-east-1"}, Filters: everything(t)}.Question()
	if err != nil || len(here.Types) < 1000 {
		t.Fatalf("%d types, %v", len(here.Types), err)
	}
	regions := market.Partition("us-east-1")
	q := Query{Regions: regions, Filters: everything(t)}
	question, err := q.Question()
	if n := len(question.Types) * len(regions); err != nil || n > mostAsked || n < mostAsked/2 {
		t.Fatalf("%d types in %d regions, %v", len(question.Types), len(regions), err)
	}
	rows, _, err := Search(Known{}, q)
	if err != nil || question.Types[0] != rows[0].Type.Name {
		t.Errorf("asked about %s first; the cheapest is %s, %v", question.Types[0], rows[0].Type.Name, err)
	}
	asked := Known{Live: market.Survey{Question: question, Regions: []market.Region{{Name: "us-east-1", Types: market.Fact[[]catalog.Type]{AsOf: time.Unix(1, 0)}}}}}
	q.Regions = []string{"us-east-1"}
	if _, explanation, err := Search(asked, q); err != nil || explanation.NotAsked < 500 {
		t.Errorf("%d were not asked about, %v", explanation.NotAsked, err)
	}
	if _, explanation, err := Search(Known{}, q); err != nil || explanation.NotAsked != 0 {
		t.Errorf("nobody was asked, and %d were not asked about, %v", explanation.NotAsked, err)
	}
}

// A wide pattern is bounded too; a family is not, and finds types that are newer
// than the catalog.
func TestPatternsAreBounded(t *testing.T) {
	regions := market.Partition("us-east-1")
	all, err := Query{Patterns: []string{"*"}, Regions: regions}.Question()
	if err != nil || len(all.Wildcards) > 0 || len(all.Types)*len(regions) > mostAsked {
		t.Errorf("%d types, %v, %v", len(all.Types), all.Wildcards, err)
	}
	family, err := Query{Patterns: []string{"m7i.*"}, Regions: regions}.Question()
	if err != nil || !slices.Equal(family.Wildcards, []string{"m7i.*"}) {
		t.Errorf("%v, %v", family.Wildcards, err)
	}
	// Capacity is known by nobody else, and is asked in one call for all types.
	blocks, err := CapacityQuery{Types: []string{"*"}, Regions: regions}.Question()
	if err != nil || !slices.Equal(blocks.Wildcards, []string{"*"}) {
		t.Errorf("%v, %v", blocks.Wildcards, err)
	}
}
