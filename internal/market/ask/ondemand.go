package ask

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	pricingtypes "github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// onDemandSource is where list prices come from.
const onDemandSource = "AWS price list"

// maxFilterText is the longest value of a filter, in bytes.
//
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_Filter.html
const maxFilterText = 1024

// priceRegion is where the price list of a region's partition is asked; false
// where a partition has none for its accounts.
//
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
func priceRegion(region string) (string, bool) {
	switch market.PartitionOf(region) {
	case "":
		return "us-east-1", true
	case "cn-":
		return "cn-northwest-1", true
	default:
		return "", false
	}
}

// onDemand asks for list prices: Linux, shared tenancy, nothing installed, USD.
func (a *asker) onDemand(ctx context.Context, region string, some []selection) market.Fact[map[string]price.Price] {
	at, ok := priceRegion(region)
	if !ok {
		return failed[map[string]price.Price](problem.New(problem.Failed, "there is no Price List API for the accounts of %s", region))
	}
	client := a.services.PricingIn(at)
	listed, err := gather(ctx, byLength(some), func(ctx context.Context, s selection) ([]listPrice, error) {
		return pages(ctx, a, func(token *string) ([]listPrice, *string, error) {
			out, err := client.GetProducts(ctx, &pricing.GetProductsInput{
				ServiceCode: aws.String("AmazonEC2"), Filters: productFilters(region, s.names), NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			page, err := listPrices(out.PriceList)
			return page, out.NextToken, err
		})
	})
	if err != nil {
		return failed[map[string]price.Price](err)
	}
	value := map[string]price.Price{}
	for _, l := range listed {
		if p := price.FromUSD(l.usd, onDemandSource, a.asOf.UTC().Format(time.RFC3339)); p.Known() {
			value[l.typeName] = p
		}
	}
	return known(value, a.asOf)
}

// byLength divides the names of selections so that each fits into a filter.
func byLength(some []selection) []selection {
	var out []selection
	var names []string
	length := 0
	for _, s := range some {
		for _, name := range s.names {
			if length+len(name)+1 > maxFilterText || len(names) == typesAtOnce {
				out = append(out, selection{names: names})
				names, length = nil, 0
			}
			names = append(names, name)
			length += len(name) + 1
		}
	}
	if len(names) > 0 {
		out = append(out, selection{names: names})
	}
	return out
}

// productFilters leave one product of each type in a region. The price list
// has free products for capacity that is paid for by a reservation, hence Used.
func productFilters(region string, names []string) []pricingtypes.Filter {
	filter := func(kind pricingtypes.FilterType, field, value string) pricingtypes.Filter {
		return pricingtypes.Filter{Type: kind, Field: aws.String(field), Value: aws.String(value)}
	}
	equal := pricingtypes.FilterTypeTermMatch
	return []pricingtypes.Filter{
		filter(pricingtypes.FilterTypeAnyOf, "instanceType", strings.Join(names, ",")),
		filter(equal, "regionCode", region),
		filter(equal, "operatingSystem", "Linux"),
		filter(equal, "tenancy", "Shared"),
		filter(equal, "preInstalledSw", "NA"),
		filter(equal, "capacitystatus", "Used"),
		filter(equal, "marketoption", "OnDemand"),
	}
}

// listPrice is what a type costs an hour.
type listPrice struct {
	typeName string
	usd      float64
}

// product is the part of a price list's document that is read.
//
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
type product struct {
	Product struct {
		Attributes struct {
			InstanceType string `json:"instanceType"`
		} `json:"attributes"`
	} `json:"product"`
	Terms struct {
		OnDemand map[string]struct {
			Dimensions map[string]struct {
				Unit  string            `json:"unit"`
				Price map[string]string `json:"pricePerUnit"`
			} `json:"priceDimensions"`
		}
	} `json:"terms"`
}

// listPrices reads the prices an hour of a page of products. One that is not in
// USD has none.
func listPrices(documents []string) ([]listPrice, error) {
	var out []listPrice
	for _, text := range documents {
		var p product
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return nil, fmt.Errorf("read the price list: %w", err)
		}
		for _, term := range p.Terms.OnDemand {
			for _, d := range term.Dimensions {
				usd, has := d.Price["USD"]
				if !has || d.Unit != "Hrs" {
					continue
				}
				amount, err := strconv.ParseFloat(usd, 64)
				if err != nil {
					return nil, fmt.Errorf("read the price of %s: %w", p.Product.Attributes.InstanceType, err)
				}
				out = append(out, listPrice{p.Product.Attributes.InstanceType, amount})
			}
		}
	}
	// Of several prices the highest counts, whatever order they come in.
	slices.SortFunc(out, func(a, b listPrice) int { return cmp.Compare(a.usd, b.usd) })
	return out, nil
}
