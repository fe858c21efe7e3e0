package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeSubnetsInput struct {
	Listing
	IDs []string `query:"SubnetId"`
}

type subnetView struct {
	ID        string          `xml:"subnetId"`
	ARN       string          `xml:"subnetArn"`
	Owner     string          `xml:"ownerId"`
	State     string          `xml:"state"`
	VPC       string          `xml:"vpcId"`
	CIDR      string          `xml:"cidrBlock"`
	Available int             `xml:"availableIpAddressCount"`
	Zone      string          `xml:"availabilityZone"`
	ZoneID    string          `xml:"availabilityZoneId"`
	Default   bool            `xml:"defaultForAz"`
	MapPublic bool            `xml:"mapPublicIpOnLaunch"`
	Tags      wire.Items[Tag] `xml:"tagSet"`
}

type describeSubnetsOutput struct {
	Subnets   wire.Items[subnetView] `xml:"subnetSet"`
	NextToken string                 `xml:"nextToken,omitempty"`
}

func (s *Service) viewSubnet(tx *store.Tx, n Subnet) subnetView {
	return subnetView{
		ID: n.ID, ARN: s.arn(n.Region, "subnet", n.ID), Owner: s.Account, State: "available",
		VPC: n.VPC, CIDR: n.CIDR, Available: n.size() - n.Used, Zone: n.Zone, ZoneID: n.ZoneID, Default: n.Default,
		MapPublic: n.MapPublicIP, Tags: s.tagList(tx, n.ID),
	}
}

func (s *Service) subnetAttribute(n Subnet, name string) ([]string, bool) {
	switch name {
	case "subnet-id":
		return one(n.ID)
	case "vpc-id":
		return one(n.VPC)
	case "availability-zone", "availabilityZone":
		return one(n.Zone)
	case "availability-zone-id", "availabilityZoneId":
		return one(n.ZoneID)
	case "cidr-block", "cidr", "cidrBlock":
		return one(n.CIDR)
	case "default-for-az", "defaultForAz":
		return truth(n.Default)
	case "map-public-ip-on-launch":
		return truth(n.MapPublicIP)
	case "state":
		return one("available")
	case "owner-id":
		return one(s.Account)
	}
	return nil, false
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
func (s *Service) describeSubnets(tx *store.Tx, c *call.Caller, in *describeSubnetsInput) (*describeSubnetsOutput, error) {
	found, next, err := listingOf(s, tx, c, s.subnets, s.subnetAttribute, limits{5, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeSubnetsOutput{show(found, func(n Subnet) subnetView { return s.viewSubnet(tx, n) }), next}, nil
}
