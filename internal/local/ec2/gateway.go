package ec2

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Gateway is an internet gateway.
type Gateway struct {
	ID, Region string
	VPC        string // to which it is attached; empty: to none
}

func (s *Service) gateway(tx *store.Tx, region, id string) (Gateway, error) {
	if id == "" {
		return Gateway{}, errMissing("internetGatewayId")
	}
	g, found := s.gateways.Get(tx, id)
	if !found || g.Region != region {
		return Gateway{}, errNoResource("igw", id)
	}
	return g, nil
}

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

type gatewayAttachmentView struct {
	VPC   string `xml:"vpcId"`
	State string `xml:"state"`
}

type gatewayView struct {
	ID          string                            `xml:"internetGatewayId"`
	Owner       string                            `xml:"ownerId"`
	Attachments wire.Items[gatewayAttachmentView] `xml:"attachmentSet"`
	Tags        wire.Items[Tag]                   `xml:"tagSet"`
}

func (s *Service) viewGateway(tx *store.Tx, g Gateway) gatewayView {
	v := gatewayView{ID: g.ID, Owner: s.Account, Tags: s.tagList(tx, g.ID)}
	if g.VPC != "" {
		v.Attachments = wire.Items[gatewayAttachmentView]{{g.VPC, "available"}}
	}
	return v
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
	count := 0
	for _, g := range s.gateways.All(tx) {
		if g.Region == c.Region {
			count++
		}
	}
	if count >= maxVPCs {
		return nil, wire.Errorf("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
	}
	g := Gateway{ID: call.NewID("igw"), Region: c.Region}
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
	if g, err = s.gateway(tx, c.Region, in.Gateway); err != nil {
		return g, v, err
	}
	if v, err = s.vpc(tx, c.Region, in.VPC); err != nil {
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
	g, err := s.gateway(tx, c.Region, in.Gateway)
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

type describeGatewaysInput struct {
	call.Dry
	Paging
	Filters []filter `query:"Filter"`
	IDs     []string `query:"InternetGatewayId"`
}

type describeGatewaysOutput struct {
	Gateways  wire.Items[gatewayView] `xml:"internetGatewaySet"`
	NextToken string                  `xml:"nextToken,omitempty"`
}

func (s *Service) gatewayAttributes(g Gateway) attributes {
	return func(name string) ([]string, bool) {
		switch name {
		case "internet-gateway-id":
			return one(g.ID)
		case "owner-id":
			return one(s.Account)
		case "attachment.vpc-id":
			return g.attached(g.VPC), true
		case "attachment.state":
			return g.attached("available"), true
		}
		return nil, false
	}
}

// attached is a value of the attachment, if there is one.
func (g Gateway) attached(value string) []string {
	if g.VPC == "" {
		return nil
	}
	return []string{value}
}

func (s *Service) describeInternetGateways(tx *store.Tx, c *call.Caller, in *describeGatewaysInput) (*describeGatewaysOutput, error) {
	if err := s.requireList(c, "DescribeInternetGateways"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, s.gatewayAttributes(Gateway{})); err != nil {
		return nil, err
	}
	for _, id := range in.IDs {
		if _, err := s.gateway(tx, c.Region, id); err != nil {
			return nil, err
		}
	}
	found, next, err := page(in.Paging, limits{5, 1000}, len(in.IDs) > 0, s.gateways.All(tx), func(g Gateway) bool {
		tags, _ := s.tags.Get(tx, g.ID)
		named := len(in.IDs) == 0 || slices.Contains(in.IDs, g.ID)
		return g.Region == c.Region && named && passes(in.Filters, tags, s.gatewayAttributes(g))
	})
	if err != nil {
		return nil, err
	}
	out := &describeGatewaysOutput{NextToken: next}
	for _, g := range found {
		out.Gateways = append(out.Gateways, s.viewGateway(tx, g))
	}
	return out, nil
}
