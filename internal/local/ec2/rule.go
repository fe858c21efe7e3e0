package ec2

import (
	"fmt"
	"net/netip"
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
