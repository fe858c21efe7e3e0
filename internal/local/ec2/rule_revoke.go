package ec2

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type revokeIngressInput struct {
	authorizeForm
	RuleIDs []string `query:"SecurityGroupRuleId"`
}

type revokeEgressInput struct {
	call.Dry
	GroupID     string       `query:"GroupId"`
	Permissions []permission `query:"IpPermissions"`
	RuleIDs     []string     `query:"SecurityGroupRuleId"`
}

type revokedRuleView struct {
	ID         string `xml:"securityGroupRuleId"`
	Group      string `xml:"groupId"`
	Egress     bool   `xml:"isEgress"`
	Protocol   string `xml:"ipProtocol"`
	From       int    `xml:"fromPort"`
	To         int    `xml:"toPort"`
	CIDR4      string `xml:"cidrIpv4,omitempty"`
	CIDR6      string `xml:"cidrIpv6,omitempty"`
	Referenced string `xml:"referencedGroupId,omitempty"`
}

type revokeOutput struct {
	Return  bool                        `xml:"return"`
	Unknown wire.Items[permissionView]  `xml:"unknownIpPermissionSet"`
	Revoked wire.Items[revokedRuleView] `xml:"revokedSecurityGroupRuleSet"`
}

// revokeIngress takes rules away, by their ids or by what they let in. What no
// rule lets in is an error; in the default VPC it is only told.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
func (s *Service) revokeIngress(tx *store.Tx, c *call.Caller, in *revokeIngressInput) (*revokeOutput, error) {
	g, err := s.groupNamed(tx, c, in.GroupID, in.GroupName)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:RevokeSecurityGroupIngress", s.arn(c.Region, "security-group", g.ID), s.groupKeys(tx, g)); err != nil {
		return nil, err
	}
	ids, err := s.rulesByID(g.Rules, in.RuleIDs)
	if err != nil {
		return nil, err
	}
	permissions, err := in.permissions(len(ids) > 0)
	if err != nil {
		return nil, err
	}
	vpc, _ := s.vpcs.Get(tx, g.VPC)
	matched, unknown, err := s.rulesBySource(tx, c, g.Rules, permissions, vpc.Default)
	if err != nil {
		return nil, err
	}
	gone := slices.Concat(ids, matched)
	g.Rules = s.without(tx, g.Rules, gone)
	s.groups.Put(tx, g.ID, g)
	return s.viewRevoked(g, gone, unknown, false), nil
}

// revokeEgress takes rules for what goes out away.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupEgress.html
func (s *Service) revokeEgress(tx *store.Tx, c *call.Caller, in *revokeEgressInput) (*revokeOutput, error) {
	g, err := s.groups.find(tx, c.Region, in.GroupID)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:RevokeSecurityGroupEgress", s.arn(c.Region, "security-group", g.ID), s.groupKeys(tx, g)); err != nil {
		return nil, err
	}
	ids, err := s.rulesByID(g.Egress, in.RuleIDs)
	if err != nil {
		return nil, err
	}
	permissions, err := (&authorizeForm{Permissions: in.Permissions}).permissions(len(ids) > 0)
	if err != nil {
		return nil, err
	}
	matched, unknown, err := s.rulesBySource(tx, c, g.Egress, permissions, false)
	if err != nil {
		return nil, err
	}
	gone := slices.Concat(ids, matched)
	g.Egress = s.without(tx, g.Egress, gone)
	s.groups.Put(tx, g.ID, g)
	return s.viewRevoked(g, gone, unknown, true), nil
}

// rulesByID finds rules of a group by their ids.
func (s *Service) rulesByID(rules []Rule, ids []string) ([]Rule, error) {
	var out []Rule
	for _, id := range ids {
		i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
		if i < 0 {
			return nil, errNoResource("sgr", id)
		}
		out = append(out, rules[i])
	}
	return out, nil
}

// rulesBySource finds the rules that let in what permissions name, whatever
// their description. Where that is forgiven, what no rule lets in is returned.
func (s *Service) rulesBySource(tx *store.Tx, c *call.Caller, rules []Rule, permissions []permission, forgive bool) (found, unknown []Rule, err error) {
	for _, p := range permissions {
		named, err := s.rules(tx, c, p)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range named {
			i := slices.IndexFunc(rules, r.same)
			switch {
			case i >= 0:
				found = append(found, rules[i])
			case forgive:
				unknown = append(unknown, r)
			default:
				return nil, nil, wire.Errorf("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
		}
	}
	return found, unknown, nil
}

// without is what is left of rules, whose tags go with them.
func (s *Service) without(tx *store.Tx, rules, gone []Rule) []Rule {
	for _, r := range gone {
		s.tags.Delete(tx, r.ID)
	}
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return slices.Contains(gone, r) })
}

func (s *Service) viewRevoked(g SecurityGroup, gone, unknown []Rule, egress bool) *revokeOutput {
	out := &revokeOutput{Return: true, Unknown: s.viewRules(unknown)}
	for _, r := range gone {
		out.Revoked = append(out.Revoked, revokedRuleView{r.ID, g.ID, egress, r.Protocol, r.From, r.To, r.CIDR4, r.CIDR6, r.Group})
	}
	return out
}
