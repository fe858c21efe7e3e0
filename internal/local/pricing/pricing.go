// Package pricing is the Price List API of the local cloud: EC2's On-Demand
// prices for Linux, from the catalog. A price that the catalog only estimates is
// no list price, and is not served.
//
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Price_List_Service.html
package pricing

import (
	"net/http"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

const (
	serviceCode   = "AmazonEC2"
	formatVersion = "aws_v1"
)

// Service is the Price List API. Make one with New.
type Service struct {
	regions []string
}

// New makes the API; regions are those whose prices it has.
func New(regions []string) *Service { return &Service{slices.Clone(regions)} }

// Operations are the actions that the API answers.
func (s *Service) Operations() []call.Operation {
	return []call.Operation{call.Reads("GetProducts", s.getProducts)}
}

type productFilter struct {
	Type, Field, Value string
}

type getProductsInput struct {
	ServiceCode   string
	Filters       []productFilter
	FormatVersion string
	NextToken     string
	MaxResults    *int
}

type getProductsOutput struct {
	FormatVersion string
	PriceList     []string
	NextToken     string `json:",omitempty"`
}

// getProducts lists the products whose attributes pass every filter, a hundred a
// page. Each is a JSON document of its own in a string.
//
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
func (s *Service) getProducts(_ *store.Tx, c *call.Caller, in *getProductsInput) (*getProductsOutput, error) {
	// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
	if !slices.Contains([]string{"us-east-1", "eu-central-1", "ap-south-1"}, c.Region) {
		return nil, wire.Statusf(http.StatusNotFound, "UnknownEndpoint", "The Price List API has no endpoint in %s", c.Region)
	}
	if err := c.Require("pricing:GetProducts", "*", nil); err != nil {
		return nil, err
	}
	if in.ServiceCode != serviceCode {
		return nil, wire.Errorf("NotFoundException", "This cloud has no prices of the service %q", in.ServiceCode)
	}
	if in.FormatVersion != "" && in.FormatVersion != formatVersion {
		return nil, errParameter("The format version must be %s", formatVersion)
	}
	size := 100
	if in.MaxResults != nil {
		if size = *in.MaxResults; size < 1 || size > 100 {
			return nil, errParameter("MaxResults must be between 1 and 100")
		}
	}
	if err := checkFilters(in.Filters); err != nil {
		return nil, err
	}
	found := s.products(in.Filters)
	slices.SortFunc(found, func(a, b product) int { return strings.Compare(a.sku, b.sku) })
	scope := ""
	for _, f := range in.Filters {
		scope += f.Type + "\x01" + f.Field + "\x01" + f.Value + "\x01"
	}
	part, next, ok := call.Page(found, func(p product) string { return p.sku }, scope, in.NextToken, size)
	if !ok {
		return nil, wire.Errorf("InvalidNextTokenException", "The pagination token is invalid. Try again without a pagination token.")
	}
	out := &getProductsOutput{FormatVersion: formatVersion, PriceList: []string{}, NextToken: next}
	for _, p := range part {
		text, err := wire.EncodeJSON(p.document())
		if err != nil {
			return nil, err
		}
		out.PriceList = append(out.PriceList, string(text))
	}
	return out, nil
}

// checkFilters refuses what a product cannot be asked. A field that AWS has and
// this cloud does not is refused as well: no answer is not the answer none.
//
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_Filter.html
func checkFilters(filters []productFilter) error {
	if len(filters) > 50 {
		return errParameter("There can be 50 filters at most")
	}
	for _, f := range filters {
		if f.Field == "" || f.Value == "" {
			return errParameter("A filter needs a field and a value")
		}
		if !slices.Contains([]string{"TERM_MATCH", "EQUALS", "ANY_OF"}, f.Type) {
			return errParameter("This cloud has no filters of the type %q", f.Type)
		}
		if !slices.Contains(fields(), f.Field) {
			return errParameter("This cloud knows no attribute %q of products", f.Field)
		}
	}
	return nil
}

// matches tells whether a value passes a filter.
func (f productFilter) matches(value string) bool {
	if f.Type == "ANY_OF" {
		return slices.Contains(strings.Split(f.Value, ","), value)
	}
	return f.Value == value
}

func errParameter(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameterException", format, args...)
}
