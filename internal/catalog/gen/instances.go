package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// listed is what the instances file says of a type, as far as it is used.
type listed struct {
	Name       string              `json:"instance_type"`
	VCPUs      int                 `json:"vCPU"`
	MemoryGiB  float64             `json:"memory"`
	Arch       []string            `json:"arch"`
	Network    string              `json:"network_performance"`
	Generation string              `json:"generation"`
	EBSMbps    float64             `json:"ebs_max_bandwidth"`
	Zones      map[string][]string `json:"availability_zones"`

	// The file calls every kind of accelerator a GPU.
	Accelerators     int     `json:"GPU"`
	AcceleratorModel string  `json:"GPU_model"`
	FPGAs            float64 `json:"FPGA"`

	Storage *struct {
		Devices int     `json:"devices"`
		SizeGB  float64 `json:"size"`
		Unit    string  `json:"size_unit"`
	} `json:"storage"`

	Pricing map[string]struct {
		Linux struct {
			OnDemand     string `json:"ondemand"`
			Spot         string `json:"spot_avg"`
			Interruption string `json:"pct_interrupt"`
		} `json:"linux"`
	} `json:"pricing"`
}

// readInstances reads the instances file one type at a time; it is 96 MB long.
func readInstances(dir string) ([]listed, error) {
	f, err := os.Open(filepath.Join(dir, "data", "instances.json"))
	if err != nil {
		return nil, fmt.Errorf("open the instances: %w", err)
	}
	defer f.Close()
	dec := json.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("read the instances: %w", err)
	}
	var all []listed
	for dec.More() {
		var l listed
		if err := dec.Decode(&l); err != nil {
			return nil, fmt.Errorf("read the instances: %w", err)
		}
		all = append(all, l)
	}
	return all, nil
}

// typ turns what is listed into a type of the catalog.
func (l listed) typ(source catalog.Source) (catalog.Type, error) {
	t := catalog.Type{
		Name:      l.Name,
		VCPUs:     l.VCPUs,
		MemoryMiB: int(l.MemoryGiB * 1024), // EC2 rounds down as well
		Network:   l.Network,
		EBSMbps:   int(l.EBSMbps),
		LocalDisk: catalog.No,
		BareMetal: strings.Contains(l.Name, ".metal"),
		Previous:  l.Generation == "previous",
		Origin:    catalog.Listed,
		Source:    source,
	}
	for _, a := range l.Arch {
		t.Architectures |= catalog.ParseArchitecture(a)
	}
	if t.VCPUs == 0 || t.MemoryMiB == 0 || t.Architectures == 0 {
		return t, fmt.Errorf("%s is listed without vCPUs, memory or architecture", l.Name)
	}
	if s := l.Storage; s != nil && s.Devices > 0 {
		if s.Unit != "GB" {
			return t, fmt.Errorf("the disks of %s are in %q", l.Name, s.Unit)
		}
		t.LocalDisk = catalog.Yes
		t.LocalDiskGB = int(float64(s.Devices) * s.SizeGB)
	}
	var err error
	t.Accelerators, err = l.accelerators()
	return t, err
}

// microUSD turns a price in USD into millionths; an empty one is unknown.
func microUSD(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	usd, err := strconv.ParseFloat(text, 64)
	if possible := usd >= 0 && usd <= 4000; err != nil || !possible { // NaN is not possible either
		return 0, fmt.Errorf("%q is not a price", text)
	}
	return int64(math.Round(usd * 1e6)), nil
}

func interruption(text string) (catalog.Interruption, error) {
	if text == "" {
		return catalog.InterruptionUnknown, nil
	}
	for i := catalog.Under5Percent; i <= catalog.Over20Percent; i++ {
		if i.String() == text {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is not a share of interruptions", text)
}
