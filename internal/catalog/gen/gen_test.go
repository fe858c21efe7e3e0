package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

func TestDerive(t *testing.T) {
	tests := []struct {
		name         string
		vcpus, gib   int
		architecture catalog.Architectures
		localDisk    catalog.Answer
		bareMetal    bool
	}{
		{"c8i.large", 2, 4, catalog.X86, catalog.No, false},
		{"m9g.medium", 1, 4, catalog.Arm, catalog.No, false},
		{"m9gd.48xlarge", 192, 768, catalog.Arm, catalog.Yes, false},
		{"r8i-flex.xlarge", 4, 32, catalog.X86, catalog.No, false},
		{"c8ib.metal-96xl", 384, 768, catalog.X86, catalog.No, true},
		{"i8ge.48xlarge", 192, 1536, catalog.Arm, catalog.Yes, false},
		{"x8i.large", 2, 32, catalog.X86, catalog.No, false},
		{"x8aedz.large", 2, 64, catalog.X86, catalog.Yes, false},
	}
	for _, tt := range tests {
		got, ok := derive(tt.name)
		if !ok || got.VCPUs != tt.vcpus || got.MemoryMiB != tt.gib*1024 || got.Architectures != tt.architecture ||
			got.LocalDisk != tt.localDisk || got.BareMetal != tt.bareMetal || got.Origin != catalog.Derived {
			t.Errorf("%s: %+v %v", tt.name, got, ok)
		}
	}
	for _, name := range []string{"g7.2xlarge", "p6e-gb200.36xlarge", "u7ib-12tb.224xlarge", "mac-m4.metal", "m8i.metal", "t5.large", "m8i", ""} {
		if got, ok := derive(name); ok {
			t.Errorf("no rule covers %q, but it became %+v", name, got)
		}
	}
}

func TestCheckRulesNoticesAnException(t *testing.T) {
	good := catalog.Type{Name: "m7i.large", VCPUs: 2, MemoryMiB: 8192, Architectures: catalog.X86, LocalDisk: catalog.No}
	if err := checkRules([]catalog.Type{good}); err != nil {
		t.Error(err)
	}
	bad := good
	bad.MemoryMiB = 9000
	if err := checkRules([]catalog.Type{bad}); err == nil {
		t.Error("a type that breaks the rules was not noticed")
	}
}

func TestHibernation(t *testing.T) {
	tests := []struct {
		t    catalog.Type
		want catalog.Answer
	}{
		{catalog.Type{Name: "m7i.large", MemoryMiB: 8192}, catalog.Yes},
		{catalog.Type{Name: "r6i.large", MemoryMiB: 16384}, catalog.No},
		{catalog.Type{Name: "m7i.metal-24xl", MemoryMiB: 8192, BareMetal: true}, catalog.No},
		{catalog.Type{Name: "r7i.8xlarge", MemoryMiB: 150 * 1024}, catalog.No},
		{catalog.Type{Name: "c6a.12xlarge", MemoryMiB: 96 * 1024}, catalog.No},
		{catalog.Type{Name: "m7i-flex.12xlarge", MemoryMiB: 192 * 1024}, catalog.Yes},
		{catalog.Type{Name: "c9g.large", MemoryMiB: 4096, Origin: catalog.Derived}, catalog.Unknown},
		{catalog.Type{Name: "g7.2xlarge", Origin: catalog.NameOnly}, catalog.Unknown},
	}
	for _, tt := range tests {
		if got := hibernation(tt.t); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.t.Name, got, tt.want)
		}
	}
}

func TestZoneIDs(t *testing.T) {
	for region, prefix := range map[string]string{
		"us-east-1": "use1", "ap-southeast-2": "apse2", "ap-northeast-3": "apne3", "eu-central-1": "euc1",
		"us-gov-west-1": "usgw1", "mx-central-1": "mxc1", "af-south-1": "afs1",
	} {
		if got, err := zonePrefix(region); err != nil || got != prefix {
			t.Errorf("%s: %s %v", region, got, err)
		}
	}
	for _, region := range []string{"us-west-2-lax-1", "moon-1", "us-middle-1"} {
		if got, err := zonePrefix(region); err == nil {
			t.Errorf("%s is not a region, but has the zones %s", region, got)
		}
	}
	if ids, err := zoneIDs("ca-west-1", nil); err != nil || !slices.Equal(ids, []string{"caw1-az1", "caw1-az2", "caw1-az3"}) {
		t.Errorf("a region without listed zones: %v %v", ids, err)
	}
	if _, err := zoneIDs("us-east-1", map[string]bool{"usw2-az1": true}); err == nil {
		t.Error("a zone of another region was accepted")
	}
}

func TestMicroUSD(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "0.0104": 10_400, "0.100800": 100_800, "218.4": 218_400_000} {
		if got, err := microUSD(text); err != nil || got != want {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"free", "-1", "NaN", "1e9"} {
		if got, err := microUSD(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// The committed catalog is what the sources give, to the byte.
func TestTheCatalogIsUpToDate(t *testing.T) {
	t.Setenv("GOPROXY", "off") // look, but do not fetch that much for a test
	for _, m := range []module{instancesInfo, karpenter, sdk} {
		if _, err := m.fetch(t.Context()); err != nil {
			t.Skipf("%s %s is not in the module cache, so the catalog cannot be made again; go generate ./internal/catalog fetches it", m.path, m.version)
		}
	}
	made := filepath.Join(t.TempDir(), "catalog.bin")
	if err := run(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../catalog.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("catalog.bin differs from what its sources give: run go generate ./internal/catalog")
	}
}

func TestAWrongChecksumIsRefused(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	m := sdk
	if _, err := m.fetch(t.Context()); err != nil {
		t.Skipf("%s %s is not in the module cache", m.path, m.version)
	}
	m.sum = "h1:AAAA"
	if _, err := m.fetch(t.Context()); err == nil {
		t.Error("a module with another checksum was taken")
	}
}
