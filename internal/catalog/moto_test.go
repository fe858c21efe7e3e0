package catalog_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// motoTypes prints the answer of DescribeInstanceTypes that moto carries, which
// was recorded from AWS by people who do not know this project.
const motoTypes = `
import json, sys
from moto.ec2.models.instance_types import INSTANCE_TYPES
json.dump(list(INSTANCE_TYPES.values()), sys.stdout)
`

// knownDifferences are fields in which moto's record is known to be wrong or to
// answer another question.
var knownDifferences = map[string]string{
	"m1.medium": "the record has less memory than AWS documents",
	"r3.large":  "the record has less memory than AWS documents",
}

// TestAgainstMoto compares the catalog with a record that no one here wrote.
func TestAgainstMoto(t *testing.T) {
	out, err := exec.Command("python3", "-c", motoTypes).Output()
	if err != nil {
		t.Skipf("python3 with moto is not installed, so there is no foreign record to compare with: %v", err)
	}
	var records []struct {
		Name      string `json:"InstanceType"`
		BareMetal bool
		Hibernate bool `json:"HibernationSupported"`
		VCPU      struct {
			Count int `json:"DefaultVCpus"`
		} `json:"VCpuInfo"`
		Memory struct {
			MiB int `json:"SizeInMiB"`
		} `json:"MemoryInfo"`
		Processor struct{ SupportedArchitectures []string } `json:"ProcessorInfo"`
		GPU       struct {
			Gpus []struct {
				LogicalGpuCount int
				Manufacturer    string
			}
			TotalGpuMemoryInMiB int
		} `json:"GpuInfo"`
	}
	if err := json.Unmarshal(out, &records); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, r := range records {
		typ, ok := catalog.Lookup(r.Name)
		if !ok {
			t.Errorf("%s is not in the catalog", r.Name)
			continue
		}
		if _, ok := knownDifferences[r.Name]; ok || typ.Origin == catalog.NameOnly {
			continue
		}
		compared++
		architectures := typ.Architectures.Names()
		slices.Sort(architectures)
		slices.Sort(r.Processor.SupportedArchitectures)
		if typ.VCPUs != r.VCPU.Count || typ.MemoryMiB != r.Memory.MiB || typ.BareMetal != r.BareMetal ||
			!slices.Equal(architectures, r.Processor.SupportedArchitectures) {
			t.Errorf("%s: the catalog has %d vCPUs, %d MiB, %v, metal %v; the record %d, %d, %v, %v", r.Name,
				typ.VCPUs, typ.MemoryMiB, architectures, typ.BareMetal,
				r.VCPU.Count, r.Memory.MiB, r.Processor.SupportedArchitectures, r.BareMetal)
		}
		if typ.Hibernation != catalog.Unknown && (typ.Hibernation == catalog.Yes) != r.Hibernate {
			t.Errorf("%s: hibernation is %v; the record says %v", r.Name, typ.Hibernation, r.Hibernate)
		}
		gpus, memory := 0, 0
		for _, g := range r.GPU.Gpus {
			if g.Manufacturer != "Habana" { // EC2's API lists Gaudi as GPUs; software does not find any
				gpus += g.LogicalGpuCount
				memory = r.GPU.TotalGpuMemoryInMiB
			}
		}
		if n, _ := typ.GPUs(); n != gpus || n > 0 && typ.Accelerators.MemoryMiB != memory {
			t.Errorf("%s: %d GPUs with %d MiB; the record has %d with %d", r.Name, n, typ.Accelerators.MemoryMiB, gpus, memory)
		}
	}
	if compared < 1000 {
		t.Errorf("only %d types were compared", compared)
	}
	t.Logf("%d types compared", compared)
}
