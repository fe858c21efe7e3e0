package ec2

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type referencedGroupView struct {
	ID    string `xml:"groupId"`
	Owner string `xml:"userId"`
	VPC   string `xml:"vpcId"`
}

type ruleView struct {
	ID          string               `xml:"securityGroupRuleId"`
	ARN         string               `xml:"securityGroupRuleArn"`
	Group       string               `xml:"groupId"`
	Owner       string               `xml:"groupOwnerId"`
	Egress      bool                 `xml:"isEgress"`
	Protocol    string               `xml:"ipProtocol"`
	From        int                  `xml:"fromPort"`
	To          int                  `xml:"toPort"`
	CIDR4       string               `xml:"cidrIpv4,omitempty"`
	CIDR6       string               `xml:"cidrIpv6,omitempty"`
	Referenced  *referencedGroupView `xml:"referencedGroupInfo"`
	Description string               `xml:"description,omitempty"`
	Tags        wire.Items[Tag]      `xml:"tagSet"`
}

func (s *Service) viewRule(tx *store.Tx, g SecurityGroup, r Rule, egress bool) ruleView {
	v := ruleView{
		ID: r.ID, ARN: s.arn(g.Region, "security-group-rule", r.ID), Group: g.ID, Owner: s.Account, Egress: egress,
		Protocol: r.Protocol, From: r.From, To: r.To, CIDR4: r.CIDR4, CIDR6: r.CIDR6, Description: r.Description, Tags: s.tagList(tx, r.ID),
	}
	if r.Group != "" {
		v.Referenced = &referencedGroupView{r.Group, s.Account, g.VPC}
	}
	return v
}

// rulesIn are the rules of a region, each with its group, by the group's age.
func (s *Service) rulesIn(tx *store.Tx, region string) []ruleView {
	var out []ruleView
	for _, g := range s.groups.All(tx) {
		if g.Region != region {
			continue
		}
		for _, r := range g.Rules {
			out = append(out, s.viewRule(tx, g, r, false))
		}
		for _, r := range g.Egress {
			out = append(out, s.viewRule(tx, g, r, true))
		}
	}
	return out
}

// hasRule tells whether a region has a rule of an id.
func (s *Service) hasRule(tx *store.Tx, region, id string) bool {
	return slices.ContainsFunc(s.rulesIn(tx, region), func(v ruleView) bool { return v.ID == id })
}

// untagGroup forgets the tags of a group that goes, and of its rules.
func (s *Service) untagGroup(tx *store.Tx, g SecurityGroup) {
	s.tags.Delete(tx, g.ID)
	s.without(tx, nil, slices.Concat(g.Rules, g.Egress))
}

type describeRulesInput struct {
	call.Dry
	Paging
	Filters []filter `query:"Filter"`
	IDs     []string `query:"SecurityGroupRuleId"`
}

type describeRulesOutput struct {
	Rules     wire.Items[ruleView] `xml:"securityGroupRuleSet"`
	NextToken string               `xml:"nextToken,omitempty"`
}

func (v ruleView) attributes(name string) ([]string, bool) {
	switch name {
	case "group-id":
		return one(v.Group)
	case "security-group-rule-id":
		return one(v.ID)
	}
	return nil, false
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html
func (s *Service) describeSecurityGroupRules(tx *store.Tx, c *call.Caller, in *describeRulesInput) (*describeRulesOutput, error) {
	if err := s.requireList(c, "DescribeSecurityGroupRules"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, ruleView{}.attributes); err != nil {
		return nil, err
	}
	for _, id := range in.IDs {
		if !s.hasRule(tx, c.Region, id) {
			return nil, errNoResource("sgr", id)
		}
	}
	rows := numbered(slices.Values(s.rulesIn(tx, c.Region)))
	found, next, err := page(in.Paging, limits{5, 1000}, len(in.IDs) > 0, rows, func(v ruleView) bool {
		tags, _ := s.tags.Get(tx, v.ID)
		return (len(in.IDs) == 0 || slices.Contains(in.IDs, v.ID)) && passes(in.Filters, tags, v.attributes)
	})
	if err != nil {
		return nil, err
	}
	return &describeRulesOutput{found, next}, nil
}
