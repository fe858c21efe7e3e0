package ec2

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// authorizeForm names a group and rules of it.
type authorizeForm struct {
	call.Dry
	GroupID     string `query:"GroupId"`
	GroupName   string
	Permissions []permission `query:"IpPermissions"`
	// The short form of one rule.
	CIDR       string `query:"CidrIp"`
	IPProtocol string `query:"IpProtocol"`
	FromPort   *int
	ToPort     *int
}

type authorizeIngressInput struct {
	authorizeForm
	Tags []tagSpecification `query:"TagSpecification"`
}

type authorizeEgressInput struct { // the short form is documented as not supported
	call.Dry
	GroupID     string             `query:"GroupId"`
	Permissions []permission       `query:"IpPermissions"`
	Tags        []tagSpecification `query:"TagSpecification"`
}

type authorizeOutput struct {
	Return bool                 `xml:"return"`
	Rules  wire.Items[ruleView] `xml:"securityGroupRuleSet"`
}

// authorizeIngress adds rules for what may come in, all or none.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
func (s *Service) authorizeIngress(tx *store.Tx, c *call.Caller, in *authorizeIngressInput) (*authorizeOutput, error) {
	g, err := s.groupNamed(tx, c, in.GroupID, in.GroupName)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:AuthorizeSecurityGroupIngress", s.arn(c.Region, "security-group", g.ID), s.groupKeys(tx, g)); err != nil {
		return nil, err
	}
	permissions, err := in.permissions(false)
	if err != nil {
		return nil, err
	}
	fresh, err := s.newRules(tx, c, g.Rules, permissions)
	if err != nil {
		return nil, err
	}
	g.Rules = slices.Concat(g.Rules, fresh)
	s.groups.Put(tx, g.ID, g)
	return s.tagRules(tx, c, g, fresh, in.Tags, "AuthorizeSecurityGroupIngress")
}

// authorizeEgress adds rules for what may go out, all or none.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupEgress.html
func (s *Service) authorizeEgress(tx *store.Tx, c *call.Caller, in *authorizeEgressInput) (*authorizeOutput, error) {
	g, err := s.groups.find(tx, c.Region, in.GroupID)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:AuthorizeSecurityGroupEgress", s.arn(c.Region, "security-group", g.ID), s.groupKeys(tx, g)); err != nil {
		return nil, err
	}
	permissions, err := (&authorizeForm{Permissions: in.Permissions}).permissions(false)
	if err != nil {
		return nil, err
	}
	fresh, err := s.newRules(tx, c, g.Egress, permissions)
	if err != nil {
		return nil, err
	}
	g.Egress = slices.Concat(g.Egress, fresh)
	s.groups.Put(tx, g.ID, g)
	return s.tagRules(tx, c, g, fresh, in.Tags, "AuthorizeSecurityGroupEgress")
}

// maxRules is the quota of rules in each direction.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
const maxRules = 60

// newRules spells out permissions and refuses what a rule lets pass already.
func (s *Service) newRules(tx *store.Tx, c *call.Caller, old []Rule, permissions []permission) ([]Rule, error) {
	var out []Rule
	for _, p := range permissions {
		fresh, err := s.rules(tx, c, p)
		if err != nil {
			return nil, err
		}
		for _, r := range fresh {
			if slices.ContainsFunc(old, r.same) || slices.ContainsFunc(out, r.same) {
				return nil, wire.Errorf("InvalidPermission.Duplicate", `the specified rule "%s" already exists`, r)
			}
			out = append(out, r)
		}
	}
	if len(old)+len(out) > maxRules {
		return nil, wire.Errorf("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	}
	return out, nil
}

// tagRules tags new rules and tells of them.
func (s *Service) tagRules(tx *store.Tx, c *call.Caller, g SecurityGroup, fresh []Rule, list []tagSpecification, action string) (*authorizeOutput, error) {
	specs, err := readSpecifications(list, "security-group-rule")
	if err != nil {
		return nil, err
	}
	tags := specs["security-group-rule"]
	if err := s.requireTagging(c, action, "security-group-rule", tags); err != nil {
		return nil, err
	}
	out := &authorizeOutput{Return: true}
	for _, r := range fresh {
		s.tag(tx, r.ID, tags)
		out.Rules = append(out.Rules, s.viewRule(tx, g, r, slices.Contains(g.Egress, r)))
	}
	return out, nil
}

// permissions are those of the request, in whichever form it has them. They may
// be missing where the rules are named otherwise, and then only there.
func (in *authorizeForm) permissions(named bool) ([]permission, error) {
	short := in.CIDR != "" || in.IPProtocol != "" || in.FromPort != nil || in.ToPort != nil
	switch {
	case short && len(in.Permissions) > 0:
		return nil, errCombination("The parameter ipPermissions cannot be used with the parameters of a single rule")
	case named && (short || len(in.Permissions) > 0):
		return nil, errCombination("The parameter securityGroupRuleIds cannot be used with other parameters that name rules")
	case named:
		return nil, nil
	case !short && len(in.Permissions) == 0:
		return nil, errMissing("ipPermissions")
	case !short:
		return in.Permissions, nil
	}
	p := permission{IPProtocol: in.IPProtocol, FromPort: in.FromPort, ToPort: in.ToPort}
	p.Ranges = append(p.Ranges, struct {
		CIDR        string `query:"CidrIp"`
		Description string
	}{CIDR: in.CIDR})
	return []permission{p}, nil
}
