package find

import (
	"math"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func describeOne(t *testing.T, region, name string) Description {
	t.Helper()
	all, _, err := Describe(Known{}, Query{Patterns: []string{name}, Regions: []string{region}})
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %v %v", name, all, err)
	}
	return all[0]
}

func TestSiblings(t *testing.T) {
	for name, want := range map[string][2]string{
		"m7i.large":      {"", "m7i.xlarge"},
		"m7i.48xlarge":   {"m7i.24xlarge", ""}, // bare metal is no bigger size
		"m7i.metal-24xl": {"", "m7i.metal-48xl"},
		"t3.micro":       {"t3.nano", "t3.small"},
	} {
		d := describeOne(t, "us-east-1", name)
		if got := [2]string{d.Smaller, d.Bigger}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestHibernationHasAReason(t *testing.T) {
	for name, word := range map[string]string{
		"m7i.large": "encrypted", "m7i.metal-24xl": "bare metal", "r7i.48xlarge": "150 GiB", "g5.xlarge": "does not list",
		unknownHibernation(t): "no source",
	} {
		if d := describeOne(t, "us-east-1", name); !strings.Contains(d.HibernationWhy, word) {
			t.Errorf("%s: %s, %s", name, d.Type.Hibernation, d.HibernationWhy)
		}
	}
}

func TestCostsByState(t *testing.T) {
	d := describeOne(t, "us-east-1", "m7i.large")
	disk := 0.08 * AssumedDiskGiB / 730
	for name, c := range map[string]struct {
		got  *float64
		want float64
	}{
		"running":    {d.Costs.Running.USD(), 0.1008 + 0.005 + disk},
		"stopped":    {d.Costs.Stopped.USD(), disk},
		"hibernated": {d.Costs.Hibernated.USD(), 2 * disk}, // 8 GiB of memory
	} {
		if c.got == nil || math.Abs(*c.got-c.want) > 2e-6 {
			t.Errorf("%s: %v, want %f", name, c.got, c.want)
		}
	}
	// The price of a disk in Ireland or of a Spot instance nobody has seen is not
	// taken for nothing.
	if d := describeOne(t, "eu-west-1", "m8a.large"); d.Costs.Stopped.Known() != d.Costs.Running.Known() || d.Costs.RunningSpot.USD() != nil {
		t.Errorf("%+v", d.Costs)
	}
}

func TestTheCheapestIsMarked(t *testing.T) {
	all, _, err := Describe(Known{}, Query{Patterns: []string{"m7i.large", "m7g.large", "m8a.large"}, Regions: []string{"us-east-1"}})
	if err != nil || len(all) != 3 {
		t.Fatal(err)
	}
	if all[0].OnDemandCheapest || !all[1].OnDemandCheapest || !all[1].SpotCheapest || all[2].SpotCheapest {
		t.Errorf("%+v", all)
	}
}

func TestDescribeTakesNames(t *testing.T) {
	for text, kind := range map[string]problem.Kind{"m7i.*": problem.Usage, "/m7i/": problem.Usage, "m7i.larg": problem.NotFound} {
		if _, _, err := Describe(Known{}, Query{Patterns: []string{text}, Regions: []string{"us-east-1"}}); problem.KindOf(err) != kind || problem.NextOf(err) == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func unknownHibernation(t *testing.T) string {
	t.Helper()
	for typ := range catalog.Types() {
		if _, ok := catalog.Offered("us-east-1", typ.Name); ok && typ.Hibernation == catalog.Unknown {
			return typ.Name
		}
	}
	t.Fatal("the catalog knows of every type whether it can hibernate")
	return ""
}
