package catalog

import (
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	tests := []struct {
		name         string
		vcpus        int
		memoryMiB    int
		architecture string
		gpus         int
		gpuModel     string
		hibernation  Answer
	}{
		{"t3.micro", 2, 1024, "x86_64", 0, "", Yes},
		{"t2.nano", 1, 512, "x86_64", 0, "", Yes},
		{"m7i.large", 2, 8192, "x86_64", 0, "", Yes},
		{"m8g.medium", 1, 4096, "arm64", 0, "", Yes},
		{"g5.xlarge", 4, 16384, "x86_64", 1, "NVIDIA A10G", No},
		{"p5.48xlarge", 192, 2048 * 1024, "x86_64", 8, "NVIDIA H100", No},
		{"g6f.large", 2, 8192, "x86_64", 1, "NVIDIA L4 (1/8)", No},
		{"r6i.large", 2, 16384, "x86_64", 0, "", No},
		{"c6a.12xlarge", 48, 96 * 1024, "x86_64", 0, "", No},
		{"m7i-flex.16xlarge", 64, 256 * 1024, "x86_64", 0, "", Yes},
		{"m7i.48xlarge", 192, 768 * 1024, "x86_64", 0, "", No}, // too much memory
		{"m7i.metal-24xl", 96, 384 * 1024, "x86_64", 0, "", No},
		{"m8a.large", 2, 8192, "x86_64", 0, "", Yes},
		{"mac2.metal", 8, 16384, "arm64_mac", 0, "", No},
		{"inf2.xlarge", 4, 16384, "x86_64", 0, "AWS Inferentia2", No},
	}
	for _, tt := range tests {
		typ, ok := Lookup(tt.name)
		if !ok {
			t.Errorf("%s was not found", tt.name)
			continue
		}
		gpus, known := typ.GPUs()
		if typ.VCPUs != tt.vcpus || typ.MemoryMiB != tt.memoryMiB || typ.Architectures.Preferred() != tt.architecture ||
			gpus != tt.gpus || !known || typ.Accelerators.Model != tt.gpuModel || typ.Hibernation != tt.hibernation {
			t.Errorf("%s: %+v", tt.name, typ)
		}
	}
	if _, ok := Lookup("t3.enormous"); ok {
		t.Error("a type that does not exist was found")
	}
}

// Every record of the embedded file can be read and makes sense.
func TestEveryValueIsPlausible(t *testing.T) {
	count, previous := 0, ""
	for typ := range Types() {
		count++
		if typ.Name <= previous {
			t.Errorf("%s comes after %s", typ.Name, previous)
		}
		previous = typ.Name
		if found, ok := Lookup(typ.Name); !ok || found != typ {
			t.Errorf("%s: looking it up gave %+v", typ.Name, found)
		}
		unknown := typ.VCPUs == 0 || typ.MemoryMiB == 0
		if unknown != (typ.Origin == NameOnly) {
			t.Errorf("%s has %d vCPUs and %d MiB, origin %d", typ.Name, typ.VCPUs, typ.MemoryMiB, typ.Origin)
		}
		if typ.Source.Name == "" || typ.Source.AsOf == "" {
			t.Errorf("%s has no source", typ.Name)
		}
		if typ.Accelerators.Kind == NoAccelerator != (typ.Accelerators.Count == 0) {
			t.Errorf("%s: %+v", typ.Name, typ.Accelerators)
		}
	}
	if count < 1400 {
		t.Errorf("there are only %d types", count)
	}
	for _, region := range Regions() {
		if len(Zones(region)) < 2 {
			t.Errorf("%s has the zones %v", region, Zones(region))
		}
		for typ := range Types() {
			o, ok := Offered(region, typ.Name)
			if !ok {
				continue
			}
			if o.Region != region || o.Type != typ.Name {
				t.Errorf("asked for %s in %s, got %+v", typ.Name, region, o)
			}
			for _, p := range []Price{o.OnDemand, o.Spot} {
				if p.Known() && (p.Source.AsOf == "" || p.MicroUSD > 1000e6) {
					t.Errorf("%s in %s costs %+v", typ.Name, region, p)
				}
			}
			if !o.Confirmed && !o.OnDemand.Estimated {
				t.Errorf("%s in %s is neither listed nor estimated", typ.Name, region)
			}
			for _, z := range o.Zones {
				if !slices.Contains(Zones(region), z) {
					t.Errorf("%s is in zone %v, which %s does not have", typ.Name, z, region)
				}
			}
		}
	}
}

func TestOffered(t *testing.T) {
	o, ok := Offered("us-east-1", "m7i.large")
	if !ok || !o.Confirmed || o.OnDemand.MicroUSD != 100_800 || o.OnDemand.Estimated || !o.Spot.Known() || len(o.Zones) == 0 {
		t.Errorf("m7i.large in us-east-1: %+v %v", o, ok)
	}
	if o.OnDemand.Source.AsOf <= o.Spot.Source.AsOf {
		t.Errorf("the newer price list should have given the on-demand price: %+v", o)
	}
	// m8a is newer than what is known about eu-west-1.
	o, ok = Offered("eu-west-1", "m8a.large")
	if !ok || o.Confirmed || !o.OnDemand.Estimated || o.Spot.Known() || len(o.Zones) != 0 {
		t.Errorf("m8a.large in eu-west-1: %+v %v", o, ok)
	}
	base, _ := Offered(BaseRegion, "m8a.large")
	if ratio := float64(o.OnDemand.MicroUSD) / float64(base.OnDemand.MicroUSD); ratio < 1 || ratio > 1.3 {
		t.Errorf("the estimate is %.2f times the base price", ratio)
	}
	// Known when the region's prices were, and not among them; and GovCloud's
	// list is complete, so nothing is estimated there.
	for region, typeName := range map[string]string{"mx-central-1": "p5.48xlarge", "us-gov-west-1": "c9g.large", "xx-nowhere-1": "t3.micro"} {
		if o, ok := Offered(region, typeName); ok {
			t.Errorf("%s in %s should not be offered: %+v", typeName, region, o)
		}
	}
	if in := OfferedIn("p5.48xlarge"); !slices.Contains(in, "us-east-1") || slices.Contains(in, "mx-central-1") {
		t.Errorf("p5.48xlarge is offered in %v", in)
	}
}

func TestZones(t *testing.T) {
	want := []Zone{{"use1-az1", "us-east-1a"}, {"use1-az2", "us-east-1b"}, {"use1-az3", "us-east-1c"}, {"use1-az4", "us-east-1d"}, {"use1-az5", "us-east-1e"}, {"use1-az6", "us-east-1f"}}
	if got := Zones("us-east-1"); !slices.Equal(got, want) {
		t.Errorf("us-east-1: %v", got)
	}
	if got := Zones("us-west-1"); len(got) != 2 || got[1] != (Zone{"usw1-az3", "us-west-1c"}) {
		t.Errorf("us-west-1: %v", got)
	}
	if got := Zones("xx-nowhere-1"); got != nil {
		t.Errorf("a region that is unknown has zones: %v", got)
	}
}

func TestNearest(t *testing.T) {
	tests := map[string]string{
		"m7i.larg":   "m7i.large",
		"m7i.lagre":  "m7i.large",
		"M7I.Large ": "m7i.large",
		"t3micro":    "t3.micro",
		"t3_micro":   "t3.micro",
		"p5.48xlrge": "p5.48xlarge",
	}
	for typo, meant := range tests {
		if got := Nearest(typo, 3); len(got) == 0 || len(got) > 3 || got[0] != meant {
			t.Errorf("%s: %v", typo, got)
		}
	}
	for _, far := range []string{"", "kubernetes", strings.Repeat("m7i.large", 1000)} {
		if got := Nearest(far, 3); len(got) != 0 && far != "" {
			t.Errorf("%.20s: %v", far, got)
		}
	}
}

func TestEncodeRefusesWhatDoesNotFit(t *testing.T) {
	tests := map[string]Contents{
		"order":  {Types: []Type{{Name: "b.x"}, {Name: "a.x"}}},
		"number": {Types: []Type{{Name: "a.x", VCPUs: 1 << 16}}},
		"price":  {Types: []Type{{Name: "a.x"}}, Regions: []RegionContents{{Offerings: []OfferingContents{{OnDemand: Price{MicroUSD: 1 << 32}}}}}},
		"type":   {Regions: []RegionContents{{Offerings: []OfferingContents{{TypeIndex: 1}}}}},
	}
	for name, c := range tests {
		if _, err := Encode(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(file[:headerSize])
	f.Add(file[:1000])
	f.Fuzz(func(_ *testing.T, text string) {
		if _, err := open(text); err != nil {
			return // refused; what matters is that it does not panic
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		if _, ok := Lookup("m7i.large"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkOffered(b *testing.B) {
	for b.Loop() {
		if _, ok := Offered("us-west-2", "m7i.large"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkNearest(b *testing.B) {
	for b.Loop() {
		Nearest("m7i.larg", 3)
	}
}
