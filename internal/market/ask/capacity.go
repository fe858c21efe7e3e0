package ask

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/price"
)

// reservations asks for the capacity that the account has reserved, or that is
// shared with it: what can be used now or has a date, of all types.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeCapacityReservations.html
func (a *asker) reservations(ctx context.Context, region string) market.Fact[[]market.Reservation] {
	client := a.services.EC2In(region)
	states := ec2types.Filter{Name: aws.String("state"), Values: []string{
		string(ec2types.CapacityReservationStateActive), string(ec2types.CapacityReservationStateScheduled),
	}}
	all, err := pages(ctx, a, func(token *string) ([]market.Reservation, *string, error) {
		out, err := client.DescribeCapacityReservations(ctx, &ec2.DescribeCapacityReservationsInput{
			Filters: []ec2types.Filter{states}, MaxResults: aws.Int32(1000), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		var page []market.Reservation
		for _, r := range out.CapacityReservations {
			page = append(page, reservationOf(r))
		}
		return page, out.NextToken, nil
	})
	return result(all, err, a.asOf)
}

func reservationOf(r ec2types.CapacityReservation) market.Reservation {
	kind := string(r.ReservationType)
	if kind == "" {
		kind = string(ec2types.CapacityReservationTypeDefault)
	}
	return market.Reservation{
		ID: aws.ToString(r.CapacityReservationId), Type: aws.ToString(r.InstanceType), Zone: aws.ToString(r.AvailabilityZone),
		Kind: kind, State: string(r.State), Platform: string(r.InstancePlatform),
		Targeted: r.InstanceMatchCriteria == ec2types.InstanceMatchCriteriaTargeted,
		Total:    int(aws.ToInt32(r.TotalInstanceCount)), Available: int(aws.ToInt32(r.AvailableInstanceCount)),
		Start: aws.ToTime(r.StartDate), End: aws.ToTime(r.EndDate),
	}
}

// blockTypes are the types that Capacity Blocks are sold for.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-prerequisites.html
func blockTypes() []string {
	return []string{
		"p4d.24xlarge", "p4de.24xlarge", "p5.4xlarge", "p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge",
		"p6-b200.48xlarge", "p6-b300.48xlarge", "trn1.32xlarge", "trn2.3xlarge", "trn2.48xlarge",
	}
}

// blocks asks for the Capacity Blocks that could be bought, one instance for one
// day. A call takes one type and no more, so this is the one exception from
// never asking a call a type; few types are sold so, and each in few regions.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeCapacityBlockOfferings.html
func (a *asker) blocks(ctx context.Context, region string) market.Fact[[]market.Block] {
	var some []selection
	for _, name := range blockTypes() {
		_, offered := catalog.Offered(region, name)
		if offered && (len(a.selections) == 0 || a.question.Means(name)) {
			some = append(some, selection{names: []string{name}})
		}
	}
	client := a.services.EC2In(region)
	value, err := gather(ctx, some, func(ctx context.Context, s selection) ([]market.Block, error) {
		return pages(ctx, a, func(token *string) ([]market.Block, *string, error) {
			out, err := client.DescribeCapacityBlockOfferings(ctx, &ec2.DescribeCapacityBlockOfferingsInput{
				InstanceType: aws.String(s.names[0]), InstanceCount: aws.Int32(1), CapacityDurationHours: aws.Int32(24), NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			var page []market.Block
			for _, b := range out.CapacityBlockOfferings {
				page = append(page, blockOf(b))
			}
			return page, out.NextToken, nil
		})
	})
	return result(value, err, a.asOf)
}

func blockOf(b ec2types.CapacityBlockOffering) market.Block {
	out := market.Block{
		ID: aws.ToString(b.CapacityBlockOfferingId), Type: aws.ToString(b.InstanceType), Zone: aws.ToString(b.AvailabilityZone),
		Instances: int(aws.ToInt32(b.InstanceCount)), Hours: int(aws.ToInt32(b.CapacityBlockDurationHours)),
		Start: aws.ToTime(b.StartDate), End: aws.ToTime(b.EndDate),
	}
	// A fee in another currency, or one that is no number, is unknown.
	if fee, err := strconv.ParseFloat(aws.ToString(b.UpfrontFee), 64); err == nil && aws.ToString(b.CurrencyCode) == "USD" {
		out.Fee = price.CostFromUSD(fee)
	}
	return out
}
