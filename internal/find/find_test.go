package find

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func names(results []Row) []string {
	var all []string
	for _, r := range results {
		all = append(all, r.Type.Name)
	}
	return all
}

func TestSearchOrder(t *testing.T) {
	tests := []struct {
		patterns []string
		want     []string
	}{
		{[]string{"m7i.large"}, []string{"m7i.large"}},
		{[]string{" M7I.Large "}, []string{"m7i.large"}},
		{[]string{"t3.*"}, []string{"t3.nano", "t3.micro", "t3.small", "t3.medium", "t3.large", "t3.xlarge", "t3.2xlarge"}},
		{[]string{"m7i.metal*", "m7i.24xlarge", "m7i.4xlarge"}, []string{"m7i.metal-24xl", "m7i.metal-48xl", "m7i.24xlarge", "m7i.4xlarge"}},
		{[]string{"/^m7i\\.(2?4x|x)large$/"}, []string{"m7i.xlarge", "m7i.4xlarge", "m7i.24xlarge"}},
		{[]string{"c[67]g.large"}, []string{"c6g.large", "c7g.large"}},
		{[]string{"t3.large", "t3.l*", "t3.?arge"}, []string{"t3.large"}}, // each once
		{[]string{"m7i.metal-24xl", "/^m7i.24xlarge|^m7i.metal-24xl/"}, []string{"m7i.metal-24xl", "m7i.24xlarge"}},
	}
	for _, tt := range tests {
		results, _, err := Search(Known{}, Query{Patterns: tt.patterns, Regions: []string{"us-east-1"}})
		if err != nil || !slices.Equal(names(results), tt.want) {
			t.Errorf("%v: %v %v", tt.patterns, names(results), err)
		}
	}
}

func TestCompareNatural(t *testing.T) {
	ordered := []string{"c8i", "m7i", "m7i-flex", "m8a", "m10i", "u-6tb1", "u-12tb1"}
	shuffled := []string{"u-12tb1", "m10i", "m7i-flex", "c8i", "m8a", "u-6tb1", "m7i"}
	slices.SortFunc(shuffled, compareNatural)
	if diff := cmp.Diff(ordered, shuffled); diff != "" {
		t.Error(diff)
	}
}

func TestSearchProblems(t *testing.T) {
	tests := []struct {
		name     string
		query    Query
		kind     problem.Kind
		nextHas  string
		causeHas string
	}{
		{"typing error", Query{Patterns: []string{"m7i.larg"}, Regions: []string{"us-east-1"}}, problem.NotFound, "m7i.large", "m7i.larg"},
		{"one typing error of two", Query{Patterns: []string{"t3.micro", "m7i.larg"}, Regions: []string{"us-east-1"}}, problem.NotFound, "m7i.large", "m7i.larg"},
		{"nothing like it", Query{Patterns: []string{"kubernetes"}, Regions: []string{"us-east-1"}}, problem.NotFound, "m7i.*", "kubernetes"},
		{"no match", Query{Patterns: []string{"zz*"}, Regions: []string{"us-east-1"}}, problem.NotFound, "", "zz*"},
		{"elsewhere", Query{Patterns: []string{"p5.48xlarge"}, Regions: []string{"mx-central-1"}}, problem.NotFound, "us-east-1", "mx-central-1"},
		{"all elsewhere", Query{Patterns: []string{"p4*"}, Regions: []string{"mx-central-1"}}, problem.NotFound, "--region", "mx-central-1"},
		{"unknown region", Query{Patterns: []string{"t3.micro"}, Regions: []string{"us-esat-1"}}, problem.Usage, "us-east-1", "us-esat-1"},
		{"empty pattern", Query{Patterns: []string{" "}, Regions: []string{"us-east-1"}}, problem.Usage, "", ""},
		{"bad glob", Query{Patterns: []string{"m7[i.large"}, Regions: []string{"us-east-1"}}, problem.Usage, "", "m7[i.large"},
		{"bad expression", Query{Patterns: []string{"/m7(/"}, Regions: []string{"us-east-1"}}, problem.Usage, "", "/m7(/"},
	}
	for _, tt := range tests {
		results, _, err := Search(Known{}, tt.query)
		if err == nil || problem.KindOf(err) != tt.kind || problem.NextOf(err) == "" ||
			!strings.Contains(problem.NextOf(err), tt.nextHas) || !strings.Contains(err.Error(), tt.causeHas) {
			t.Errorf("%s: %v; next: %s", tt.name, err, problem.NextOf(err))
		}
		if len(results) != 0 {
			t.Errorf("%s: there are results beside the error: %v", tt.name, names(results))
		}
	}
}

func TestWhatTheRegionLacksIsExplained(t *testing.T) {
	results, explanation, err := Search(Known{}, Query{Patterns: []string{"p5.48xlarge", "t3.micro"}, Regions: []string{"mx-central-1"}})
	if err != nil || !slices.Equal(names(results), []string{"t3.micro"}) {
		t.Fatalf("%v %v", names(results), err)
	}
	if len(explanation.Elsewhere) != 1 || explanation.Elsewhere[0].Type != "p5.48xlarge" ||
		!slices.Contains(explanation.Elsewhere[0].Regions, "us-east-1") || explanation.Considered != 2 {
		t.Errorf("%+v", explanation)
	}
}

// Every offer that can be found is one that the reader at the other end of the
// pipe accepts, unchanged, and launches on demand.
func TestEveryOfferCanBeRead(t *testing.T) {
	for _, region := range []string{"us-east-1", "eu-west-1", "us-gov-west-1"} {
		results, _, err := Search(Known{}, Query{Patterns: []string{"*"}, Regions: []string{region}})
		if err != nil || len(results) < 500 {
			t.Fatalf("%s: %d results, %v", region, len(results), err)
		}
		var offers []offer.Offer
		for _, r := range results {
			o := r.Offer()
			if o.WantsSpot() || o.VCPUs != nil && *o.VCPUs == 0 || o.OnDemandPrice != nil && *o.OnDemandPrice == 0 {
				t.Errorf("%+v", o)
			}
			if (o.OnDemandPrice != nil || o.SpotPrice != nil) && (o.PriceSource == "" || o.PriceAsOf == "") {
				t.Errorf("%s in %s has a price without source or date", o.InstanceType, region)
			}
			offers = append(offers, o)
		}
		var pipe bytes.Buffer
		if err := offer.Write(&pipe, offers); err != nil {
			t.Fatal(err)
		}
		read, err := offer.Read(&pipe)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(offers, read); diff != "" {
			t.Errorf("%s: %s", region, diff)
		}
	}
}

func TestAnEstimateSaysSo(t *testing.T) {
	results, _, err := Search(Known{}, Query{Patterns: []string{"m8a.large"}, Regions: []string{"eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if o := results[0].Offer(); o.OnDemandPrice == nil || !strings.HasPrefix(o.PriceSource, "estimated") {
		t.Errorf("%+v", o)
	}
}

func BenchmarkSearchOne(b *testing.B) {
	for b.Loop() {
		if _, _, err := Search(Known{}, Query{Patterns: []string{"m7i.large"}, Regions: []string{"us-east-1"}}); err != nil {
			b.Fatal(err)
		}
	}
}
