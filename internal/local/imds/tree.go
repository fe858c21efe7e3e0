package imds

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Facts are what an instance can learn about itself.
type Facts struct {
	Enabled        bool // HttpEndpoint
	TokensRequired bool // HttpTokens=required: version 2 only
	HopLimit       int  // HttpPutResponseHopLimit

	Account, Region, Zone, ZoneID                    string
	InstanceID, InstanceType, ImageID                string
	Spot                                             bool // bought on the Spot market
	Architecture, ReservationID                      string
	Hostname                                         string // fully qualified
	PrivateIP, PublicIP                              string // PublicIP is empty if there is none
	MAC, Interface, Subnet, SubnetCIDR, VPC, VPCCIDR string
	SecurityGroups, SecurityGroupIDs                 []string
	Launched                                         time.Time
	KeyName, PublicKey                               string            // empty: no key
	Tags                                             map[string]string // nil: not shown
	UserData                                         []byte            // nil: none
	ProfileARN, ProfileID                            string            // empty: no instance profile
	Interruption                                     string            // terminate or stop, when EC2 has announced it; empty: not
	InterruptionTime                                 time.Time
	Rebalance                                        time.Time // when EC2 recommended to leave; zero: it did not
	Scheduled                                        []Event
}

// Event is maintenance that EC2 has scheduled for the instance.
type Event struct {
	ID        string
	Code      string
	NotBefore time.Time
}

func (f Facts) lifecycle() string {
	if f.Spot {
		return "spot"
	}
	return "on-demand"
}

// Credentials are temporary credentials of the instance's role.
type Credentials struct {
	Role                       string
	AccessKeyID, Secret, Token string
	Issued, Expires            time.Time
}

// node is a place in the tree of paths: a folder, or a text.
type node struct {
	folder map[string]node
	value  string
	names  map[string]string // how entries are listed, where not by their name
}

func text(s string) node { return node{value: s} }

func (n node) find(parts []string) (node, bool) {
	for _, p := range parts {
		next, found := n.folder[p]
		if !found {
			return node{}, false
		}
		n = next
	}
	return n, true
}

// text is the node's value, or the list of what is in the folder: folders end
// in a slash.
func (n node) text() string {
	if n.folder == nil {
		return n.value
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(n.folder)) {
		line := key
		if as, found := n.names[key]; found {
			line = as
		} else if n.folder[key].folder != nil {
			line += "/"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// put adds a text under a path, unless it is empty: what an instance does not
// have, it has no path for.
func (n node) put(value string, path ...string) {
	if value == "" {
		return
	}
	for _, p := range path[:len(path)-1] {
		next, found := n.folder[p]
		if !found {
			next = node{folder: map[string]node{}}
			n.folder[p] = next
		}
		n = next
	}
	n.folder[path[len(path)-1]] = text(value)
}

// tree is all that the service tells; the role's credentials only where asked
// lies under iam, since asking makes them. The paths are those of
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
func (s *Service) tree(f Facts, asked []string) node {
	m := node{folder: map[string]node{}}
	short, _, _ := strings.Cut(f.Hostname, ".")
	for path, value := range map[string]string{
		"ami-id":                         f.ImageID,
		"ami-launch-index":               "0",
		"hostname":                       f.Hostname,
		"instance-action":                "none",
		"instance-id":                    f.InstanceID,
		"instance-life-cycle":            f.lifecycle(),
		"instance-type":                  f.InstanceType,
		"local-hostname":                 f.Hostname,
		"local-ipv4":                     f.PrivateIP,
		"mac":                            f.MAC,
		"public-ipv4":                    f.PublicIP,
		"reservation-id":                 f.ReservationID,
		"security-groups":                strings.Join(f.SecurityGroups, "\n"),
		"placement/availability-zone":    f.Zone,
		"placement/availability-zone-id": f.ZoneID,
		"placement/region":               f.Region,
		"services/domain":                "amazonaws.com",
		"services/partition":             "aws",
	} {
		m.put(value, strings.Split(path, "/")...)
	}
	for name, value := range map[string]string{
		"device-number":          "0",
		"interface-id":           f.Interface,
		"local-hostname":         short,
		"local-ipv4s":            f.PrivateIP,
		"mac":                    f.MAC,
		"owner-id":               f.Account,
		"public-ipv4s":           f.PublicIP,
		"security-group-ids":     strings.Join(f.SecurityGroupIDs, "\n"),
		"security-groups":        strings.Join(f.SecurityGroups, "\n"),
		"subnet-id":              f.Subnet,
		"subnet-ipv4-cidr-block": f.SubnetCIDR,
		"vpc-id":                 f.VPC,
		"vpc-ipv4-cidr-block":    f.VPCCIDR,
	} {
		m.put(value, "network", "interfaces", "macs", f.MAC, name)
	}
	if f.PublicKey != "" {
		m.put(f.PublicKey, "public-keys", "0", "openssh-key")
		keys := m.folder["public-keys"]
		keys.names = map[string]string{"0": "0=" + f.KeyName}
		m.folder["public-keys"] = keys
	}
	if f.Tags != nil {
		tags := node{folder: map[string]node{}}
		for key, value := range f.Tags {
			tags.folder[key] = text(value)
		}
		m.folder["tags"] = node{folder: map[string]node{"instance": tags}}
	}
	putWarnings(m, f)
	s.putRole(m, f, len(asked) > 1 && asked[1] == "iam")
	root := node{folder: map[string]node{"meta-data": m}}
	root.put(identityDocument(f), "dynamic", "instance-identity", "document")
	return root
}

// putWarnings adds what EC2 announces. The time of an interruption alone is there
// for a termination only; it is the older of the two ways.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
func putWarnings(m node, f Facts) {
	if f.Interruption != "" {
		m.put(toJSON(map[string]string{"action": f.Interruption, "time": stamp(f.InterruptionTime)}), "spot", "instance-action")
	}
	if f.Interruption == "terminate" {
		m.put(stamp(f.InterruptionTime), "spot", "termination-time")
	}
	if !f.Rebalance.IsZero() {
		m.put(toJSON(map[string]string{"noticeTime": stamp(f.Rebalance)}), "events", "recommendations", "rebalance")
	}
	var events []map[string]string
	for _, e := range f.Scheduled {
		events = append(events, map[string]string{
			"NotBefore": e.NotBefore.UTC().Format("2 Jan 2006 15:04:05") + " GMT", "Code": e.Code,
			"Description": "scheduled by spawn local fault", "EventId": e.ID, "State": "active",
		})
	}
	if len(events) > 0 {
		m.put(toJSON(events), "events", "maintenance", "scheduled")
	}
}

// putRole adds the instance profile and, where wanted, its role's credentials.
func (s *Service) putRole(m node, f Facts, credentials bool) {
	if f.ProfileARN == "" {
		return
	}
	m.put(toJSON(map[string]string{
		"Code": "Success", "LastUpdated": stamp(f.Launched),
		"InstanceProfileArn": f.ProfileARN, "InstanceProfileId": f.ProfileID,
	}), "iam", "info")
	if !credentials {
		return
	}
	c, found := s.source.Credentials()
	if !found {
		return
	}
	m.put(toJSON(map[string]string{
		"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": stamp(c.Issued), "Expiration": stamp(c.Expires),
		"AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.Secret, "Token": c.Token,
	}), "iam", "security-credentials", c.Role)
}

// identityDocument is what AWS signs; ours comes without a signature.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
func identityDocument(f Facts) string {
	return toJSON(map[string]string{
		"accountId": f.Account, "architecture": f.Architecture, "availabilityZone": f.Zone, "imageId": f.ImageID,
		"instanceId": f.InstanceID, "instanceType": f.InstanceType, "pendingTime": stamp(f.Launched),
		"privateIp": f.PrivateIP, "region": f.Region, "version": "2017-09-30",
	})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func toJSON(m any) string {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // texts by texts always marshal
	}
	return string(b)
}
