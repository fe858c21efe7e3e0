package ec2

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// describeTypesInput is what DescribeInstanceTypes takes.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html
type describeTypesInput struct {
	Listing
	Types []string `query:"InstanceType"`
}

// typeView is a type as it travels. What the catalog does not know has no
// element: an absent number is unknown, and never zero.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceTypeInfo.html
type typeView struct {
	Name         string              `xml:"instanceType"`
	Current      bool                `xml:"currentGeneration"`
	UsageClasses *wire.Items[string] `xml:"supportedUsageClasses"`
	RootDevices  wire.Items[string]  `xml:"supportedRootDeviceTypes"`
	BareMetal    bool                `xml:"bareMetal"`
	Processor    *processorView      `xml:"processorInfo"`
	VCPU         *vcpuView           `xml:"vCpuInfo"`
	Memory       *memoryView         `xml:"memoryInfo"`
	HasDisks     *bool               `xml:"instanceStorageSupported"`
	Disks        *disksView          `xml:"instanceStorageInfo"`
	EBS          *ebsView            `xml:"ebsInfo"`
	Network      *networkView        `xml:"networkInfo"`
	GPU          *gpuView            `xml:"gpuInfo"`
	FPGA         *fpgaView           `xml:"fpgaInfo"`
	Inference    *inferenceView      `xml:"inferenceAcceleratorInfo"`
	Media        *mediaView          `xml:"mediaAcceleratorInfo"`
	Neuron       *neuronView         `xml:"neuronInfo"`
	Hibernation  *bool               `xml:"hibernationSupported"`
	Burstable    bool                `xml:"burstablePerformanceSupported"`
}

type processorView struct {
	Architectures wire.Items[string] `xml:"supportedArchitectures"`
}

type vcpuView struct {
	Count int `xml:"defaultVCpus"`
}

type memoryView struct {
	MiB int `xml:"sizeInMiB"`
}

type disksView struct {
	TotalGB int `xml:"totalSizeInGB"`
}

type ebsView struct {
	MaximumMbps int `xml:"ebsOptimizedInfo>maximumBandwidthInMbps"`
}

type networkView struct {
	Performance string                  `xml:"networkPerformance,omitempty"`
	Cards       wire.Items[networkCard] `xml:"networkCards"`
}

// networkCard is one card with all that a type has: how many cards there are is
// not in the catalog.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkCardInfo.html
type networkCard struct {
	Index        int     `xml:"networkCardIndex"`
	BaselineGbps float64 `xml:"baselineBandwidthInGbps"`
}

type describeTypesOutput struct {
	Types     wire.Items[typeView] `xml:"instanceTypeSet"`
	NextToken string               `xml:"nextToken,omitempty"`
}

// maxNamedTypes is the most types that a request can name.
const maxNamedTypes = 100

// describeInstanceTypes tells of the types that the region has. A name that it
// does not have is an error, among others too.
//
// The error: https://github.com/scylladb/scylla-cluster-tests/issues/12419
func (s *Service) describeInstanceTypes(_ *store.Tx, c *call.Caller, in *describeTypesInput) (*describeTypesOutput, error) {
	if len(in.Types) > maxNamedTypes {
		return nil, errValue("Up to %d instance types can be named in one request", maxNamedTypes)
	}
	var missing []string
	for _, name := range in.Types {
		if _, offered := catalog.Offered(c.Region, name); !offered {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, wire.Errorf("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", strings.Join(missing, ", "))
	}
	here := listing[catalog.Type]{all: numbered(catalog.Types()), attribute: typeAttribute, pages: limits{5, 100}}
	here.keep = func(t catalog.Type) bool {
		_, offered := catalog.Offered(c.Region, t.Name)
		return offered && (len(in.Types) == 0 || slices.Contains(in.Types, t.Name))
	}
	found, next, err := here.list(in.atMost(100), nil)
	if err != nil {
		return nil, err
	}
	return &describeTypesOutput{show(found, func(t catalog.Type) typeView { return viewType(c.Region, t) }), next}, nil
}

// typeAttribute is the filters of DescribeInstanceTypes. What is unknown has no
// value, so no value of a filter finds it.
func typeAttribute(t catalog.Type, name string) ([]string, bool) {
	number := func(n int) ([]string, bool) {
		if n == 0 {
			return nil, true
		}
		return one(strconv.Itoa(n))
	}
	switch name {
	case "instance-type":
		return one(t.Name)
	case "processor-info.supported-architecture":
		return t.Architectures.Names(), true
	case "hibernation-supported":
		if t.Hibernation == catalog.Unknown {
			return nil, true
		}
		return truth(t.Hibernation == catalog.Yes)
	case "current-generation":
		return truth(!t.Previous)
	case "bare-metal":
		return truth(t.BareMetal)
	case "burstable-performance-supported":
		return truth(t.Burstable)
	case "vcpu-info.default-vcpus":
		return number(t.VCPUs)
	case "memory-info.size-in-mib":
		return number(t.MemoryMiB)
	}
	return nil, false
}

func viewType(region string, t catalog.Type) typeView {
	v := typeView{
		Name: t.Name, Current: !t.Previous, RootDevices: wire.Items[string]{"ebs"}, BareMetal: t.BareMetal, Burstable: t.Burstable,
		UsageClasses: usageClasses(region, t.Name), HasDisks: known(t.LocalDisk), Hibernation: known(t.Hibernation),
	}
	if names := t.Architectures.Names(); len(names) > 0 {
		v.Processor = &processorView{names}
	}
	if t.VCPUs > 0 {
		v.VCPU = &vcpuView{t.VCPUs}
	}
	if t.MemoryMiB > 0 {
		v.Memory = &memoryView{t.MemoryMiB}
	}
	if t.LocalDiskGB > 0 {
		v.Disks = &disksView{t.LocalDiskGB}
	}
	if t.EBSMbps > 0 {
		v.EBS = &ebsView{t.EBSMbps}
	}
	if t.Network != "" || t.NetworkMbps > 0 {
		v.Network = &networkView{Performance: t.Network}
		if t.NetworkMbps > 0 {
			v.Network.Cards = wire.Items[networkCard]{{BaselineGbps: float64(t.NetworkMbps) / 1000}}
		}
	}
	v.viewAccelerators(t.Accelerators)
	return v
}

// known is an answer as an optional element.
func known(a catalog.Answer) *bool {
	if a == catalog.Unknown {
		return nil
	}
	yes := a == catalog.Yes
	return &yes
}

// usageClasses are how the type is sold: nil is unknown. A type that is newer
// than the list of Spot prices may or may not be sold as Spot.
func usageClasses(region, name string) *wire.Items[string] {
	o, _ := catalog.Offered(region, name)
	switch {
	case o.Spot.Known():
		return &wire.Items[string]{"on-demand", "spot"}
	case len(o.Zones) > 0:
		return &wire.Items[string]{"on-demand"}
	}
	return nil
}
