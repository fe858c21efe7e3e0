package ec2

import (
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// maxRouteTables is the quota of route tables in a VPC, maxRoutes that of
// routes in a table that somebody made.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
const (
	maxRouteTables = 200
	maxRoutes      = 500
)

// RouteTable says where traffic of its subnets goes. The route to the VPC's own
// addresses is in every table and not kept here.
type RouteTable struct {
	ID, Region, VPC string
	Token           string      // the creation's client token
	Request         fingerprint // all else that the creation asked for
	Routes          []Route     // without the local one
	Associations    []Association
	Created         time.Time
}

func (t RouteTable) origin() origin { return origin{"rtb", t.ID, t.Region, t.Created} }

// Route sends what is for a range of addresses to an internet gateway.
type Route struct{ CIDR, Gateway string }

// Association puts a subnet under a table. The main one, without a subnet, is
// for all subnets that have none of their own.
type Association struct {
	ID, Subnet string
	Main       bool
}

// main tells that the table is its VPC's main one.
func (t RouteTable) main() bool {
	return slices.ContainsFunc(t.Associations, func(a Association) bool { return a.Main })
}

func (s *Service) routeTableKeys(tx *store.Tx, t RouteTable) policy.Context {
	keys := s.resourceKeys(tx, t.Region, t.ID)
	keys.Set("ec2:RouteTableID", t.ID)
	keys.Set("ec2:Vpc", s.arn(t.Region, "vpc", t.VPC))
	return keys
}

// associationOf finds a subnet's own association.
func (s *Service) associationOf(tx *store.Tx, subnet string) (RouteTable, Association, bool) {
	for _, t := range s.routeTables.All(tx) {
		for _, a := range t.Associations {
			if a.Subnet == subnet {
				return t, a, true
			}
		}
	}
	return RouteTable{}, Association{}, false
}

type createRouteTableInput struct {
	call.Dry
	VPC         string `query:"VpcId"`
	ClientToken string
	Tags        []tagSpecification `query:"TagSpecification"`
}

type createRouteTableOutput struct {
	Table       routeTableView `xml:"routeTable"`
	ClientToken string         `xml:"clientToken,omitempty"`
}

// createRouteTable makes a table with the local route alone, or answers again
// for one that was made with the same client token. How long EC2 remembers a
// token was not found; here it is as long as the table lives.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (s *Service) createRouteTable(tx *store.Tx, c *call.Caller, in *createRouteTableInput) (*createRouteTableOutput, error) {
	v, err := s.vpcs.find(tx, c.Region, in.VPC)
	if err != nil {
		return nil, err
	}
	specs, err := readSpecifications(in.Tags, "route-table")
	if err != nil {
		return nil, err
	}
	tags := specs["route-table"]
	keys := s.regionKey(c).Merge(requestKeys(tags))
	keys.Set("ec2:Vpc", s.arn(c.Region, "vpc", v.ID))
	if err := c.Require("ec2:CreateRouteTable", s.arn(c.Region, "route-table", "*"), keys); err != nil {
		return nil, err
	}
	if err := c.Require("ec2:CreateRouteTable", s.arn(c.Region, "vpc", v.ID), s.vpcKeys(tx, v)); err != nil {
		return nil, err
	}
	if err := s.requireTagging(c, "CreateRouteTable", "route-table", tags); err != nil {
		return nil, err
	}
	asked := fingerprintOf(createRouteTableInput{VPC: in.VPC, Tags: in.Tags})
	count := 0
	for _, t := range s.routeTables.All(tx) {
		if in.ClientToken != "" && t.Region == c.Region && t.Token == in.ClientToken {
			if t.Request != asked {
				return nil, errOtherRequest()
			}
			return &createRouteTableOutput{s.viewRouteTable(tx, t), t.Token}, nil
		}
		if t.VPC == v.ID {
			count++
		}
	}
	if count >= maxRouteTables {
		return nil, wire.Errorf("RouteTableLimitExceeded", "The maximum number of route tables has been reached.")
	}
	t := RouteTable{ID: call.NewID("rtb"), Region: c.Region, VPC: v.ID, Token: in.ClientToken, Request: asked, Created: tx.Now()}
	s.routeTables.Put(tx, t.ID, t)
	s.tag(tx, t.ID, tags)
	return &createRouteTableOutput{s.viewRouteTable(tx, t), t.Token}, nil
}

type routeTableInput struct {
	call.Dry
	Table string `query:"RouteTableId"`
}

// deleteRouteTable refuses the main table, and one that a subnet is associated
// with.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html
func (s *Service) deleteRouteTable(tx *store.Tx, c *call.Caller, in *routeTableInput) (*done, error) {
	t, err := s.routeTables.find(tx, c.Region, in.Table)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:DeleteRouteTable", s.arn(c.Region, "route-table", t.ID), s.routeTableKeys(tx, t)); err != nil {
		return nil, err
	}
	if len(t.Associations) > 0 {
		return nil, wire.Errorf("DependencyViolation", "The routeTable '%s' has dependencies and cannot be deleted.", t.ID)
	}
	s.routeTables.Delete(tx, t.ID)
	s.tags.Delete(tx, t.ID)
	return &done{true}, nil
}

type associationStateView struct {
	State string `xml:"state"`
}

type associateRouteTableInput struct {
	call.Dry
	Table  string `query:"RouteTableId"`
	Subnet string `query:"SubnetId"`
}

type associateRouteTableOutput struct {
	ID    string               `xml:"associationId"`
	State associationStateView `xml:"associationState"`
}

// associateRouteTable puts a subnet under a table of its VPC. A subnet that has
// an association of its own already is refused, whatever table it is with.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html
// https://github.com/hashicorp/terraform/issues/5037
func (s *Service) associateRouteTable(tx *store.Tx, c *call.Caller, in *associateRouteTableInput) (*associateRouteTableOutput, error) {
	t, err := s.routeTables.find(tx, c.Region, in.Table)
	if err != nil {
		return nil, err
	}
	n, err := s.subnets.find(tx, c.Region, in.Subnet)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:AssociateRouteTable", s.arn(c.Region, "route-table", t.ID), s.routeTableKeys(tx, t)); err != nil {
		return nil, err
	}
	if err := c.Require("ec2:AssociateRouteTable", s.arn(c.Region, "subnet", n.ID), s.subnetKeys(tx, n)); err != nil {
		return nil, err
	}
	if t.VPC != n.VPC {
		return nil, errValue("Route table %s and subnet %s belong to different networks", t.ID, n.ID)
	}
	if _, _, has := s.associationOf(tx, n.ID); has {
		return nil, wire.Errorf("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", t.ID)
	}
	a := Association{ID: call.NewID("rtbassoc"), Subnet: n.ID}
	t.Associations = append(slices.Clone(t.Associations), a)
	s.routeTables.Put(tx, t.ID, t)
	return &associateRouteTableOutput{a.ID, associationStateView{"associated"}}, nil
}

type disassociateRouteTableInput struct {
	call.Dry
	Association string `query:"AssociationId"`
}

// disassociateRouteTable puts a subnet back under the main table.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateRouteTable.html
func (s *Service) disassociateRouteTable(tx *store.Tx, c *call.Caller, in *disassociateRouteTableInput) (*done, error) {
	if in.Association == "" {
		return nil, errMissing("associationId")
	}
	for _, t := range s.routeTables.All(tx) {
		for _, a := range t.Associations {
			if t.Region != c.Region || a.ID != in.Association {
				continue
			}
			if err := c.Require("ec2:DisassociateRouteTable", s.arn(c.Region, "route-table", t.ID), s.routeTableKeys(tx, t)); err != nil {
				return nil, err
			}
			if a.Main {
				return nil, errValue("cannot disassociate the main route table association %s", a.ID)
			}
			s.dissociate(tx, t, a.ID)
			return &done{true}, nil
		}
	}
	return nil, wire.Errorf("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", in.Association)
}

func (s *Service) dissociate(tx *store.Tx, t RouteTable, id string) {
	t.Associations = slices.DeleteFunc(slices.Clone(t.Associations), func(a Association) bool { return a.ID == id })
	s.routeTables.Put(tx, t.ID, t)
}
