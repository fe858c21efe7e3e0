package ec2

import (
	"net/netip"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Subnet is a part of a VPC in one zone.
type Subnet struct {
	ID, Region, VPC, Zone, ZoneID, CIDR string
	Default                             bool
	MapPublicIP                         bool // new interfaces get a public address
	Used                                int  // addresses that interfaces have
	Created                             time.Time
}

func (n Subnet) origin() origin { return origin{"subnet", n.ID, n.Region, n.Created} }

// subnetKeys are the condition keys of a subnet.
func (s *Service) subnetKeys(tx *store.Tx, n Subnet) policy.Context {
	keys := s.resourceKeys(tx, n.Region, n.ID)
	keys.Set("ec2:AvailabilityZone", n.Zone)
	keys.Set("ec2:SubnetID", n.ID)
	keys.Set("ec2:Vpc", s.arn(n.Region, "vpc", n.VPC))
	return keys
}

// maxSubnets is the quota of subnets in a VPC.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
const maxSubnets = 200

type createSubnetInput struct {
	call.Dry
	VPC    string             `query:"VpcId"`
	CIDR   string             `query:"CidrBlock"`
	Zone   string             `query:"AvailabilityZone"`
	ZoneID string             `query:"AvailabilityZoneId"`
	Tags   []tagSpecification `query:"TagSpecification"`
}

type createSubnetOutput struct {
	Subnet subnetView `xml:"subnet"`
}

// createSubnet makes a subnet of /16 to /28 addresses of its VPC that no other
// subnet has. It gives no public addresses until told to.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
func (s *Service) createSubnet(tx *store.Tx, c *call.Caller, in *createSubnetInput) (*createSubnetOutput, error) {
	if in.CIDR == "" {
		return nil, errMissing("cidrBlock")
	}
	v, err := s.vpcs.find(tx, c.Region, in.VPC)
	if err != nil {
		return nil, err
	}
	zone, err := placeSubnet(c.Region, in.Zone, in.ZoneID)
	if err != nil {
		return nil, err
	}
	specs, err := readSpecifications(in.Tags, "subnet")
	if err != nil {
		return nil, err
	}
	tags := specs["subnet"]
	keys := s.regionKey(c).Merge(requestKeys(tags))
	keys.Set("ec2:AvailabilityZone", zone.Name)
	keys.Set("ec2:Vpc", s.arn(c.Region, "vpc", v.ID))
	if err := c.Require("ec2:CreateSubnet", s.arn(c.Region, "subnet", "*"), keys); err != nil {
		return nil, err
	}
	if err := c.Require("ec2:CreateSubnet", s.arn(c.Region, "vpc", v.ID), s.vpcKeys(tx, v)); err != nil {
		return nil, err
	}
	if err := s.requireTagging(c, "CreateSubnet", "subnet", tags); err != nil {
		return nil, err
	}
	block, err := s.takeBlock(tx, v, in.CIDR)
	if err != nil {
		return nil, err
	}
	n := Subnet{ID: call.NewID("subnet"), Region: c.Region, VPC: v.ID, Zone: zone.Name, ZoneID: zone.ID, CIDR: block.String(), Created: tx.Now()}
	s.subnets.Put(tx, n.ID, n)
	s.tag(tx, n.ID, tags)
	return &createSubnetOutput{s.viewSubnet(tx, n)}, nil
}

// placeSubnet finds the zone that a request names by its name or id. One that
// names none gets one that AWS chooses: here the region's first.
func placeSubnet(region, name, id string) (catalog.Zone, error) {
	zones := catalog.Zones(region)
	if name != "" && id != "" {
		return catalog.Zone{}, errCombination("The parameters AvailabilityZone and AvailabilityZoneId cannot be used together")
	}
	if name+id == "" && len(zones) > 0 {
		return zones[0], nil
	}
	i := slices.IndexFunc(zones, func(z catalog.Zone) bool { return z.Name == name || z.ID == id })
	if i < 0 {
		return catalog.Zone{}, errValue("Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %s.",
			name+id, zoneNames(zones))
	}
	return zones[i], nil
}

// takeBlock holds the addresses that a subnet is to have against its VPC's and
// against the other subnets'.
func (s *Service) takeBlock(tx *store.Tx, v VPC, text string) (netip.Prefix, error) {
	block, err := readBlock("cidrBlock", text)
	if err != nil {
		return block, err
	}
	whole := netip.MustParsePrefix(v.CIDR)
	if block.Bits() < 16 || block.Bits() > 28 || block.Bits() < whole.Bits() || !whole.Contains(block.Addr()) {
		return block, wire.Errorf("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text)
	}
	count := 0
	for _, n := range s.subnets.All(tx) {
		if n.VPC != v.ID {
			continue
		}
		if count++; netip.MustParsePrefix(n.CIDR).Overlaps(block) {
			return block, wire.Errorf("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", text)
		}
	}
	if count >= maxSubnets {
		return block, wire.Errorf("SubnetLimitExceeded", "The maximum number of subnets has been reached.")
	}
	return block, nil
}

type subnetInput struct {
	call.Dry
	Subnet string `query:"SubnetId"`
}

// deleteSubnet refuses while an interface is in the subnet, which the one of an
// instance is until the instance is terminated for good. Its association with a
// route table goes with it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html
func (s *Service) deleteSubnet(tx *store.Tx, c *call.Caller, in *subnetInput) (*done, error) {
	n, err := s.subnets.find(tx, c.Region, in.Subnet)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:DeleteSubnet", s.arn(c.Region, "subnet", n.ID), s.subnetKeys(tx, n)); err != nil {
		return nil, err
	}
	for _, i := range s.interfaces.All(tx) {
		if i.Subnet == n.ID {
			return nil, wire.Errorf("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", n.ID)
		}
	}
	if t, a, found := s.associationOf(tx, n.ID); found {
		s.dissociate(tx, t, a.ID)
	}
	s.subnets.Delete(tx, n.ID)
	s.tags.Delete(tx, n.ID)
	return &done{true}, nil
}

type modifySubnetAttributeInput struct { // which has no DryRun
	Subnet      string     `query:"SubnetId"`
	MapPublicIP *boolValue `query:"MapPublicIpOnLaunch"`
}

// modifySubnetAttribute sets whether new instances get a public address. They
// do whether or not there is a gateway: without one it leads nowhere.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html
func (s *Service) modifySubnetAttribute(tx *store.Tx, c *call.Caller, in *modifySubnetAttributeInput) (*done, error) {
	n, err := s.subnets.find(tx, c.Region, in.Subnet)
	if err != nil {
		return nil, err
	}
	keys := s.subnetKeys(tx, n)
	keys.Set("ec2:Attribute", "MapPublicIpOnLaunch")
	if err := c.Require("ec2:ModifySubnetAttribute", s.arn(c.Region, "subnet", n.ID), keys); err != nil {
		return nil, err
	}
	if in.MapPublicIP == nil {
		return nil, errCombination("No attributes specified.")
	}
	n.MapPublicIP = in.MapPublicIP.Value
	s.subnets.Put(tx, n.ID, n)
	return &done{true}, nil
}
