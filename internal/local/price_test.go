package local_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	pricingtypes "github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/fault"
)

func (w *world) pricing(c who) *pricing.Client { return pricing.NewFromConfig(w.config(c)) }

// listed asks for products by field and value, and returns their prices in USD
// by SKU.
func (w *world) listed(pairs ...string) map[string]string {
	w.t.Helper()
	in := &pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), MaxResults: aws.Int32(50)}
	for i := 0; i < len(pairs); i += 2 {
		in.Filters = append(in.Filters, pricingtypes.Filter{Type: pricingtypes.FilterTypeTermMatch, Field: &pairs[i], Value: &pairs[i+1]})
	}
	prices := map[string]string{}
	pages := pricing.NewGetProductsPaginator(w.pricing(w.admin()), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		noError(w.t, err)
		for _, text := range page.PriceList {
			var item struct {
				Product struct {
					SKU        string
					Attributes struct{ InstanceType, RegionCode string }
				}
				Terms struct {
					OnDemand map[string]struct {
						PriceDimensions map[string]struct {
							Unit         string
							PricePerUnit map[string]string
						}
					}
				}
			}
			noError(w.t, json.Unmarshal([]byte(text), &item))
			for _, term := range item.Terms.OnDemand {
				for _, d := range term.PriceDimensions {
					if _, twice := prices[item.Product.SKU]; twice || d.Unit != "Hrs" {
						w.t.Errorf("twice, or not by the hour: %s", text)
					}
					prices[item.Product.SKU] = d.PricePerUnit["USD"]
				}
			}
		}
	}
	return prices
}

func TestProductsHaveTheListPrice(t *testing.T) {
	w := newWorld(t)
	offered, _ := catalog.Offered("eu-west-1", "m7i.large")
	want := fmt.Sprintf("%d.%06d0000", offered.OnDemand.MicroUSD/1e6, offered.OnDemand.MicroUSD%1e6)
	for _, place := range [][]string{{"regionCode", "eu-west-1"}, {"location", "EU (Ireland)"}} {
		prices := w.listed(append(place, "instanceType", "m7i.large", "operatingSystem", "Linux", "tenancy", "Shared", "preInstalledSw", "NA", "capacitystatus", "Used")...)
		for _, price := range prices {
			if price != want {
				t.Errorf("the price is %s, want %s", price, want)
			}
		}
		if len(prices) != 1 {
			t.Errorf("by %s there are %v", place[0], prices)
		}
	}
	// Who does not ask for capacity in use finds more than one price, one of them nothing.
	if prices := w.listed("regionCode", "eu-west-1", "instanceType", "m7i.large"); len(prices) != 3 {
		t.Errorf("without capacitystatus there are %v", prices)
	}
	if prices := w.listed("instanceType", "m7i.large", "operatingSystem", "Windows"); len(prices) != 0 {
		t.Errorf("Windows costs %v", prices)
	}
}

func TestProductsComeInPagesAndAreNeverEstimates(t *testing.T) {
	w := newWorld(t)
	known, estimated := 0, ""
	for kind := range catalog.Types() {
		offered, found := catalog.Offered("eu-west-1", kind.Name)
		switch {
		case found && offered.OnDemand.Estimated:
			estimated = kind.Name
		case found && offered.OnDemand.Known():
			known++
		}
	}
	if prices := w.listed("regionCode", "eu-west-1", "capacitystatus", "Used"); len(prices) != known {
		t.Errorf("%d products, the catalog has %d prices", len(prices), known)
	}
	if estimated == "" {
		t.Fatal("the catalog estimates no price in eu-west-1: choose another region")
	}
	if prices := w.listed("regionCode", "eu-west-1", "instanceType", estimated); len(prices) != 0 {
		t.Errorf("the estimate of %s is served: %v", estimated, prices)
	}
}

func TestPricesAreServedInThreeRegions(t *testing.T) {
	w := newWorld(t)
	in := &pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), MaxResults: aws.Int32(1)}
	elsewhere := w.admin()
	elsewhere.region = "eu-west-1"
	_, err := w.pricing(elsewhere).GetProducts(t.Context(), in)
	wantCode(t, err, "UnknownEndpoint")
	elsewhere.region = "ap-south-1"
	_, err = w.pricing(elsewhere).GetProducts(t.Context(), in)
	noError(t, err)
	_, err = w.pricing(w.user("nobody", "")).GetProducts(t.Context(), in)
	wantCode(t, err, "AccessDeniedException")
	in.Filters = []pricingtypes.Filter{{Type: "TERM_MATCH", Field: aws.String("instancetype"), Value: aws.String("m7i.large")}}
	_, err = w.pricing(w.admin()).GetProducts(t.Context(), in)
	wantCode(t, err, "InvalidParameterException")
}

// quota is what Service Quotas tells of a quota in a region.
func (w *world) quota(region, code string) float64 {
	w.t.Helper()
	there := w.admin()
	there.region = region
	got, err := servicequotas.NewFromConfig(w.config(there)).GetServiceQuota(w.t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("ec2"), QuotaCode: &code})
	noError(w.t, err)
	if *got.Quota.QuotaCode != code || !strings.Contains(*got.Quota.QuotaArn, ":"+region+":") {
		w.t.Errorf("%s is %+v", code, got.Quota)
	}
	return *got.Quota.Value
}

func TestQuotasAreGenerousUntilTheyAreSet(t *testing.T) {
	w := newWorld(t)
	set := func(r fault.Rule) {
		t.Helper()
		r.Kind = fault.Quota
		_, err := w.Faults().Add(r)
		noError(t, err)
	}
	want := func(region string, standard, g float64) {
		t.Helper()
		if a, b := w.quota(region, "L-1216C47A"), w.quota(region, "L-DB2E81BA"); a != standard || b != g {
			t.Errorf("the quotas in %s are %g and %g, want %g and %g", region, a, b, standard, g)
		}
	}
	want("us-east-1", 100000, 100000)
	set(fault.Rule{NewAccount: true, Region: "us-east-1"})
	want("us-east-1", 5, 0)
	want("eu-west-1", 100000, 100000)
	set(fault.Rule{Code: "L-DB2E81BA", Value: aws.Float64(8)})
	want("us-east-1", 5, 8)
	want("eu-west-1", 100000, 8)
	set(fault.Rule{Code: "L-1216C47A", Value: aws.Float64(0), Region: "eu-west-1"})
	want("us-east-1", 5, 8)
	want("eu-west-1", 0, 8)
	w.Faults().Clear("")
	want("us-east-1", 100000, 100000)
}

func TestQuotasAreListed(t *testing.T) {
	w := newWorld(t)
	api, ctx := servicequotas.NewFromConfig(w.config(w.admin())), t.Context()
	_, err := api.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("ec2"), QuotaCode: aws.String("L-00000000")})
	wantCode(t, err, "NoSuchResourceException")
	seen := map[string]bool{}
	pages := servicequotas.NewListServiceQuotasPaginator(api, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("ec2"), MaxResults: aws.Int32(7)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		noError(t, err)
		for _, q := range page.Quotas {
			seen[*q.QuotaCode] = true
		}
	}
	if len(seen) != 18 {
		t.Errorf("%d quotas are listed", len(seen))
	}
}
