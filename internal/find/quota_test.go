package find

import (
	"testing"

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
	for name, want := range map[string]Quota{
		"m7i.large":          {true, 5, 2},
		"im4gn.large":        {true, 5, 2},
		"t3.micro":           {true, 5, 2},
		"m7i.8xlarge":        {true, 5, 0},
		"g5.xlarge":          {true, 8, 2},
		"gr6.4xlarge":        {true, 8, 0},
		"p5.48xlarge":        {true, 0, 0},
		"inf2.xlarge":        {true, 96, 24},
		"hpc6a.48xlarge":     {true, 192, 2},
		"u-6tb1.112xlarge":   {true, 448, 1},
		"mac2.metal":         {},
		"trn1.2xlarge":       {}, // no such quota was told
		"nobody.knows-these": {},
	} {
		typ, found := catalog.Lookup(name)
		if !found {
			typ = catalog.Type{Name: name}
		}
		if got := quotaOf(quotas, typ, false); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if got := quotaOf(quotas, catalog.Type{Name: "c7g.large", VCPUs: 2}, true); got != (Quota{true, 64, 32}) {
		t.Errorf("Spot: %+v", got)
	}
	if got := quotaOf(quotas, catalog.Type{Name: "g5.xlarge", VCPUs: 4}, true); got.Known {
		t.Errorf("Spot, of a class that was not told: %+v", got)
	}
}
