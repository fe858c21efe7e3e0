package ask

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/spawn-ec2/spawn/internal/awsx"
)

// EC2 is what is asked of EC2. Nothing in it changes anything.
type EC2 interface {
	DescribeRegions(context.Context, *ec2.DescribeRegionsInput, ...func(*ec2.Options)) (*ec2.DescribeRegionsOutput, error)
	DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error)
	DescribeInstanceTypes(context.Context, *ec2.DescribeInstanceTypesInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceTypesOutput, error)
	DescribeInstanceTypeOfferings(context.Context, *ec2.DescribeInstanceTypeOfferingsInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceTypeOfferingsOutput, error)
	DescribeSpotPriceHistory(context.Context, *ec2.DescribeSpotPriceHistoryInput, ...func(*ec2.Options)) (*ec2.DescribeSpotPriceHistoryOutput, error)
	GetSpotPlacementScores(context.Context, *ec2.GetSpotPlacementScoresInput, ...func(*ec2.Options)) (*ec2.GetSpotPlacementScoresOutput, error)
	DescribeCapacityReservations(context.Context, *ec2.DescribeCapacityReservationsInput, ...func(*ec2.Options)) (*ec2.DescribeCapacityReservationsOutput, error)
	DescribeCapacityBlockOfferings(context.Context, *ec2.DescribeCapacityBlockOfferingsInput, ...func(*ec2.Options)) (*ec2.DescribeCapacityBlockOfferingsOutput, error)
}

// Pricing is what is asked of the Price List API.
type Pricing interface {
	GetProducts(context.Context, *pricing.GetProductsInput, ...func(*pricing.Options)) (*pricing.GetProductsOutput, error)
}

// ServiceQuotas is what is asked of Service Quotas.
type ServiceQuotas interface {
	ListServiceQuotas(context.Context, *servicequotas.ListServiceQuotasInput, ...func(*servicequotas.Options)) (*servicequotas.ListServiceQuotasOutput, error)
}

// Services are the services' clients, a region each.
type Services interface {
	EC2In(region string) EC2
	PricingIn(region string) Pricing
	QuotasIn(region string) ServiceQuotas
}

// Of are the services of a cloud that was reached.
func Of(t *awsx.Target) Services { return target{t} }

type target struct{ *awsx.Target }

func (t target) EC2In(region string) EC2 { return t.Target.EC2In(region) }

func (t target) PricingIn(region string) Pricing {
	return pricing.NewFromConfig(t.Config(), func(o *pricing.Options) { o.Region = region })
}

func (t target) QuotasIn(region string) ServiceQuotas {
	return servicequotas.NewFromConfig(t.Config(), func(o *servicequotas.Options) { o.Region = region })
}
