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

func (r regionView) attribute(name string) ([]string, bool) {
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
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func (s *Service) describeRegions(_ *store.Tx, _ *call.Caller, in *describeRegionsInput) (*describeRegionsOutput, error) {
	found, _, err := listing[regionView]{
		all: numbered(viewRegions), attribute: regionView.attribute,
		find: func(name string) (regionView, error) {
			if !KnownRegion(name) {
				return regionView{}, errValue("Invalid region provided: [%s]", name)
			}
			return viewRegion(name), nil
		},
		id: func(r regionView) string { return r.Name },
	}.list(Listing{Filters: in.Filters}, in.Names)
	if err != nil {
		return nil, err
	}
	return &describeRegionsOutput{found}, nil
}

func viewRegion(name string) regionView {
	return regionView{Name: name, Endpoint: "ec2." + name + ".amazonaws.com", OptIn: optIn(name)}
}

func viewRegions(yield func(regionView) bool) {
	for _, name := range Regions() {
		if !yield(viewRegion(name)) {
			return
		}
	}
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

func (z zoneView) attribute(name string) ([]string, bool) {
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
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html
func (s *Service) describeAvailabilityZones(_ *store.Tx, c *call.Caller, in *describeZonesInput) (*describeZonesOutput, error) {
	zones := catalog.Zones(c.Region)
	find := func(what, key string, is func(catalog.Zone) bool) (zoneView, error) {
		i := slices.IndexFunc(zones, is)
		if i < 0 {
			return zoneView{}, errValue("Invalid availability %s: [%s]", what, key)
		}
		return viewZone(c.Region, zones[i]), nil
	}
	found, _, err := listing[zoneView]{
		all:       numbered(slices.Values(show(zones, func(z catalog.Zone) zoneView { return viewZone(c.Region, z) }))),
		attribute: zoneView.attribute,
		find: func(id string) (zoneView, error) {
			return find("zone-id", id, func(z catalog.Zone) bool { return z.ID == id })
		},
		named: func(name string) (zoneView, error) {
			return find("zone", name, func(z catalog.Zone) bool { return z.Name == name })
		},
		id: func(z zoneView) string { return z.ID },
	}.list(Listing{Filters: in.Filters}, in.IDs, in.Names...)
	if err != nil {
		return nil, err
	}
	return &describeZonesOutput{found}, nil
}

func viewZone(region string, z catalog.Zone) zoneView {
	return zoneView{
		Name: z.Name, State: "available", Region: region, OptIn: "opt-in-not-required",
		Group: region, ID: z.ID, Border: region, Type: "availability-zone",
	}
}
