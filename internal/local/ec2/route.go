package ec2

import (
	"net/netip"
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type createRouteInput struct {
	call.Dry
	Table   string `query:"RouteTableId"`
	CIDR    string `query:"DestinationCidrBlock"`
	Gateway string `query:"GatewayId"`
}

// createRoute adds a route to the VPC's internet gateway, the one target that
// this cloud has.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
// https://docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html
func (s *Service) createRoute(tx *store.Tx, c *call.Caller, in *createRouteInput) (*done, error) {
	t, block, err := s.routeOf(tx, c, "ec2:CreateRoute", in.Table, in.CIDR)
	if err != nil {
		return nil, err
	}
	g, err := s.gateways.find(tx, c.Region, in.Gateway)
	if err != nil {
		return nil, err
	}
	if g.VPC != t.VPC {
		return nil, errValue("route table %s and network gateway %s belong to different networks", t.ID, g.ID)
	}
	vpc, _ := s.vpcs.Get(tx, t.VPC)
	if whole := netip.MustParsePrefix(vpc.CIDR); block == whole {
		return nil, wire.Errorf("RouteAlreadyExists", "The route identified by %s already exists.", block)
	} else if whole.Bits() < block.Bits() && whole.Contains(block.Addr()) {
		return nil, errValue("The destination CIDR block %s is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance.", block)
	}
	if slices.ContainsFunc(t.Routes, func(r Route) bool { return r.CIDR == block.String() }) {
		return nil, wire.Errorf("RouteAlreadyExists", "The route identified by %s already exists.", block)
	}
	if len(t.Routes) >= maxRoutes {
		return nil, wire.Errorf("RouteLimitExceeded", "The maximum number of routes has been reached.")
	}
	t.Routes = append(slices.Clone(t.Routes), Route{block.String(), g.ID})
	s.routeTables.Put(tx, t.ID, t)
	return &done{true}, nil
}

// routeOf finds the table of a route that a caller may act on, and reads where
// the route leads.
func (s *Service) routeOf(tx *store.Tx, c *call.Caller, action, table, cidr string) (t RouteTable, block netip.Prefix, err error) {
	if t, err = s.routeTables.find(tx, c.Region, table); err != nil {
		return t, block, err
	}
	if err := c.Require(action, s.arn(c.Region, "route-table", t.ID), s.routeTableKeys(tx, t)); err != nil {
		return t, block, err
	}
	if cidr == "" {
		return t, block, errMissing("destinationCidrBlock")
	}
	block, err = readBlock("destinationCidrBlock", cidr)
	return t, block, err
}

type deleteRouteInput struct {
	call.Dry
	Table string `query:"RouteTableId"`
	CIDR  string `query:"DestinationCidrBlock"`
}

// deleteRoute takes a route away; the local one stays.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRoute.html
func (s *Service) deleteRoute(tx *store.Tx, c *call.Caller, in *deleteRouteInput) (*done, error) {
	t, block, err := s.routeOf(tx, c, "ec2:DeleteRoute", in.Table, in.CIDR)
	if err != nil {
		return nil, err
	}
	if vpc, _ := s.vpcs.Get(tx, t.VPC); vpc.CIDR == block.String() {
		return nil, errValue("cannot remove local route %s in route table %s", block, t.ID)
	}
	left := slices.DeleteFunc(slices.Clone(t.Routes), func(r Route) bool { return r.CIDR == block.String() })
	if len(left) == len(t.Routes) {
		return nil, wire.Errorf("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", block, t.ID)
	}
	t.Routes = left
	s.routeTables.Put(tx, t.ID, t)
	return &done{true}, nil
}
