package local_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	pricingtypes "github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/spawn-ec2/spawn/internal/catalog"
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

func TestQuotasOfANewAccount(t *testing.T) {
	w := newWorld(t)
	api, ctx := servicequotas.NewFromConfig(w.config(w.admin())), t.Context()
	for code, want := range map[string]float64{"L-1216C47A": 5, "L-34B43A08": 5, "L-DB2E81BA": 0, "L-417A185B": 0, "L-3819A6DF": 0} {
		got, err := api.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("ec2"), QuotaCode: &code})
		noError(t, err)
		if *got.Quota.Value != want || *got.Quota.QuotaCode != code {
			t.Errorf("%s is %+v", code, got.Quota)
		}
	}
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
