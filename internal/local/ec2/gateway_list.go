package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeGatewaysInput struct {
	Listing
	IDs []string `query:"InternetGatewayId"`
}

type describeGatewaysOutput struct {
	Gateways  wire.Items[gatewayView] `xml:"internetGatewaySet"`
	NextToken string                  `xml:"nextToken,omitempty"`
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

func (s *Service) gatewayAttribute(g Gateway, name string) ([]string, bool) {
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

// attached is a value of the attachment, if there is one.
func (g Gateway) attached(value string) []string {
	if g.VPC == "" {
		return nil
	}
	return []string{value}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInternetGateways.html
func (s *Service) describeInternetGateways(tx *store.Tx, c *call.Caller, in *describeGatewaysInput) (*describeGatewaysOutput, error) {
	found, next, err := listingOf(s, tx, c, s.gateways, s.gatewayAttribute, limits{5, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeGatewaysOutput{show(found, func(g Gateway) gatewayView { return s.viewGateway(tx, g) }), next}, nil
}
