package ec2

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Regions are the names of the cloud's regions: the commercial ones. GovCloud is
// another partition, with other accounts and other ARNs.
func Regions() []string {
	return slices.DeleteFunc(catalog.Regions(), func(name string) bool { return strings.HasPrefix(name, "us-gov-") })
}

// KnownRegion tells whether the cloud has a region.
func KnownRegion(name string) bool { return slices.Contains(Regions(), name) }

// optIn is how a region came to be enabled. The first ones need no opting in;
// all others count as opted into.
//
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func optIn(region string) string {
	switch region {
	case "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
		"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1",
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2":
		return "opt-in-not-required"
	}
	return "opted-in"
}

type describeRegionsInput struct {
	call.Dry
	AllRegions bool
	Filters    []filter `query:"Filter"`
	Names      []string `query:"RegionName"`
}

type regionView struct {
	Name     string `xml:"regionName"`
	Endpoint string `xml:"regionEndpoint"`
	OptIn    string `xml:"optInStatus"`
}

type describeRegionsOutput struct {
	Regions wire.Items[regionView] `xml:"regionInfo"`
}

func (r regionView) attributes(name string) ([]string, bool) {
	switch name {
	case "region-name":
		return one(r.Name)
	case "endpoint":
		return one(r.Endpoint)
	case "opt-in-status":
		return one(r.OptIn)
	}
	return nil, false
}

// describeRegions tells of all regions, with AllRegions or without: none is
// disabled here.
func (s *Service) describeRegions(_ *store.Tx, c *call.Caller, in *describeRegionsInput) (*describeRegionsOutput, error) {
	if err := s.requireList(c, "DescribeRegions"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, regionView{}.attributes); err != nil {
		return nil, err
	}
	for _, name := range in.Names {
		if !KnownRegion(name) {
			return nil, errValue("Invalid region provided: [%s]", name)
		}
	}
	out := &describeRegionsOutput{}
	for _, name := range Regions() {
		r := regionView{Name: name, Endpoint: "ec2." + name + ".amazonaws.com", OptIn: optIn(name)}
		if (len(in.Names) == 0 || slices.Contains(in.Names, name)) && passes(in.Filters, nil, r.attributes) {
			out.Regions = append(out.Regions, r)
		}
	}
	return out, nil
}

type describeZonesInput struct {
	call.Dry
	AllZones bool     `query:"AllAvailabilityZones"`
	Filters  []filter `query:"Filter"`
	Names    []string `query:"ZoneName"`
	IDs      []string `query:"ZoneId"`
}

type zoneView struct {
	Name   string `xml:"zoneName"`
	State  string `xml:"zoneState"`
	Region string `xml:"regionName"`
	OptIn  string `xml:"optInStatus"`
	Group  string `xml:"groupName"`
	ID     string `xml:"zoneId"`
	Border string `xml:"networkBorderGroup"`
	Type   string `xml:"zoneType"`
}

type describeZonesOutput struct {
	Zones wire.Items[zoneView] `xml:"availabilityZoneInfo"`
}

func (z zoneView) attributes(name string) ([]string, bool) {
	switch name {
	case "zone-name":
		return one(z.Name)
	case "zone-id":
		return one(z.ID)
	case "zone-type":
		return one(z.Type)
	case "state":
		return one(z.State)
	case "region-name":
		return one(z.Region)
	case "opt-in-status":
		return one(z.OptIn)
	case "group-name":
		return one(z.Group)
	}
	return nil, false
}

// describeAvailabilityZones tells of the region's zones. Local and Wavelength
// Zones are not there, so AllAvailabilityZones adds none.
func (s *Service) describeAvailabilityZones(_ *store.Tx, c *call.Caller, in *describeZonesInput) (*describeZonesOutput, error) {
	if err := s.requireList(c, "DescribeAvailabilityZones"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, zoneView{}.attributes); err != nil {
		return nil, err
	}
	zones := catalog.Zones(c.Region)
	for _, name := range in.Names {
		if !slices.ContainsFunc(zones, func(z catalog.Zone) bool { return z.Name == name }) {
			return nil, errValue("Invalid availability zone: [%s]", name)
		}
	}
	for _, id := range in.IDs {
		if !slices.ContainsFunc(zones, func(z catalog.Zone) bool { return z.ID == id }) {
			return nil, errValue("Invalid availability zone-id: [%s]", id)
		}
	}
	out := &describeZonesOutput{}
	for _, zone := range zones {
		z := zoneView{
			Name: zone.Name, State: "available", Region: c.Region, OptIn: "opt-in-not-required",
			Group: c.Region, ID: zone.ID, Border: c.Region, Type: "availability-zone",
		}
		named := (len(in.Names) == 0 || slices.Contains(in.Names, z.Name)) && (len(in.IDs) == 0 || slices.Contains(in.IDs, z.ID))
		if named && passes(in.Filters, nil, z.attributes) {
			out.Zones = append(out.Zones, z)
		}
	}
	return out, nil
}
