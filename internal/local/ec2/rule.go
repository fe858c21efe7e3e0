package ec2

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Rule lets traffic pass from one source, or to one. Exactly one of CIDR4, CIDR6
// and Group is set.
type Rule struct {
	ID           string
	Protocol     string // tcp, udp, icmp, icmpv6, a number, or -1 for all
	From, To     int    // ports; -1 for all
	CIDR4, CIDR6 string
	Group        string // its id
	Description  string
}

// same tells whether two rules let the same in; a description makes no
// difference.
func (r Rule) same(other Rule) bool {
	r.ID, r.Description, other.ID, other.Description = "", "", "", ""
	return r == other
}

// everythingOut is the one rule that a new group has for what may go out.
func everythingOut() Rule {
	return Rule{ID: call.NewID("sgr"), Protocol: "-1", From: -1, To: -1, CIDR4: "0.0.0.0/0"}
}

// permission is a set of rules as it travels: one protocol and range of ports,
// several sources.
type permission struct {
	IPProtocol string `query:"IpProtocol"`
	FromPort   *int
	ToPort     *int
	Ranges     []struct {
		CIDR        string `query:"CidrIp"`
		Description string
	} `query:"IpRanges"`
	Ranges6 []struct {
		CIDR        string `query:"CidrIpv6"`
		Description string
	} `query:"Ipv6Ranges"`
	Groups []struct {
		ID          string `query:"GroupId"`
		Name        string `query:"GroupName"`
		Account     string `query:"UserId"`
		Description string
	}
}

// The sort of an ingress rule's limits:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html

// readProtocol checks a protocol and its ports.
func (p permission) readProtocol() (Rule, error) {
	r := Rule{Protocol: strings.ToLower(p.IPProtocol), From: -1, To: -1}
	switch r.Protocol {
	case "":
		return r, errMissing("ipProtocol")
	case "6":
		r.Protocol = "tcp"
	case "17":
		r.Protocol = "udp"
	case "1":
		r.Protocol = "icmp"
	case "58":
		r.Protocol = "icmpv6"
	}
	if p.FromPort != nil {
		r.From = *p.FromPort
	}
	if p.ToPort != nil {
		r.To = *p.ToPort
	}
	switch r.Protocol {
	case "tcp", "udp":
		if p.FromPort == nil || p.ToPort == nil {
			return r, errMissing("fromPort and toPort")
		}
		if r.From < 0 || r.To > 65535 || r.From > r.To {
			return r, errValue("Invalid TCP/UDP port range (%d:%d)", r.From, r.To)
		}
	case "icmp", "icmpv6":
		if r.From < -1 || r.From > 255 || r.To < -1 || r.To > 255 {
			return r, errValue("ICMP code (%d:%d) out of range", r.From, r.To)
		}
	default: // all ports, whatever was said
		if n, err := strconv.Atoi(r.Protocol); err != nil || n < -1 || n > 255 {
			return r, errValue("Invalid value '%s' for IP protocol. Unknown protocol.", p.IPProtocol)
		}
		r.From, r.To = -1, -1
	}
	return r, nil
}

// rules spells out a permission, a rule for each source.
func (s *Service) rules(tx *store.Tx, c *call.Caller, p permission) ([]Rule, error) {
	base, err := p.readProtocol()
	if err != nil {
		return nil, err
	}
	var out []Rule
	add := func(r Rule, description string) {
		r.ID, r.Description = call.NewID("sgr"), description
		out = append(out, r)
	}
	for _, source := range p.Ranges {
		r := base
		if r.CIDR4, err = readCIDR(source.CIDR, true); err != nil {
			return nil, err
		}
		add(r, source.Description)
	}
	for _, source := range p.Ranges6 {
		r := base
		if r.CIDR6, err = readCIDR(source.CIDR, false); err != nil {
			return nil, err
		}
		add(r, source.Description)
	}
	for _, source := range p.Groups {
		if source.Account != "" && source.Account != s.Account {
			return nil, wire.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", source.ID)
		}
		g, err := s.groupNamed(tx, c, source.ID, source.Name)
		if err != nil {
			return nil, err
		}
		r := base
		r.Group = g.ID
		add(r, source.Description)
	}
	if len(out) == 0 {
		return nil, errMissing("ipRanges, ipv6Ranges or groups")
	}
	return out, nil
}

// readCIDR reads a network; bits beyond its length are dropped, as EC2 does.
func readCIDR(s string, four bool) (string, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4() != four {
		return "", errValue("CIDR block %s is malformed", s)
	}
	return p.Masked().String(), nil
}

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
	if in.GroupID == "" {
		return nil, errMissing("groupId")
	}
	g, err := s.group(tx, c.Region, in.GroupID)
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

// String words a rule as EC2's messages do.
func (r Rule) String() string {
	peer := r.CIDR4 + r.CIDR6 + r.Group
	if r.Protocol == "-1" {
		return fmt.Sprintf("peer: %s, ALL, ALLOW", peer)
	}
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", peer, strings.ToUpper(r.Protocol), r.From, r.To)
}

type permissionView struct {
	Protocol string                 `xml:"ipProtocol"`
	From     *int                   `xml:"fromPort"`
	To       *int                   `xml:"toPort"`
	Groups   wire.Items[sourceView] `xml:"groups"`
	Ranges   wire.Items[rangeView]  `xml:"ipRanges"`
	Ranges6  wire.Items[range6View] `xml:"ipv6Ranges"`
	Prefixes wire.Items[string]     `xml:"prefixListIds"`
}

type sourceView struct {
	Account     string `xml:"userId"`
	ID          string `xml:"groupId"`
	Description string `xml:"description,omitempty"`
}

type rangeView struct {
	CIDR        string `xml:"cidrIp"`
	Description string `xml:"description,omitempty"`
}

type range6View struct {
	CIDR        string `xml:"cidrIpv6"`
	Description string `xml:"description,omitempty"`
}

// viewRules puts rules of one protocol and range of ports together again.
func (s *Service) viewRules(rules []Rule) wire.Items[permissionView] {
	var out wire.Items[permissionView]
	at := map[Rule]int{}
	for _, r := range rules {
		key := Rule{Protocol: r.Protocol, From: r.From, To: r.To}
		i, found := at[key]
		if !found {
			v := permissionView{Protocol: r.Protocol}
			if r.Protocol != "-1" {
				v.From, v.To = &key.From, &key.To
			}
			i = len(out)
			at[key], out = i, append(out, v)
		}
		switch {
		case r.CIDR4 != "":
			out[i].Ranges = append(out[i].Ranges, rangeView{r.CIDR4, r.Description})
		case r.CIDR6 != "":
			out[i].Ranges6 = append(out[i].Ranges6, range6View{r.CIDR6, r.Description})
		default:
			out[i].Groups = append(out[i].Groups, sourceView{s.Account, r.Group, r.Description})
		}
	}
	return out
}
