package local_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// typeScene asks what types there are, where, and at what price.
func typeScene() scene {
	describe := (*ec2.Client).DescribeInstanceTypes
	named := func(names ...types.InstanceType) func(*stage) *ec2.DescribeInstanceTypesInput {
		return func(*stage) *ec2.DescribeInstanceTypesInput {
			return &ec2.DescribeInstanceTypesInput{InstanceTypes: names}
		}
	}
	filtered := func(pairs ...string) func(*stage) *ec2.DescribeInstanceTypesInput {
		return func(*stage) *ec2.DescribeInstanceTypesInput {
			return &ec2.DescribeInstanceTypesInput{Filters: filters(pairs...)}
		}
	}
	offerings := func(kind types.LocationType) func(*stage) *ec2.DescribeInstanceTypeOfferingsInput {
		return func(*stage) *ec2.DescribeInstanceTypeOfferingsInput {
			return &ec2.DescribeInstanceTypeOfferingsInput{LocationType: kind, Filters: filters("instance-type", "t3.micro")}
		}
	}
	return scene{"types", []step{
		{name: "a type", do: shaped(method(describe), named("m7i.large"), wordTypes), want: "m7i.large 2 8192 x86_64 hibernation=true metal=false gpus="},
		{name: "a type with GPUs", do: shaped(method(describe), named("g5.12xlarge"), wordTypes), want: "g5.12xlarge 48 196608 x86_64 hibernation=false metal=false gpus=4 NVIDIA A10G"},
		{
			name: "types by filters", do: shaped(method(describe), filtered("instance-type", "t4g.*", "vcpu-info.default-vcpus", "2", "memory-info.size-in-mib", "1024,2048"), wordTypes),
			want: "t4g.micro 2 1024 arm64 hibernation=true metal=false gpus=; t4g.small 2 2048 arm64 hibernation=true metal=false gpus=",
		},
		{name: "an unknown type", do: shaped(method(describe), named("m7i.giant"), wordTypes), want: "InvalidInstanceType"},
		{name: "offered in the region", do: shaped(method((*ec2.Client).DescribeInstanceTypeOfferings), offerings("region"), wordOfferings), want: "t3.micro region us-east-1"},
		{
			name: "offered in zones", do: shaped(method((*ec2.Client).DescribeInstanceTypeOfferings), offerings("availability-zone-id"), wordOfferings),
			want: "t3.micro availability-zone-id use1-az1; t3.micro availability-zone-id use1-az2; t3.micro availability-zone-id use1-az4; t3.micro availability-zone-id use1-az5; t3.micro availability-zone-id use1-az6",
		},
		{
			name: "Spot prices", do: shaped(method((*ec2.Client).DescribeSpotPriceHistory), func(*stage) *ec2.DescribeSpotPriceHistoryInput {
				return &ec2.DescribeSpotPriceHistoryInput{InstanceTypes: []types.InstanceType{"t3.micro"}, AvailabilityZone: aws.String("us-east-1a"), MaxResults: aws.Int32(1)}
			}, wordPrices), want: "t3.micro Linux/UNIX us-east-1a priced=true dated=true",
			moto: "t3.micro Linux/UNIX (Amazon VPC) us-east-1a priced=true dated=true; t3.micro Linux/UNIX (Amazon VPC) us-east-1b priced=true dated=true; t3.micro Linux/UNIX (Amazon VPC) us-east-1c priced=true dated=true; t3.micro Linux/UNIX (Amazon VPC) us-east-1d priced=true dated=true; t3.micro Linux/UNIX (Amazon VPC) us-east-1f priced=true dated=true", why: "moto asks for neither the zone nor the page, and calls the product as EC2 Classic did",
		},
	}}
}

// method makes a method expression of the client what steps are made of.
func method[In, Out any](m func(*ec2.Client, context.Context, *In, ...func(*ec2.Options)) (*Out, error)) func(*ec2.Client) func(context.Context, *In, ...func(*ec2.Options)) (*Out, error) {
	return func(c *ec2.Client) func(context.Context, *In, ...func(*ec2.Options)) (*Out, error) {
		return func(ctx context.Context, in *In, options ...func(*ec2.Options)) (*Out, error) {
			return m(c, ctx, in, options...)
		}
	}
}

func wordTypes(_ *stage, out *ec2.DescribeInstanceTypesOutput) string {
	var all []string
	for _, t := range out.InstanceTypes {
		gpus := ""
		if t.GpuInfo != nil {
			g := t.GpuInfo.Gpus[0]
			gpus = fmt.Sprint(aws.ToInt32(g.Count), " ", aws.ToString(g.Manufacturer), " ", aws.ToString(g.Name))
		}
		all = append(all, fmt.Sprintf("%s %d %d %s hibernation=%t metal=%t gpus=%s", t.InstanceType, aws.ToInt32(t.VCpuInfo.DefaultVCpus), aws.ToInt64(t.MemoryInfo.SizeInMiB),
			t.ProcessorInfo.SupportedArchitectures[0], aws.ToBool(t.HibernationSupported), aws.ToBool(t.BareMetal), gpus))
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func wordOfferings(_ *stage, out *ec2.DescribeInstanceTypeOfferingsOutput) string {
	var all []string
	for _, o := range out.InstanceTypeOfferings {
		all = append(all, fmt.Sprint(o.InstanceType, " ", o.LocationType, " ", aws.ToString(o.Location)))
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func wordPrices(_ *stage, out *ec2.DescribeSpotPriceHistoryOutput) string {
	var all []string
	for _, p := range out.SpotPriceHistory {
		all = append(all, fmt.Sprintf("%s %s %s priced=%t dated=%t", p.InstanceType, p.ProductDescription, aws.ToString(p.AvailabilityZone), aws.ToString(p.SpotPrice) != "", p.Timestamp != nil))
	}
	return strings.Join(all, "; ")
}
