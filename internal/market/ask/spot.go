package ask

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/price"
)

// spotSource is where Spot prices come from.
const spotSource = "EC2 Spot price history"

// spot asks for the prices in force: a history that begins now has the latest
// price of each type and zone.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
func (a *asker) spot(ctx context.Context, region string, some []selection) market.Fact[[]market.SpotPrice] {
	value, err := a.spotSince(ctx, region, some, a.asOf)
	slices.SortStableFunc(value, func(a, b market.SpotPrice) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Zone, b.Zone), b.Since.Compare(a.Since))
	})
	value = slices.CompactFunc(value, market.SpotPrice.SamePlace)
	return result(value, err, a.asOf)
}

// history asks for the prices since a time, the one in force then included.
func (a *asker) history(ctx context.Context, region string, some []selection) market.Fact[[]market.SpotPrice] {
	value, err := a.spotSince(ctx, region, some, a.question.Since)
	sortHistory(value)
	return result(value, err, a.asOf)
}

func sortHistory(prices []market.SpotPrice) {
	slices.SortStableFunc(prices, func(a, b market.SpotPrice) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Zone, b.Zone), a.Since.Compare(b.Since))
	})
}

func (a *asker) spotSince(ctx context.Context, region string, some []selection, start time.Time) ([]market.SpotPrice, error) {
	client := a.services.EC2In(region)
	return gather(ctx, some, func(ctx context.Context, s selection) ([]market.SpotPrice, error) {
		return pages(ctx, a, func(token *string) ([]market.SpotPrice, *string, error) {
			out, err := client.DescribeSpotPriceHistory(ctx, &ec2.DescribeSpotPriceHistoryInput{
				Filters: []ec2types.Filter{s.filter()}, ProductDescriptions: []string{string(ec2types.RIProductDescriptionLinuxUnix)},
				StartTime: aws.Time(start), MaxResults: aws.Int32(1000), NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			page, err := spotPrices(out.SpotPriceHistory, a.asOf)
			return page, out.NextToken, err
		})
	})
}

// spotPrices reads prices, which EC2 writes as text.
func spotPrices(entries []ec2types.SpotPrice, asOf time.Time) ([]market.SpotPrice, error) {
	var out []market.SpotPrice
	for _, e := range entries {
		usd, err := strconv.ParseFloat(aws.ToString(e.SpotPrice), 64)
		if err != nil {
			return nil, fmt.Errorf("read the Spot price of %s: %w", e.InstanceType, err)
		}
		p := price.FromUSD(usd, spotSource, asOf.UTC().Format(time.RFC3339))
		if p.Known() {
			out = append(out, market.SpotPrice{Type: string(e.InstanceType), Zone: aws.ToString(e.AvailabilityZone), Price: p, Since: aws.ToTime(e.Timestamp)})
		}
	}
	return out, nil
}
