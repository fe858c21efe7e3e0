package find

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// search is Search in us-east-1 with filters as flags: "--vcpus 16 --spot".
func search(t *testing.T, known Known, patterns []string, flags string) ([]Row, Explanation, error) {
	t.Helper()
	q := Query{Patterns: patterns, Regions: []string{"us-east-1"}}
	words := strings.Fields(flags)
	var settings []Setting
	for len(words) > 0 {
		if words[0] == "--spot" {
			q.Spot, words = true, words[1:]
			continue
		}
		settings = append(settings, Setting{strings.TrimPrefix(words[0], "--"), words[1]})
		words = words[2:]
	}
	var err error
	if q.Filters, err = ParseFilters(settings, q.Spot); err != nil {
		t.Fatalf("%s: %v", flags, err)
	}
	return Search(known, q)
}

func TestFilters(t *testing.T) {
	tests := []struct {
		patterns string
		flags    string
		want     string
	}{
		{"m7i.*", "--vcpus 4-8", "m7i.xlarge m7i.2xlarge"},
		{"m7i.*", "--memory 64gib", "m7i.4xlarge"},
		{"m7i.*", "--bare-metal yes", "m7i.metal-24xl m7i.metal-48xl"},
		{"m7i.*", "--bare-metal no --vcpus 96+", "m7i.24xlarge m7i.48xlarge"},
		{"m7?.large", "--arch amd64", "m7a.large m7i.large"},
		{"m7?.large", "--arch ARM64", "m7g.large"},
		{"m7?.large", "--processor amd", "m7a.large"},
		{"m[56]*.large", "--processor graviton --local-disk yes", "m6gd.large"},
		{"m7?d.large", "--local-disk 100+", "m7gd.large"},
		{"m7g*.large", "--local-disk no", "m7g.large"},
		{"g5.*", "--gpus 4+ --gpu-memory 96gb", "g5.12xlarge g5.24xlarge"},
		{"g*", "--gpu-model L4 --gpus 8", "g6.48xlarge"},  // and not L40S
		{"m1.small m1.large", "--memory 1.7", "m1.small"}, // 1740 MiB
		{"g6f.*", "--gpu-memory 3gb-6gb", "g6f.large g6f.xlarge g6f.2xlarge"},
		{"trn*", "--gpu-model trainium --accelerators 1", "trn1.2xlarge"},
		{"trn*", "--gpus 0 --accelerators 1", "trn1.2xlarge"}, // Neuron devices are no GPUs
		{"t*.micro", "--current-generation no", "t1.micro"},
		{"t[23].micro", "--burstable yes --hibernation yes", "t2.micro t3.micro"},
		{"m7i.*", "--max-price 0.1008", "m7i.large"},
		{"m7i.* m7g.*", "--spot --max-price 0.031 --vcpus 2", "m7g.large"},
		{"*.large", "--family m7i,M7G", "m7g.large m7i.large"},
		{"m6in.*", "--network 25+ --vcpus 16-32", "m6in.4xlarge m6in.8xlarge"},
		{"", "--family t3 --max-price $0.02", "t3.nano t3.micro"},
		{"", "--family m7i --vcpus 2-4", "m7i.large m7i.xlarge"}, // the cheapest first
	}
	for _, tt := range tests {
		rows, _, err := search(t, Known{}, strings.Fields(tt.patterns), tt.flags)
		if got := strings.Join(names(rows), " "); err != nil || got != tt.want {
			t.Errorf("%s %s: %s %v", tt.patterns, tt.flags, got, err)
		}
	}
}

func TestBadFilters(t *testing.T) {
	for _, s := range []Setting{
		{"vcpus", "many"},
		{"vcpus", "8gb"},
		{"vcpus", ""},
		{"memory", "16-8"},
		{"gpus", "-"},
		{"arch", "sparc"},
		{"arch", ""},
		{"processor", "apple"},
		{"gpu-model", " "},
		{"local-disk", "big"},
		{"burstable", "maybe"},
		{"hibernation", "true"},
		{"family", "m7i,"},
		{"zone", ""},
		{"max-price", "0"},
		{"max-price", "-1"},
		{"max-price", "1eur"},
		{"max-price", "$"},
		{"colour", "red"},
	} {
		filters, err := ParseFilters([]Setting{s}, false)
		if problem.KindOf(err) != problem.Usage || len(filters) != 0 || !strings.Contains(err.Error(), s.Flag) {
			t.Errorf("%v: %v %v", s, filters, err)
		}
	}
}

func TestNothingLeftNamesTheFilterAndWhatThereIs(t *testing.T) {
	tests := []struct {
		patterns, flags string
		cause, next     []string
	}{
		{"m7i.*", "--vcpus 16 --max-price 0.10", []string{"'m7i.*'", "11 types", "1 with 16 vCPUs", "0.10", "m7i.4xlarge", "$0.8064"}, []string{"--max-price 0.10"}},
		{"t3.micro", "--memory 2+", []string{"1 type ", "nearest is 1 GiB"}, []string{"--memory"}},
		{"g5.*", "--gpu-model h100", []string{"NVIDIA A10G"}, []string{"--gpu-model"}},
		{"m7i.large", "--zone us-east-1z", []string{"us-east-1a"}, []string{"--zone"}},
		{"p5.4xlarge", "--zone us-east-1a", []string{"unknown"}, []string{"--zone"}},
	}
	for _, tt := range tests {
		rows, _, err := search(t, Known{}, strings.Fields(tt.patterns), tt.flags)
		if problem.KindOf(err) != problem.NotFound || len(rows) != 0 {
			t.Errorf("%s: %v %v", tt.flags, names(rows), err)
			continue
		}
		for _, part := range tt.cause {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q is not in: %v", tt.flags, part, err)
			}
		}
		for _, part := range tt.next {
			if !strings.Contains(problem.NextOf(err), part) {
				t.Errorf("%s: %q is not in: %s", tt.flags, part, problem.NextOf(err))
			}
		}
	}
}

// What is unknown satisfies neither a filter nor its opposite, and is counted.
func TestUnknownSatisfiesNothing(t *testing.T) {
	for _, flags := range []string{"--hibernation yes", "--hibernation no"} {
		rows, e, err := search(t, Known{}, []string{"*"}, flags)
		if err != nil || e.Steps[0].Unknown == 0 || e.Steps[0].Left != len(rows) {
			t.Fatalf("%s: %+v %v", flags, e, err)
		}
		for _, r := range rows {
			if r.Type.Hibernation == catalog.Unknown {
				t.Errorf("%s: %s", flags, r.Type.Name)
			}
		}
	}
	newer := Known{Live: market.Survey{
		Question: market.Question{Wildcards: []string{"*"}},
		Regions:  []market.Region{{Name: "us-east-1", Zones: market.Fact[map[string][]string]{Value: map[string][]string{"x99.large": {"us-east-1a"}}}}},
	}}
	newer.Live.Regions[0].Types.Value = []catalog.Type{{Name: "x99.large", Origin: catalog.NameOnly}}
	for _, k := range FilterKinds(false) {
		for _, value := range map[string][]string{
			"family": {"x98"}, "zone": {"us-east-1b"}, "arch": {"arm64"}, "processor": {"amd"}, "gpu-model": {"l4"},
			"max-price": {"1000"}, "local-disk": {"yes", "no", "0+"},
			"current-generation": {"yes", "no"}, "burstable": {"yes", "no"}, "bare-metal": {"yes", "no"}, "hibernation": {"yes", "no"},
		}[k.Flag] {
			if rows, _, err := search(t, newer, []string{"x99.large"}, "--"+k.Flag+" "+value); err == nil {
				t.Errorf("--%s %s found %v, of which only the name is known", k.Flag, value, names(rows))
			}
		}
	}
	if _, _, err := search(t, newer, []string{"x99.large"}, "--family x99 --zone us-east-1a"); err != nil {
		t.Errorf("what is known of it does not find it: %v", err)
	}
}

// Searching with filters equal to what is known of a type finds it.
func TestEveryTypeIsFoundByItsOwnValues(t *testing.T) {
	rows, _, err := search(t, Known{}, []string{"*"}, "")
	if err != nil || len(rows) < 1000 {
		t.Fatalf("%d %v", len(rows), err)
	}
	for _, r := range rows {
		settings := ownValues(r)
		filters, err := ParseFilters(settings, false)
		if err != nil {
			t.Fatalf("%s %v: %v", r.Type.Name, settings, err)
		}
		for _, f := range filters {
			if f.test(r) != catalog.Yes {
				t.Errorf("%s does not satisfy %s", r.Type.Name, f)
			}
		}
		if rand.IntN(40) > 0 { // all of it for some, because each looks at every type
			continue
		}
		found, _, err := Search(Known{}, Query{Regions: []string{"us-east-1"}, Filters: filters})
		if err != nil || !slices.Contains(names(found), r.Type.Name) {
			t.Errorf("%s is not found by %v: %v", r.Type.Name, settings, err)
		}
	}
}

func ownValues(r Row) []Setting {
	t := r.Type
	own := []Setting{{"family", t.Family()}}
	add := func(flag, value string, known bool) {
		if known {
			own = append(own, Setting{flag, value})
		}
	}
	size := func(mib int) string { return strconv.FormatFloat(float64(mib)/1024, 'f', -1, 64) }
	yes := func(b bool) string { return answer(b).String() }
	nameOnly := t.Origin == catalog.NameOnly
	gpus, known := t.GPUs()
	add("arch", t.Architectures.Preferred(), t.Architectures != 0)
	add("processor", string(ProcessorOf(t)), ProcessorOf(t) != "")
	add("vcpus", strconv.Itoa(t.VCPUs), t.VCPUs > 0)
	add("memory", size(t.MemoryMiB), t.MemoryMiB > 0)
	add("gpus", strconv.Itoa(gpus), known)
	add("gpu-memory", size(t.Accelerators.MemoryMiB), gpus > 0 && t.Accelerators.MemoryMiB > 0)
	add("accelerators", strconv.Itoa(t.Accelerators.Count), !nameOnly)
	add("gpu-model", t.Accelerators.Model, t.Accelerators.Count > 0)
	add("network", strconv.FormatFloat(float64(t.NetworkMbps)/1000, 'f', -1, 64), t.NetworkMbps > 0)
	add("local-disk", t.LocalDisk.String(), t.LocalDisk != catalog.Unknown)
	add("local-disk", strconv.Itoa(t.LocalDiskGB), t.LocalDiskGB > 0)
	add("burstable", yes(t.Burstable), !nameOnly)
	add("bare-metal", yes(t.BareMetal), !nameOnly)
	add("current-generation", yes(!t.Previous), !nameOnly)
	add("hibernation", t.Hibernation.String(), t.Hibernation != catalog.Unknown)
	if len(r.Zones) > 0 {
		add("zone", r.Zones[0], true)
	}
	if usd := r.OnDemand.USD(); usd != nil {
		add("max-price", strconv.FormatFloat(*usd, 'f', -1, 64), true)
	}
	return own
}

func TestProcessorOf(t *testing.T) {
	for name, want := range map[string]Processor{
		"m7i.large": Intel, "m7i-flex.large": Intel, "u7i-12tb.224xlarge": Intel, "x2iezn.metal": Intel, "i7ie.large": Intel,
		"m7a.large": AMD, "t3a.micro": AMD, "hpc7a.12xlarge": AMD, "g4ad.xlarge": AMD, "x8aedz.large": AMD,
		"m7g.large": Graviton, "t4g.nano": Graviton, "im4gn.large": Graviton, "is4gen.large": Graviton, "x2gd.large": Graviton,
		// The letter is not there, or is not the processor's.
		"m5.large": "", "a1.large": "", "i3.large": "", "g5.xlarge": "", "p6e-gb200.36xlarge": "", "inf2.xlarge": "", "mac2.metal": "", "u-12tb1.metal": "",
	} {
		typ, ok := catalog.Lookup(name)
		if got := ProcessorOf(typ); !ok || got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestOrders(t *testing.T) {
	tests := []struct {
		patterns string
		order    Order
		spot     bool
		want     string
	}{
		{"t3.large t3.nano", OrderPreference, false, "t3.large t3.nano"},
		{"t3.large t3.nano", "", false, "t3.large t3.nano"},
		{"t3.large t3.nano", OrderName, false, "t3.nano t3.large"},
		{"m7i.48xlarge m7i.2xlarge m7i.12xlarge", OrderName, false, "m7i.2xlarge m7i.12xlarge m7i.48xlarge"}, // by size, not by alphabet
		{"m7i.large t3.large m7g.large", OrderPrice, false, "m7g.large t3.large m7i.large"},
		{"m7i.large m8a.large m7g.large", OrderSpotPrice, false, "m7g.large m7i.large m8a.large"}, // unknown last
		{"m7i.large m8a.large m7g.large", OrderPrice, true, "m7g.large m7i.large m8a.large"},
		{"r7i.large t3.large m7i.xlarge", OrderVCPUs, false, "r7i.large t3.large m7i.xlarge"},
		{"r7i.large t3.2xlarge m7i.xlarge m7g.large", OrderMemory, false, "m7g.large m7i.xlarge r7i.large t3.2xlarge"}, // ties by family
		{"p5.48xlarge g5.xlarge m7i.large", OrderGPUs, false, "m7i.large g5.xlarge p5.48xlarge"},
		{"g6.xlarge g5.48xlarge g5.xlarge", OrderGPUMemory, false, "g5.xlarge g6.xlarge g5.48xlarge"},
		{"m6in.32xlarge t3.micro", OrderNetwork, false, "t3.micro m6in.32xlarge"},
		{"i4i.large m7i.large", OrderLocalDisk, false, "m7i.large i4i.large"},
	}
	for _, tt := range tests {
		rows, _, err := Search(Known{}, Query{Patterns: strings.Fields(tt.patterns), Regions: []string{"us-east-1"}, Order: tt.order, Spot: tt.spot})
		if got := strings.Join(names(rows), " "); err != nil || got != tt.want {
			t.Errorf("%s by %s: %s %v", tt.patterns, tt.order, got, err)
		}
	}
	if _, _, err := Search(Known{}, Query{Patterns: []string{"t3.*"}, Regions: []string{"us-east-1"}, Order: "beauty"}); problem.KindOf(err) != problem.Usage {
		t.Errorf("%v", err)
	}
}

// A type is one result in each region, and cheap regions come first by price.
func TestRegionsAreSortedTogether(t *testing.T) {
	rows, e, err := Search(Known{}, Query{Patterns: []string{"m7i.*"}, Regions: []string{"eu-west-1", "us-east-1"}, Order: OrderPrice})
	if err != nil || e.Offered != 11 || len(rows) != 22 {
		t.Fatalf("%d %+v %v", len(rows), e, err)
	}
	if rows[0].Region != "us-east-1" || !slices.IsSortedFunc(rows, func(a, b Row) int { return a.OnDemand.Cmp(b.OnDemand) }) {
		t.Errorf("%v", rows[0])
	}
}

// A wanted zone is the only one that a row speaks of and an offer goes to.
func TestZonesReachTheOffer(t *testing.T) {
	now := func(usd float64) price.Price { return price.FromUSD(usd, "EC2", "2026-11-23") }
	known := Known{Live: market.Survey{Question: market.Question{Types: []string{"t3.micro"}}, Regions: []market.Region{{
		Name: "us-east-1",
		Spot: market.Fact[[]market.SpotPrice]{Value: []market.SpotPrice{
			{Type: "t3.micro", Zone: "us-east-1a", Price: now(0.002)}, {Type: "t3.micro", Zone: "us-east-1b", Price: now(0.004)},
		}},
	}}}}
	filters, err := ParseFilters([]Setting{{"zone", "us-east-1b"}, {"max-price", "0.003"}}, true)
	if err != nil {
		t.Fatal(err)
	}
	q := Query{Patterns: []string{"t3.micro"}, Regions: []string{"us-east-1"}, Spot: true, Filters: filters}
	if rows, _, err := Search(known, q); err == nil {
		t.Errorf("the price of another zone was taken: %v", rows)
	}
	q.Filters = filters[:1]
	rows, _, err := Search(known, q)
	if err != nil {
		t.Fatal(err)
	}
	o := q.Offer(rows[0])
	if !o.Spot || o.SpotPrice == nil || *o.SpotPrice != 0.004 || !slices.Equal(o.Zones(), []string{"us-east-1b"}) {
		t.Errorf("%+v", o)
	}
}

func TestFiltersAloneAskByName(t *testing.T) {
	filters, err := ParseFilters([]Setting{{"family", "m7i"}, {"vcpus", "2-4"}, {"zone", "us-east-1a"}, {"max-price", "0.0001"}}, false)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Query{Regions: []string{"us-east-1"}, Filters: filters}.Question()
	if err != nil || !slices.Equal(q.Types, []string{"m7i.large", "m7i.xlarge"}) || len(q.Wildcards) != 0 {
		t.Errorf("%+v %v", q, err)
	}
}
