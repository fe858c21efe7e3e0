package ec2

import (
	"iter"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// describeTypeOfferingsInput is what DescribeInstanceTypeOfferings takes.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
type describeTypeOfferingsInput struct {
	Listing
	LocationType string
}

type typeOffering struct {
	Type         string `xml:"instanceType"`
	LocationType string `xml:"locationType"`
	Location     string `xml:"location"`
}

func (o typeOffering) attribute(name string) ([]string, bool) {
	switch name {
	case "instance-type":
		return one(o.Type)
	case "location":
		return one(o.Location)
	}
	return nil, false
}

type describeTypeOfferingsOutput struct {
	Offerings wire.Items[typeOffering] `xml:"instanceTypeOfferingSet"`
	NextToken string                   `xml:"nextToken,omitempty"`
}

// zonesWith are the zones of a region in which an offered type can be launched.
// Of a type newer than what is known about zones they are all.
func zonesWith(o catalog.Offering) []catalog.Zone {
	if len(o.Zones) == 0 {
		return catalog.Zones(o.Region)
	}
	return o.Zones
}

// describeInstanceTypeOfferings tells where types can be had: in the region,
// unless asked for its zones by name or by id. There are no Outposts.
func (s *Service) describeInstanceTypeOfferings(_ *store.Tx, c *call.Caller, in *describeTypeOfferingsInput) (*describeTypeOfferingsOutput, error) {
	if err := oneOf("LocationType", in.LocationType, "region", "availability-zone", "availability-zone-id"); err != nil {
		return nil, err
	}
	found, next, err := listing[typeOffering]{
		all: numbered(typeOfferings(c.Region, in.LocationType)), attribute: typeOffering.attribute, pages: limits{5, 1000},
	}.list(in.atMost(1000), nil)
	if err != nil {
		return nil, err
	}
	return &describeTypeOfferingsOutput{found, next}, nil
}

// typeOfferings are all offerings in a region, by type.
func typeOfferings(region, locationType string) iter.Seq[typeOffering] {
	return func(yield func(typeOffering) bool) {
		for t := range catalog.Types() {
			o, offered := catalog.Offered(region, t.Name)
			if !offered {
				continue
			}
			for _, location := range locations(o, locationType) {
				if !yield(location) {
					return
				}
			}
		}
	}
}

func locations(o catalog.Offering, locationType string) []typeOffering {
	if locationType == "" || locationType == "region" {
		return []typeOffering{{o.Type, "region", o.Region}}
	}
	var out []typeOffering
	for _, z := range zonesWith(o) {
		place := z.Name
		if locationType == "availability-zone-id" {
			place = z.ID
		}
		out = append(out, typeOffering{o.Type, locationType, place})
	}
	return out
}
