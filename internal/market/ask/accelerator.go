package ask

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// acceleratorsOf are a type's accelerators. EC2 lists Inferentia twice, as a
// Neuron device and as the inference accelerator that it was before there was
// that element, and the Gaudi cards of DL1, which are for training, as GPUs.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceTypeInfo.html
func acceleratorsOf(info ec2types.InstanceTypeInfo) catalog.Accelerators {
	var out catalog.Accelerators
	one := func(kind catalog.AcceleratorKind, maker, model string, count, totalMiB *int32) {
		out.Kind = kind
		out.Model = strings.TrimSpace(maker + " " + model)
		out.Count += int(aws.ToInt32(count))
		out.MemoryMiB = int(aws.ToInt32(totalMiB))
	}
	switch {
	case info.GpuInfo != nil:
		for _, d := range info.GpuInfo.Gpus {
			kind, count := catalog.GPU, d.Count
			if aws.ToString(d.Manufacturer) == "Habana" {
				kind = catalog.Training
			}
			if aws.ToInt32(d.LogicalGpuCount) > 0 {
				count = d.LogicalGpuCount // fractions of a GPU, each one to the operating system
			}
			one(kind, aws.ToString(d.Manufacturer), aws.ToString(d.Name), count, info.GpuInfo.TotalGpuMemoryInMiB)
		}
	case info.NeuronInfo != nil:
		for _, d := range info.NeuronInfo.NeuronDevices {
			one(catalog.Neuron, "AWS", aws.ToString(d.Name), d.Count, info.NeuronInfo.TotalNeuronDeviceMemoryInMiB)
		}
	case info.FpgaInfo != nil:
		for _, d := range info.FpgaInfo.Fpgas {
			one(catalog.FPGA, aws.ToString(d.Manufacturer), aws.ToString(d.Name), d.Count, info.FpgaInfo.TotalFpgaMemoryInMiB)
		}
	case info.MediaAcceleratorInfo != nil:
		for _, d := range info.MediaAcceleratorInfo.Accelerators {
			one(catalog.Media, aws.ToString(d.Manufacturer), aws.ToString(d.Name), d.Count, info.MediaAcceleratorInfo.TotalMediaMemoryInMiB)
		}
	case info.InferenceAcceleratorInfo != nil:
		for _, d := range info.InferenceAcceleratorInfo.Accelerators {
			one(catalog.Inference, aws.ToString(d.Manufacturer), aws.ToString(d.Name), d.Count, info.InferenceAcceleratorInfo.TotalInferenceMemoryInMiB)
		}
	}
	return out
}
