package ec2

import (
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// device is one model of accelerators in a type.
type device struct {
	Name         string      `xml:"name"`
	Manufacturer string      `xml:"manufacturer"`
	Count        int         `xml:"count"`
	Memory       *memoryView `xml:"memoryInfo"` // of each one
}

// The elements differ by kind, down to that of the total memory.

type gpuView struct {
	Devices  wire.Items[device] `xml:"gpus"`
	TotalMiB int                `xml:"totalGpuMemoryInMiB,omitempty"`
}

type fpgaView struct {
	Devices  wire.Items[device] `xml:"fpgas"`
	TotalMiB int                `xml:"totalFpgaMemoryInMiB,omitempty"`
}

type inferenceView struct {
	Devices  wire.Items[device] `xml:"accelerators"`
	TotalMiB int                `xml:"totalInferenceMemoryInMiB,omitempty"`
}

type mediaView struct {
	Devices  wire.Items[device] `xml:"accelerators"`
	TotalMiB int                `xml:"totalMediaMemoryInMiB,omitempty"`
}

type neuronView struct {
	Devices  wire.Items[neuronDevice] `xml:"neuronDevices"`
	TotalMiB int                      `xml:"totalNeuronDeviceMemoryInMiB,omitempty"`
}

// neuronDevice has no maker: all are of AWS.
type neuronDevice struct {
	Name   string      `xml:"name"`
	Count  int         `xml:"count"`
	Memory *memoryView `xml:"memoryInfo"`
}

// viewAccelerators puts accelerators under the element that EC2 has for their
// kind. It lists the Gaudi cards of DL1, made for training, among the GPUs, and
// Inferentia both as a Neuron device and, as it did before there was that
// element, as an inference accelerator.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceTypeInfo.html
func (v *typeView) viewAccelerators(a catalog.Accelerators) {
	maker, model, _ := strings.Cut(a.Model, " ")
	d := device{Name: model, Manufacturer: maker, Count: a.Count}
	if a.MemoryMiB > 0 && a.Count > 0 {
		d.Memory = &memoryView{a.MemoryMiB / a.Count}
	}
	one := wire.Items[device]{d}
	switch a.Kind {
	case catalog.GPU, catalog.Training:
		v.GPU = &gpuView{one, a.MemoryMiB}
	case catalog.FPGA:
		v.FPGA = &fpgaView{one, a.MemoryMiB}
	case catalog.Media:
		v.Media = &mediaView{one, a.MemoryMiB}
	case catalog.Inference:
		v.Inference = &inferenceView{one, a.MemoryMiB}
	case catalog.Neuron:
		v.Neuron = &neuronView{wire.Items[neuronDevice]{{d.Name, d.Count, d.Memory}}, a.MemoryMiB}
		if strings.HasPrefix(model, "Inferentia") {
			v.Inference = &inferenceView{one, a.MemoryMiB}
		}
	}
}
