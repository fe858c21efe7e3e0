package main

import "github.com/spawn-ec2/spawn/internal/catalog"

// reviewed are types that are newer than the instances file and that no rule
// describes: their numbers were read in AWS's documentation.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html
// https://docs.aws.amazon.com/ec2/latest/instancetypes/hpc.html
// https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html
var reviewed = []struct {
	name         string
	vcpus        int
	memoryGiB    int
	architecture catalog.Architectures
	accelerators catalog.Accelerators
	localDisk    catalog.Answer
	localDiskGB  int
}{
	{"p5.4xlarge", 16, 256, catalog.X86, h100.times(1), catalog.Yes, 3800},
	{"p6-b200.48xlarge", 192, 2048, catalog.X86, b200.times(8), catalog.Yes, 30400},
	{"p6-b300.48xlarge", 192, 4096, catalog.X86, b300.times(8), catalog.Yes, 30400},

	{"g7e.2xlarge", 8, 64, catalog.X86, rtx.times(1), catalog.Yes, 1900},
	{"g7e.4xlarge", 16, 128, catalog.X86, rtx.times(1), catalog.Yes, 0},
	{"g7e.8xlarge", 32, 256, catalog.X86, rtx.times(1), catalog.Yes, 0},
	{"g7e.12xlarge", 48, 512, catalog.X86, rtx.times(2), catalog.Yes, 3800},
	{"g7e.24xlarge", 96, 1024, catalog.X86, rtx.times(4), catalog.Yes, 7600},
	{"g7e.48xlarge", 192, 2048, catalog.X86, rtx.times(8), catalog.Yes, 15200},

	{"g6f.large", 2, 8, catalog.X86, partOfL4(8), catalog.Yes, 100},
	{"g6f.xlarge", 4, 16, catalog.X86, partOfL4(8), catalog.Yes, 100},
	{"g6f.2xlarge", 8, 32, catalog.X86, partOfL4(4), catalog.Yes, 200},
	{"g6f.4xlarge", 16, 64, catalog.X86, partOfL4(2), catalog.Yes, 450},
	{"gr6f.4xlarge", 16, 128, catalog.X86, partOfL4(2), catalog.Yes, 450},

	{"trn2.3xlarge", 12, 128, catalog.X86, trainium2.times(1), catalog.Yes, 470},
	{"dl2q.24xlarge", 96, 768, catalog.X86, ai100.times(8), catalog.No, 0},
	{"hpc8a.96xlarge", 192, 768, catalog.X86, catalog.Accelerators{}, catalog.No, 0},

	{"mac-m4.metal", 10, 24, catalog.ArmMac, catalog.Accelerators{}, catalog.Unknown, 0},
	{"mac-m4pro.metal", 14, 48, catalog.ArmMac, catalog.Accelerators{}, catalog.Unknown, 0},
	{"mac-m4max.metal", 16, 128, catalog.ArmMac, catalog.Accelerators{}, catalog.Unknown, 0},
}

// partOfL4 is the n-th part of an L4, which an operating system sees as one
// GPU with the n-th part of the memory.
func partOfL4(n int) catalog.Accelerators {
	a := l4.times(1)
	a.Model = map[int]string{2: "NVIDIA L4 (1/2)", 4: "NVIDIA L4 (1/4)", 8: "NVIDIA L4 (1/8)"}[n]
	a.MemoryMiB /= n
	return a
}

// namedArchitectures are the architectures of types of which nothing but the
// name is known, where the name tells.
var namedArchitectures = map[string]catalog.Architectures{
	"mac-m3ultra.metal":  catalog.ArmMac,
	"p6e-gb200.36xlarge": catalog.Arm, // Grace is an Arm processor
	"cc1.4xlarge":        catalog.X86,
	"cg1.4xlarge":        catalog.X86,
	"hi1.4xlarge":        catalog.X86,
}

// reviewedType is the reviewed type with that name.
func reviewedType(name string) (catalog.Type, bool) {
	for _, r := range reviewed {
		if r.name == name {
			return catalog.Type{
				Name:          r.name,
				VCPUs:         r.vcpus,
				MemoryMiB:     r.memoryGiB * 1024,
				Architectures: r.architecture,
				Accelerators:  r.accelerators,
				LocalDisk:     r.localDisk,
				LocalDiskGB:   r.localDiskGB,
				BareMetal:     r.architecture&catalog.ArmMac != 0,
				Origin:        catalog.Reviewed,
			}, true
		}
	}
	return catalog.Type{}, false
}
