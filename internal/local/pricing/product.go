package pricing

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// The codes of the On-Demand term and of its rate are the same for every
// product.
//
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
const (
	onDemandTerm = "JRTCKXETXF"
	hourlyRate   = "6YS6EN2CT7"
)

// product is what a price list has a price for.
type product struct {
	sku        string
	attributes map[string]string
	microUSD   int64 // an hour
	asOf       string
}

// fields are the attributes that products here have.
func fields() []string {
	return []string{
		"servicecode", "servicename", "location", "locationType", "regionCode", "instanceType", "currentGeneration",
		"vcpu", "memory", "networkPerformance", "tenancy", "operatingSystem", "licenseModel", "operation",
		"preInstalledSw", "capacitystatus", "marketoption", "productFamily",
	}
}

// capacities are the three products that a price list has for one type in one
// region: instances, capacity that is reserved and not used, and instances
// within reserved capacity, which cost nothing more. Who does not ask for Used
// may take the free one for the price.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-pricing-billing.html
func capacities() []string {
	return []string{"Used", "UnusedCapacityReservation", "AllocatedCapacityReservation"}
}

// products are those whose attributes pass the filters.
func (s *Service) products(filters []productFilter) []product {
	var found []product
	for t := range catalog.Types() {
		if !passes(filters, "instanceType", t.Name) {
			continue
		}
		for _, region := range s.regions {
			if !passes(filters, "regionCode", region) {
				continue
			}
			offered, ok := catalog.Offered(region, t.Name)
			if !ok || !offered.OnDemand.Known() || offered.OnDemand.Estimated {
				continue
			}
			for _, capacity := range capacities() {
				p := newProduct(t, region, capacity, offered.OnDemand)
				if p.passes(filters) {
					found = append(found, p)
				}
			}
		}
	}
	return found
}

// passes tells whether a value of a field passes the filters on that field.
func passes(filters []productFilter, field, value string) bool {
	for _, f := range filters {
		if f.Field == field && !f.matches(value) {
			return false
		}
	}
	return true
}

func (p product) passes(filters []productFilter) bool {
	for _, f := range filters {
		if value, has := p.attributes[f.Field]; !has || !f.matches(value) {
			return false
		}
	}
	return true
}

func newProduct(t catalog.Type, region, capacity string, price catalog.Price) product {
	generation := "Yes"
	if t.Previous {
		generation = "No"
	}
	p := product{microUSD: price.MicroUSD, asOf: price.Source.AsOf, attributes: map[string]string{
		"productFamily": "Compute Instance", "servicecode": serviceCode, "servicename": "Amazon Elastic Compute Cloud",
		"locationType": "AWS Region", "regionCode": region, "instanceType": t.Name, "currentGeneration": generation,
		"tenancy": "Shared", "operatingSystem": "Linux", "licenseModel": "No License required", "operation": "RunInstances",
		"preInstalledSw": "NA", "capacitystatus": capacity, "marketoption": "OnDemand",
	}}
	if capacity == "AllocatedCapacityReservation" {
		p.microUSD = 0
	}
	if name, known := location(region); known {
		p.attributes["location"] = name
	}
	if t.VCPUs > 0 {
		p.attributes["vcpu"] = strconv.Itoa(t.VCPUs)
	}
	if t.MemoryMiB > 0 {
		p.attributes["memory"] = strconv.FormatFloat(float64(t.MemoryMiB)/1024, 'f', -1, 64) + " GiB"
	}
	if t.Network != "" {
		p.attributes["networkPerformance"] = t.Network
	}
	sum := sha256.Sum256([]byte(region + " " + t.Name + " " + capacity))
	p.sku = base32.StdEncoding.EncodeToString(sum[:10])
	return p
}

// The document of a product, as it comes in a price list.
type (
	document struct {
		Product         productPart `json:"product"`
		ServiceCode     string      `json:"serviceCode"`
		Terms           terms       `json:"terms"`
		Version         string      `json:"version"`
		PublicationDate string      `json:"publicationDate"`
	}
	productPart struct {
		Family     string            `json:"productFamily"`
		Attributes map[string]string `json:"attributes"`
		SKU        string            `json:"sku"`
	}
	terms struct {
		OnDemand map[string]term
	}
	term struct {
		Dimensions    map[string]dimension `json:"priceDimensions"`
		SKU           string               `json:"sku"`
		EffectiveDate string               `json:"effectiveDate"`
		OfferTermCode string               `json:"offerTermCode"`
		Attributes    struct{}             `json:"termAttributes"`
	}
	dimension struct {
		Unit        string            `json:"unit"`
		EndRange    string            `json:"endRange"`
		Description string            `json:"description"`
		AppliesTo   []string          `json:"appliesTo"`
		RateCode    string            `json:"rateCode"`
		BeginRange  string            `json:"beginRange"`
		Price       map[string]string `json:"pricePerUnit"`
	}
)

// document writes the product with its one term.
func (p product) document() document {
	attributes := map[string]string{}
	for name, value := range p.attributes {
		if name != "productFamily" { // it has a place of its own
			attributes[name] = value
		}
	}
	code := p.sku + "." + onDemandTerm
	rate := code + "." + hourlyRate
	usd := fmt.Sprintf("%d.%06d0000", p.microUSD/1_000_000, p.microUSD%1_000_000)
	date := p.asOf + "T00:00:00Z"
	return document{
		Product:     productPart{p.attributes["productFamily"], attributes, p.sku},
		ServiceCode: serviceCode,
		Terms: terms{map[string]term{code: {
			SKU: p.sku, EffectiveDate: date, OfferTermCode: onDemandTerm,
			Dimensions: map[string]dimension{rate: {
				Unit: "Hrs", BeginRange: "0", EndRange: "Inf", AppliesTo: []string{}, RateCode: rate,
				Description: "$" + usd + " per On Demand Linux " + p.attributes["instanceType"] + " Instance Hour",
				Price:       map[string]string{"USD": usd},
			}},
		}}},
		Version:         strings.ReplaceAll(p.asOf, "-", "") + "000000",
		PublicationDate: date,
	}
}

// location is how price lists name a region; the European ones differ from the
// names elsewhere.
//
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func location(region string) (string, bool) {
	name, known := map[string]string{
		"af-south-1": "Africa (Cape Town)", "ap-east-1": "Asia Pacific (Hong Kong)", "ap-northeast-1": "Asia Pacific (Tokyo)",
		"ap-northeast-2": "Asia Pacific (Seoul)", "ap-northeast-3": "Asia Pacific (Osaka)", "ap-south-1": "Asia Pacific (Mumbai)",
		"ap-south-2": "Asia Pacific (Hyderabad)", "ap-southeast-1": "Asia Pacific (Singapore)", "ap-southeast-2": "Asia Pacific (Sydney)",
		"ap-southeast-3": "Asia Pacific (Jakarta)", "ap-southeast-4": "Asia Pacific (Melbourne)", "ca-central-1": "Canada (Central)",
		"ca-west-1": "Canada West (Calgary)", "eu-central-1": "EU (Frankfurt)", "eu-central-2": "Europe (Zurich)",
		"eu-north-1": "EU (Stockholm)", "eu-south-1": "EU (Milan)", "eu-south-2": "Europe (Spain)", "eu-west-1": "EU (Ireland)",
		"eu-west-2": "EU (London)", "eu-west-3": "EU (Paris)", "il-central-1": "Israel (Tel Aviv)", "me-central-1": "Middle East (UAE)",
		"me-south-1": "Middle East (Bahrain)", "sa-east-1": "South America (Sao Paulo)", "us-east-1": "US East (N. Virginia)",
		"us-east-2": "US East (Ohio)", "us-west-1": "US West (N. California)", "us-west-2": "US West (Oregon)",
	}[region]
	return name, known
}
