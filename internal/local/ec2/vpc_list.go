package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeVpcsInput struct {
	Listing
	IDs []string `query:"VpcId"`
}

type vpcView struct {
	ID      string          `xml:"vpcId"`
	Owner   string          `xml:"ownerId"`
	State   string          `xml:"state"`
	CIDR    string          `xml:"cidrBlock"`
	Tenancy string          `xml:"instanceTenancy"`
	Default bool            `xml:"isDefault"`
	Tags    wire.Items[Tag] `xml:"tagSet"`
}

type describeVpcsOutput struct {
	VPCs      wire.Items[vpcView] `xml:"vpcSet"`
	NextToken string              `xml:"nextToken,omitempty"`
}

func (s *Service) viewVPC(tx *store.Tx, v VPC) vpcView {
	return vpcView{v.ID, s.Account, "available", v.CIDR, "default", v.Default, s.tagList(tx, v.ID)}
}

func (s *Service) vpcAttribute(v VPC, name string) ([]string, bool) {
	switch name {
	case "vpc-id":
		return one(v.ID)
	case "is-default", "isDefault":
		return truth(v.Default)
	case "cidr", "cidr-block":
		return one(v.CIDR)
	case "state":
		return one("available")
	case "owner-id":
		return one(s.Account)
	}
	return nil, false
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html
func (s *Service) describeVpcs(tx *store.Tx, c *call.Caller, in *describeVpcsInput) (*describeVpcsOutput, error) {
	found, next, err := listingOf(s, tx, c, s.vpcs, s.vpcAttribute, limits{5, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeVpcsOutput{show(found, func(v VPC) vpcView { return s.viewVPC(tx, v) }), next}, nil
}
