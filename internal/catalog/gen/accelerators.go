package main

import (
	"fmt"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// device is one accelerator. Memory is what EC2 reports, which for some GPUs is
// less than the round number they are sold by.
type device struct {
	kind      catalog.AcceleratorKind
	model     string
	memoryMiB int // 0 is unknown
}

func (d device) times(n int) catalog.Accelerators {
	return catalog.Accelerators{Kind: d.kind, Count: n, Model: d.model, MemoryMiB: n * d.memoryMiB}
}

// The devices in EC2's types.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html
var (
	k520   = device{catalog.GPU, "NVIDIA GRID K520", 4 << 10}
	k80    = device{catalog.GPU, "NVIDIA K80", 12 << 10}
	m60    = device{catalog.GPU, "NVIDIA M60", 8 << 10}
	v100   = device{catalog.GPU, "NVIDIA V100", 16 << 10}
	v100x2 = device{catalog.GPU, "NVIDIA V100", 32 << 10}
	t4     = device{catalog.GPU, "NVIDIA T4", 16 << 10}
	t4g    = device{catalog.GPU, "NVIDIA T4G", 16 << 10}
	a10g   = device{catalog.GPU, "NVIDIA A10G", 22888}
	l4     = device{catalog.GPU, "NVIDIA L4", 22888}
	l40s   = device{catalog.GPU, "NVIDIA L40S", 45776}
	rtx    = device{catalog.GPU, "NVIDIA RTX PRO Server 6000", 96 << 10}
	a100   = device{catalog.GPU, "NVIDIA A100", 40 << 10}
	a100x2 = device{catalog.GPU, "NVIDIA A100", 80 << 10}
	h100   = device{catalog.GPU, "NVIDIA H100", 80 << 10}
	h200   = device{catalog.GPU, "NVIDIA H200", 141 << 10}
	b200   = device{catalog.GPU, "NVIDIA B200", 183359}
	b300   = device{catalog.GPU, "NVIDIA B300", 275040}
	v520   = device{catalog.GPU, "AMD Radeon Pro V520", 8 << 10}

	inferentia  = device{catalog.Neuron, "AWS Inferentia", 8 << 10}
	inferentia2 = device{catalog.Neuron, "AWS Inferentia2", 32 << 10}
	trainium    = device{catalog.Neuron, "AWS Trainium", 32 << 10}
	trainium2   = device{catalog.Neuron, "AWS Trainium2", 96 << 10}

	gaudi = device{catalog.Training, "Habana Gaudi HL-205", 32 << 10}
	ai100 = device{catalog.Inference, "Qualcomm AI 100", 16000}
	u30   = device{catalog.Media, "AMD Xilinx U30", 24 << 10}
	vu9p  = device{catalog.FPGA, "AMD Xilinx VU9P", 64 << 10}
	vu47p = device{catalog.FPGA, "AMD Xilinx VU47P", 80 << 10}
)

// listedDevices are the devices under the names that the instances file has.
var listedDevices = map[string]device{
	"NVIDIA GRID K520":       k520,
	"NVIDIA Tesla K80":       k80,
	"NVIDIA Tesla M60":       m60,
	"NVIDIA Tesla V100":      v100,
	"NVIDIA T4 Tensor Core":  t4,
	"NVIDIA T4G Tensor Core": t4g,
	"NVIDIA A10G":            a10g,
	"NVIDIA L4":              l4,
	"NVIDIA L40S":            l40s,
	"NVIDIA A100":            a100,
	"NVIDIA H100":            h100,
	"NVIDIA H200":            h200,
	"AMD Radeon Pro V520":    v520,
	"AWS Inferentia":         inferentia,
	"AWS Inferentia2":        inferentia2,
}

// misreported are types whose accelerators the instances file gets wrong or
// leaves out, as AWS documents them.
var misreported = map[string]catalog.Accelerators{
	"p2.8xlarge":     k80.times(8), // the file counts cards, each of two GPUs
	"p2.16xlarge":    k80.times(16),
	"p3dn.24xlarge":  v100x2.times(8),
	"p4de.24xlarge":  a100x2.times(8),
	"trn1.2xlarge":   trainium.times(1), // the file calls them Inferentia
	"trn1.32xlarge":  trainium.times(16),
	"trn1n.32xlarge": trainium.times(16),
	"trn2.48xlarge":  trainium2.times(16),
	"dl1.24xlarge":   gaudi.times(8),
	"vt1.3xlarge":    u30.times(1),
	"vt1.6xlarge":    u30.times(2),
	"vt1.24xlarge":   u30.times(8),
}

// accelerators are those of a listed type. A device that is not in the tables
// above is an error: someone has to look it up.
func (l listed) accelerators() (catalog.Accelerators, error) {
	if a, ok := misreported[l.Name]; ok {
		return a, nil
	}
	switch {
	case l.FPGAs > 0 && strings.HasPrefix(l.Name, "f1."):
		return vu9p.times(int(l.FPGAs)), nil
	case l.FPGAs > 0 && strings.HasPrefix(l.Name, "f2."):
		return vu47p.times(int(l.FPGAs)), nil
	case l.Accelerators == 0 && l.FPGAs == 0:
		return catalog.Accelerators{}, nil
	}
	d, ok := listedDevices[l.AcceleratorModel]
	if !ok {
		return catalog.Accelerators{}, fmt.Errorf("%s has an accelerator that is in no table: %q", l.Name, l.AcceleratorModel)
	}
	return d.times(l.Accelerators), nil
}
