package ec2

import (
	"iter"
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

// rulesIn are the rules that a caller sees in a region, each with its group, by
// the group's age.
func (s *Service) rulesIn(tx *store.Tx, region string) []ruleView {
	var out []ruleView
	for _, g := range s.groups.visible(tx, region) {
		for _, r := range g.Rules {
			out = append(out, s.viewRule(tx, g, r, false))
		}
		for _, r := range g.Egress {
			out = append(out, s.viewRule(tx, g, r, true))
		}
	}
	return out
}

func (s *Service) findRule(tx *store.Tx, region, id string) (ruleView, error) {
	for _, v := range s.rulesIn(tx, region) {
		if v.ID == id {
			return v, nil
		}
	}
	return ruleView{}, errNoResource("sgr", id)
}

// ruleIndex is the rules as far as tags go: they are no rows of a table.
type ruleIndex struct{ *Service }

func (s ruleIndex) ids(tx *store.Tx, region string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, v := range s.rulesIn(tx, region) {
			if !yield(v.ID) {
				return
			}
		}
	}
}

func (s ruleIndex) has(tx *store.Tx, region, id string) error {
	_, err := s.findRule(tx, region, id)
	return err
}

// untagGroup forgets the tags of a group that goes, and of its rules.
func (s *Service) untagGroup(tx *store.Tx, g SecurityGroup) {
	s.tags.Delete(tx, g.ID)
	s.without(tx, nil, slices.Concat(g.Rules, g.Egress))
}

type describeRulesInput struct {
	Listing
	IDs []string `query:"SecurityGroupRuleId"`
}

type describeRulesOutput struct {
	Rules     wire.Items[ruleView] `xml:"securityGroupRuleSet"`
	NextToken string               `xml:"nextToken,omitempty"`
}

func (v ruleView) attribute(name string) ([]string, bool) {
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
	found, next, err := listing[ruleView]{
		all: numbered(slices.Values(s.rulesIn(tx, c.Region))), attribute: ruleView.attribute, pages: limits{5, 1000},
		find: func(id string) (ruleView, error) { return s.findRule(tx, c.Region, id) },
		id:   func(v ruleView) string { return v.ID },
		tags: func(v ruleView) map[string]string {
			tags, _ := s.tags.Get(tx, v.ID)
			return tags
		},
	}.list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeRulesOutput{found, next}, nil
}
