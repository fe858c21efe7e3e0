package ec2

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Gateway is an internet gateway.
type Gateway struct {
	ID, Region string
	VPC        string // to which it is attached; empty: to none
	Created    time.Time
}

func (g Gateway) origin() origin { return origin{"igw", g.ID, g.Region, g.Created} }

// gatewayOf finds the gateway that a VPC has.
func (s *Service) gatewayOf(tx *store.Tx, vpc string) (Gateway, bool) {
	for _, g := range s.gateways.All(tx) {
		if g.VPC == vpc {
			return g, true
		}
	}
	return Gateway{}, false
}

func (s *Service) gatewayKeys(tx *store.Tx, g Gateway) policy.Context {
	keys := s.resourceKeys(tx, g.Region, g.ID)
	keys.Set("ec2:InternetGatewayID", g.ID)
	return keys
}

type createGatewayInput struct {
	call.Dry
	Tags []tagSpecification `query:"TagSpecification"`
}

type createGatewayOutput struct {
	Gateway gatewayView `xml:"internetGateway"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html
func (s *Service) createInternetGateway(tx *store.Tx, c *call.Caller, in *createGatewayInput) (*createGatewayOutput, error) {
	specs, err := readSpecifications(in.Tags, "internet-gateway")
	if err != nil {
		return nil, err
	}
	tags := specs["internet-gateway"]
	keys := s.regionKey(c).Merge(requestKeys(tags))
	if err := c.Require("ec2:CreateInternetGateway", s.arn(c.Region, "internet-gateway", "*"), keys); err != nil {
		return nil, err
	}
	if err := s.requireTagging(c, "CreateInternetGateway", "internet-gateway", tags); err != nil {
		return nil, err
	}
	if s.gateways.count(tx, c.Region) >= maxVPCs {
		return nil, wire.Errorf("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
	}
	g := Gateway{ID: call.NewID("igw"), Region: c.Region, Created: tx.Now()}
	s.gateways.Put(tx, g.ID, g)
	s.tag(tx, g.ID, tags)
	return &createGatewayOutput{s.viewGateway(tx, g)}, nil
}

type attachGatewayInput struct {
	call.Dry
	Gateway string `query:"InternetGatewayId"`
	VPC     string `query:"VpcId"`
}

// both finds the gateway and the VPC of a request and asks for the permission
// on both.
func (in *attachGatewayInput) both(s *Service, tx *store.Tx, c *call.Caller, action string) (g Gateway, v VPC, err error) {
	if g, err = s.gateways.find(tx, c.Region, in.Gateway); err != nil {
		return g, v, err
	}
	if v, err = s.vpcs.find(tx, c.Region, in.VPC); err != nil {
		return g, v, err
	}
	if err = c.Require("ec2:"+action, s.arn(c.Region, "internet-gateway", g.ID), s.gatewayKeys(tx, g)); err != nil {
		return g, v, err
	}
	return g, v, c.Require("ec2:"+action, s.arn(c.Region, "vpc", v.ID), s.vpcKeys(tx, v))
}

// attachInternetGateway attaches a gateway to one VPC, which has none yet.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html
// https://github.com/berlioz-the/berlioz/issues/1
// https://github.com/cloudfoundry-incubator/kubo-deployment/issues/167
func (s *Service) attachInternetGateway(tx *store.Tx, c *call.Caller, in *attachGatewayInput) (*done, error) {
	g, v, err := in.both(s, tx, c, "AttachInternetGateway")
	if err != nil {
		return nil, err
	}
	if g.VPC != "" {
		return nil, wire.Errorf("Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.ID, g.VPC)
	}
	if _, has := s.gatewayOf(tx, v.ID); has {
		return nil, errValue("Network %s already has an internet gateway attached", v.ID)
	}
	g.VPC = v.ID
	s.gateways.Put(tx, g.ID, g)
	return &done{true}, nil
}

// detachInternetGateway refuses while an instance of the VPC has a public
// address. Routes to the gateway stay and lead nowhere.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html
func (s *Service) detachInternetGateway(tx *store.Tx, c *call.Caller, in *attachGatewayInput) (*done, error) {
	g, v, err := in.both(s, tx, c, "DetachInternetGateway")
	if err != nil {
		return nil, err
	}
	if g.VPC != v.ID {
		return nil, wire.Errorf("Gateway.NotAttached", "resource %s is not attached to network %s", g.ID, v.ID)
	}
	for _, n := range s.interfaces.All(tx) {
		if n.VPC == v.ID && n.PublicIP != "" {
			return nil, wire.Errorf("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", v.ID)
		}
	}
	g.VPC = ""
	s.gateways.Put(tx, g.ID, g)
	return &done{true}, nil
}

type gatewayInput struct {
	call.Dry
	Gateway string `query:"InternetGatewayId"`
}

// deleteInternetGateway refuses while the gateway is attached.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteInternetGateway.html
func (s *Service) deleteInternetGateway(tx *store.Tx, c *call.Caller, in *gatewayInput) (*done, error) {
	g, err := s.gateways.find(tx, c.Region, in.Gateway)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:DeleteInternetGateway", s.arn(c.Region, "internet-gateway", g.ID), s.gatewayKeys(tx, g)); err != nil {
		return nil, err
	}
	if g.VPC != "" {
		return nil, wire.Errorf("DependencyViolation", "The internetGateway '%s' has dependencies and cannot be deleted.", g.ID)
	}
	s.gateways.Delete(tx, g.ID)
	s.tags.Delete(tx, g.ID)
	return &done{true}, nil
}
