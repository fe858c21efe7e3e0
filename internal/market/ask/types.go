package ask

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

// typesSource is where types and zones come from.
const typesSource = "EC2 DescribeInstanceTypes"

func (a *asker) types(ctx context.Context, region string, some []selection) market.Fact[[]catalog.Type] {
	client := a.services.EC2In(region)
	value, err := gather(ctx, some, func(ctx context.Context, s selection) ([]catalog.Type, error) {
		return pages(ctx, a, func(token *string) ([]catalog.Type, *string, error) {
			out, err := client.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{
				Filters: []ec2types.Filter{s.filter()}, MaxResults: aws.Int32(typesAtOnce), NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			var page []catalog.Type
			for _, info := range out.InstanceTypes {
				page = append(page, typeOf(info, a.asOf))
			}
			return page, out.NextToken, nil
		})
	})
	return result(value, err, a.asOf)
}

// typeOf is a type in the catalog's form. What EC2 does not say stays unknown.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceTypeInfo.html
func typeOf(info ec2types.InstanceTypeInfo, asOf time.Time) catalog.Type {
	t := catalog.Type{
		Name:        string(info.InstanceType),
		LocalDisk:   answer(info.InstanceStorageSupported),
		Hibernation: answer(info.HibernationSupported),
		BareMetal:   aws.ToBool(info.BareMetal),
		Burstable:   aws.ToBool(info.BurstablePerformanceSupported),
		Previous:    info.CurrentGeneration != nil && !*info.CurrentGeneration,
		Origin:      catalog.Listed,
		Source:      catalog.Source{Name: typesSource, AsOf: asOf.UTC().Format(time.DateOnly)},
	}
	if info.VCpuInfo != nil {
		t.VCPUs = int(aws.ToInt32(info.VCpuInfo.DefaultVCpus))
	}
	if info.MemoryInfo != nil {
		t.MemoryMiB = int(aws.ToInt64(info.MemoryInfo.SizeInMiB))
	}
	if info.ProcessorInfo != nil {
		for _, architecture := range info.ProcessorInfo.SupportedArchitectures {
			t.Architectures |= catalog.ParseArchitecture(string(architecture))
		}
	}
	if info.NetworkInfo != nil {
		t.Network = aws.ToString(info.NetworkInfo.NetworkPerformance)
		gbps := 0.0
		for _, card := range info.NetworkInfo.NetworkCards {
			gbps += aws.ToFloat64(card.BaselineBandwidthInGbps)
		}
		t.NetworkMbps = int(gbps*1000 + 0.5)
	}
	if info.EbsInfo != nil && info.EbsInfo.EbsOptimizedInfo != nil {
		t.EBSMbps = int(aws.ToInt32(info.EbsInfo.EbsOptimizedInfo.MaximumBandwidthInMbps))
	}
	if info.InstanceStorageInfo != nil {
		t.LocalDiskGB = int(aws.ToInt64(info.InstanceStorageInfo.TotalSizeInGB))
	}
	t.Accelerators = acceleratorsOf(info)
	return t
}

func answer(yes *bool) catalog.Answer {
	switch {
	case yes == nil:
		return catalog.Unknown
	case *yes:
		return catalog.Yes
	default:
		return catalog.No
	}
}

// zones asks in which zones types are offered.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
func (a *asker) zones(ctx context.Context, region string, some []selection) market.Fact[map[string][]string] {
	offerings, err := gather(ctx, some, func(ctx context.Context, s selection) ([]ec2types.InstanceTypeOffering, error) {
		return a.offerings(ctx, region, ec2types.LocationTypeAvailabilityZone, s)
	})
	value := map[string][]string{}
	for _, o := range offerings {
		value[string(o.InstanceType)] = append(value[string(o.InstanceType)], aws.ToString(o.Location))
	}
	for name, zones := range value {
		slices.Sort(zones)
		value[name] = slices.Compact(zones)
	}
	return result(value, err, a.asOf)
}

// newerTypes are the names that the question's wildcards mean and the catalog
// does not have.
func (a *asker) newerTypes(ctx context.Context, region string) ([]string, error) {
	offerings, err := a.offerings(ctx, region, ec2types.LocationTypeRegion, selection{values: a.question.Wildcards})
	var names []string
	for _, o := range offerings {
		if _, old := catalog.Lookup(string(o.InstanceType)); !old {
			names = append(names, string(o.InstanceType))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

func (a *asker) offerings(ctx context.Context, region string, by ec2types.LocationType, s selection) ([]ec2types.InstanceTypeOffering, error) {
	client := a.services.EC2In(region)
	return pages(ctx, a, func(token *string) ([]ec2types.InstanceTypeOffering, *string, error) {
		out, err := client.DescribeInstanceTypeOfferings(ctx, &ec2.DescribeInstanceTypeOfferingsInput{
			LocationType: by, Filters: []ec2types.Filter{s.filter()}, MaxResults: aws.Int32(1000), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.InstanceTypeOfferings, out.NextToken, nil
	})
}
