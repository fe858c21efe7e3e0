package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeSecurityGroupsInput struct {
	Listing
	IDs   []string `query:"GroupId"`
	Names []string `query:"GroupName"`
}

type groupView struct {
	ID          string                     `xml:"groupId"`
	ARN         string                     `xml:"securityGroupArn"`
	Name        string                     `xml:"groupName"`
	Description string                     `xml:"groupDescription"`
	Owner       string                     `xml:"ownerId"`
	VPC         string                     `xml:"vpcId"`
	Ingress     wire.Items[permissionView] `xml:"ipPermissions"`
	Egress      wire.Items[permissionView] `xml:"ipPermissionsEgress"`
	Tags        wire.Items[Tag]            `xml:"tagSet"`
}

type describeSecurityGroupsOutput struct {
	Groups    wire.Items[groupView] `xml:"securityGroupInfo"`
	NextToken string                `xml:"nextToken,omitempty"`
}

func (s *Service) viewGroup(tx *store.Tx, g SecurityGroup) groupView {
	return groupView{
		ID: g.ID, ARN: s.arn(g.Region, "security-group", g.ID), Name: g.Name, Description: g.Description, Owner: s.Account,
		VPC: g.VPC, Ingress: s.viewRules(g.Rules), Egress: s.viewRules(g.Egress), Tags: s.tagList(tx, g.ID),
	}
}

func (s *Service) groupAttribute(g SecurityGroup, name string) ([]string, bool) {
	switch name {
	case "group-id":
		return one(g.ID)
	case "group-name":
		return one(g.Name)
	case "description":
		return one(g.Description)
	case "vpc-id":
		return one(g.VPC)
	case "owner-id":
		return one(s.Account)
	case "ip-permission.cidr":
		var cidrs []string
		for _, r := range g.Rules {
			if r.CIDR4 != "" {
				cidrs = append(cidrs, r.CIDR4)
			}
		}
		return cidrs, true
	}
	return nil, false
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
func (s *Service) describeSecurityGroups(tx *store.Tx, c *call.Caller, in *describeSecurityGroupsInput) (*describeSecurityGroupsOutput, error) {
	l := listingOf(s, tx, c, s.groups, s.groupAttribute, limits{5, 1000})
	l.named = func(name string) (SecurityGroup, error) { return s.groupNamed(tx, c, "", name) }
	found, next, err := l.list(in.Listing, in.IDs, in.Names...)
	if err != nil {
		return nil, err
	}
	return &describeSecurityGroupsOutput{show(found, func(g SecurityGroup) groupView { return s.viewGroup(tx, g) }), next}, nil
}
