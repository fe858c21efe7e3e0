package ec2

import (
	"net/netip"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// VPC is a virtual network.
type VPC struct {
	ID, Region, CIDR string
	Default          bool
	DNSSupport       bool // there is a resolver
	DNSHostnames     bool // public addresses have names
	Created          time.Time
}

func (v VPC) origin() origin { return origin{"vpc", v.ID, v.Region, v.Created} }

// maxVPCs is the quota of a new account, for each region; it is the same for
// internet gateways.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
const maxVPCs = 5

// vpcKeys are the condition keys of a VPC.
func (s *Service) vpcKeys(tx *store.Tx, v VPC) policy.Context {
	keys := s.resourceKeys(tx, v.Region, v.ID)
	keys.Set("ec2:VpcID", v.ID)
	return keys
}

// readBlock reads the range of addresses of a VPC, a subnet or a route. Bits
// beyond its length are dropped, as EC2 documents of all three.
func readBlock(parameter, text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return p, errValue("Value (%s) for parameter %s is invalid. This is not a valid CIDR block.", text, parameter)
	}
	return p.Masked(), nil
}

type createVpcInput struct {
	call.Dry
	CIDR    string             `query:"CidrBlock"`
	Tenancy string             `query:"InstanceTenancy"`
	Tags    []tagSpecification `query:"TagSpecification"`
}

type createVpcOutput struct {
	VPC vpcView `xml:"vpc"`
}

// createVpc makes a VPC of /16 to /28 addresses. The reference of errors calls
// the code for another size InvalidVpcRange; EC2 is reported to answer
// InvalidVpc.Range.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html
// https://github.com/hashicorp/terraform/issues/19452
func (s *Service) createVpc(tx *store.Tx, c *call.Caller, in *createVpcInput) (*createVpcOutput, error) {
	if in.CIDR == "" {
		return nil, errMissing("cidrBlock")
	}
	block, err := readBlock("cidrBlock", in.CIDR)
	if err != nil {
		return nil, err
	}
	if block.Bits() < 16 || block.Bits() > 28 {
		return nil, wire.Errorf("InvalidVpc.Range", "The CIDR '%s' is invalid.", in.CIDR)
	}
	if in.Tenancy != "" && in.Tenancy != "default" {
		return nil, wire.Errorf("UnsupportedOperation", "This cloud does not have the tenancy %s", in.Tenancy)
	}
	specs, err := readSpecifications(in.Tags, "vpc")
	if err != nil {
		return nil, err
	}
	tags := specs["vpc"]
	if err := c.Require("ec2:CreateVpc", s.arn(c.Region, "vpc", "*"), s.regionKey(c).Merge(requestKeys(tags))); err != nil {
		return nil, err
	}
	if err := s.requireTagging(c, "CreateVpc", "vpc", tags); err != nil {
		return nil, err
	}
	if s.vpcs.count(tx, c.Region) >= maxVPCs {
		return nil, wire.Errorf("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
	}
	v := VPC{ID: call.NewID("vpc"), Region: c.Region, CIDR: block.String(), DNSSupport: true, Created: tx.Now()}
	s.addVPC(tx, v, call.NewID("sg"), call.NewID("rtb"))
	s.tag(tx, v.ID, tags)
	out := &createVpcOutput{s.viewVPC(tx, v)}
	out.VPC.State = "pending"
	return out, nil
}

// addVPC adds a VPC with what none is without: its default security group,
// which lets its own members in, and its main route table.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
func (s *Service) addVPC(tx *store.Tx, v VPC, group, table string) {
	s.vpcs.Put(tx, v.ID, v)
	g := SecurityGroup{ID: group, Region: v.Region, VPC: v.ID, Name: "default", Description: "default VPC security group", Created: v.Created}
	g.Rules = []Rule{{ID: call.NewID("sgr"), Protocol: "-1", From: -1, To: -1, Group: g.ID}}
	g.Egress = []Rule{everythingOut()}
	s.groups.Put(tx, g.ID, g)
	t := RouteTable{ID: table, Region: v.Region, VPC: v.ID, Created: v.Created, Associations: []Association{{ID: call.NewID("rtbassoc"), Main: true}}}
	s.routeTables.Put(tx, t.ID, t)
}

// openVPC gives a new VPC a gateway, to which its main route table leads.
func (s *Service) openVPC(tx *store.Tx, v VPC, gateway string) {
	s.gateways.Put(tx, gateway, Gateway{ID: gateway, Region: v.Region, VPC: v.ID})
	for _, t := range s.routeTables.All(tx) {
		if t.VPC == v.ID {
			t.Routes = []Route{{"0.0.0.0/0", gateway}}
			s.routeTables.Put(tx, t.ID, t)
		}
	}
}

type vpcInput struct {
	call.Dry
	VPC string `query:"VpcId"`
}

// deleteVpc refuses while anything is in the VPC but what it was made with.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
func (s *Service) deleteVpc(tx *store.Tx, c *call.Caller, in *vpcInput) (*done, error) {
	v, err := s.vpcs.find(tx, c.Region, in.VPC)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:DeleteVpc", s.arn(c.Region, "vpc", v.ID), s.vpcKeys(tx, v)); err != nil {
		return nil, err
	}
	if s.occupied(tx, v) {
		return nil, wire.Errorf("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", v.ID)
	}
	for _, g := range s.groups.All(tx) {
		if g.VPC == v.ID {
			s.groups.Delete(tx, g.ID)
			s.untagGroup(tx, g)
		}
	}
	for _, t := range s.routeTables.All(tx) {
		if t.VPC == v.ID {
			s.routeTables.Delete(tx, t.ID)
			s.tags.Delete(tx, t.ID)
		}
	}
	s.vpcs.Delete(tx, v.ID)
	s.tags.Delete(tx, v.ID)
	return &done{true}, nil
}

// occupied tells that a VPC has a subnet, a gateway, or a group or route table
// that somebody made. A rule of another VPC's group cannot name its groups
// here, as there is no peering.
func (s *Service) occupied(tx *store.Tx, v VPC) bool {
	for _, n := range s.subnets.All(tx) {
		if n.VPC == v.ID {
			return true
		}
	}
	for _, g := range s.gateways.All(tx) {
		if g.VPC == v.ID {
			return true
		}
	}
	for _, g := range s.groups.All(tx) {
		if g.VPC == v.ID && g.Name != "default" {
			return true
		}
	}
	for _, t := range s.routeTables.All(tx) {
		if t.VPC == v.ID && !t.main() {
			return true
		}
	}
	return false
}
