package find

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

func TestQuotaOf(t *testing.T) {
	quotas := []market.Quota{
		{Name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", VCPUs: 5},
		{Name: "Running On-Demand G and VT instances", VCPUs: 8},
		{Name: "Running On-Demand P instances"},
		{Name: "Running On-Demand Inf instances", VCPUs: 96},
		{Name: "Running On-Demand High Memory instances", VCPUs: 448},
		{Name: "Running On-Demand HPC instances", VCPUs: 192},
		{Name: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", Spot: true, VCPUs: 64},
	}
	fits := func(vcpus, fit int) Quota { return Quota{Known: true, VCPUs: vcpus, Fit: &fit} }
	for name, want := range map[string]Quota{
		"m7i.large":          fits(5, 2),
		"im4gn.large":        fits(5, 2),
		"t3.micro":           fits(5, 2),
		"m7i.8xlarge":        fits(5, 0),
		"g5.xlarge":          fits(8, 2),
		"gr6.4xlarge":        fits(8, 0),
		"p5.48xlarge":        fits(0, 0),
		"inf2.xlarge":        fits(96, 24),
		"hpc6a.48xlarge":     fits(192, 2),
		"u-6tb1.112xlarge":   fits(448, 1),
		"mac2.metal":         {},
		"trn1.2xlarge":       {}, // no such quota was told
		"nobody.knows-these": {},
	} {
		typ, found := catalog.Lookup(name)
		if !found {
			typ = catalog.Type{Name: name}
		}
		got := QuotaOf(quotas, typ, false)
		if want.Name = got.Name; got.Known != (got.Name != "") || !cmp.Equal(got, want) {
			t.Errorf("%s: %s", name, cmp.Diff(want, got))
		}
	}
	spot := fits(64, 32)
	spot.Name = "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"
	if got := QuotaOf(quotas, catalog.Type{Name: "c7g.large", VCPUs: 2}, true); !cmp.Equal(got, spot) {
		t.Errorf("Spot: %+v", got)
	}
	if got := QuotaOf(quotas, catalog.Type{Name: "m99.large"}, false); !got.Known || got.Fit != nil {
		t.Errorf("a type whose vCPUs are unknown: %+v", got)
	}
	if got := QuotaOf(quotas, catalog.Type{Name: "g5.xlarge", VCPUs: 4}, true); got.Known {
		t.Errorf("Spot, of a class that was not told: %+v", got)
	}
}
