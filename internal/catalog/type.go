package catalog

import "strings"

// Type is an instance type. A number that no source tells is zero, which no
// real vCPU count or memory is: use the fields' doc comments, and never show
// such a zero as a number.
type Type struct {
	Name          string // m7i.large
	VCPUs         int    // 0 is unknown
	MemoryMiB     int    // 0 is unknown
	Architectures Architectures

	Accelerators Accelerators

	Network     string // as EC2 words it, "Up to 12.5 Gigabit"; "" is unknown
	NetworkMbps int    // what can be had all the time; 0 is unknown
	EBSMbps     int    // the most; 0 is unknown

	LocalDisk   Answer
	LocalDiskGB int // all local disks together; 0 is none or unknown, as LocalDisk tells

	Hibernation Answer
	BareMetal   bool
	Burstable   bool
	Previous    bool // a previous generation, as AWS calls it

	Origin Origin // how the numbers above came to be known
	Source Source // where they, or the type's name, were found
}

// Family is the part of the name before the dot: m7i.
func (t Type) Family() string {
	family, _, _ := strings.Cut(t.Name, ".")
	return family
}

// Size is the part of the name after the dot: large.
func (t Type) Size() string {
	_, size, _ := strings.Cut(t.Name, ".")
	return size
}

// GPUs is the number of GPUs that an operating system sees; ok is false when it
// is unknown. Neuron devices, FPGAs and the like are not GPUs.
func (t Type) GPUs() (n int, ok bool) {
	if t.Origin == NameOnly {
		return 0, false
	}
	if t.Accelerators.Kind != GPU {
		return 0, true
	}
	return t.Accelerators.Count, true
}

// Answer is yes, no, or that nobody told.
type Answer uint8

// The answers.
const (
	Unknown Answer = iota
	No
	Yes
)

func (a Answer) String() string {
	switch a {
	case No:
		return "no"
	case Yes:
		return "yes"
	default:
		return "unknown"
	}
}

// Origin tells how the numbers of a type came to be known.
type Origin uint8

// The origins.
const (
	Listed   Origin = iota // a source lists the type with its numbers
	Reviewed               // a person looked them up; see gen/reviewed.go
	Derived                // rules on family and size, checked against listed types
	NameOnly               // only the name is known
)

// Architectures is a set of processor architectures.
type Architectures uint8

// The architectures, as EC2 tells them apart.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ProcessorInfo.html
const (
	X86 Architectures = 1 << iota // x86_64
	Arm                           // arm64
	I386
	X86Mac
	ArmMac
)

// architectureNames is in order of preference for new software.
var architectureNames = [...]struct {
	set  Architectures
	name string
}{{X86, "x86_64"}, {Arm, "arm64"}, {I386, "i386"}, {X86Mac, "x86_64_mac"}, {ArmMac, "arm64_mac"}}

// Names are the names of the architectures in the set, the one to prefer first.
func (a Architectures) Names() []string {
	var names []string
	for _, n := range architectureNames {
		if a&n.set != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Preferred is the architecture to choose an image for; "" when none is known.
func (a Architectures) Preferred() string {
	for _, n := range architectureNames {
		if a&n.set != 0 {
			return n.name
		}
	}
	return ""
}

// ParseArchitecture is the set of the one architecture with that name; empty
// for a name that is unknown.
func ParseArchitecture(name string) Architectures {
	for _, n := range architectureNames {
		if n.name == name {
			return n.set
		}
	}
	return 0
}

// Accelerators are the processors of a type beside its CPU. No type has two
// kinds. The zero value is none.
type Accelerators struct {
	Kind      AcceleratorKind
	Count     int    // as an operating system sees them; a fraction of a GPU counts as one
	Model     string // with the maker: NVIDIA A10G
	MemoryMiB int    // of all together; 0 is unknown
}

// AcceleratorKind tells accelerators apart that need different software.
type AcceleratorKind uint8

// The kinds of accelerators.
const (
	NoAccelerator AcceleratorKind = iota
	GPU
	Neuron    // AWS Inferentia and Trainium
	FPGA      //
	Media     // video transcoding
	Inference // other makers' inference cards
	Training  // other makers' training cards
)
