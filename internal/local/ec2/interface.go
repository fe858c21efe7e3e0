package ec2

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Interface is the network interface of an instance. It is born and dies with
// the instance.
type Interface struct {
	ID, Region, Zone, Subnet, VPC string
	MAC, PrivateIP                string
	PublicIP                      string // empty: none
	Public                        *bool  // whether it gets one; nil: as its subnet says
	Groups                        []string
	Instance, Attachment          string
	Created, Attached             time.Time
}

func (n Interface) origin() origin { return origin{"eni", n.ID, n.Region, n.Created} }

// macAddress is an address that nobody else's card has: the bit for locally
// administered ones is set.
func macAddress(id string) string {
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", sum[0], sum[1], sum[2], sum[3], sum[4])
}

type describeInterfacesInput struct {
	Listing
	IDs []string `query:"NetworkInterfaceId"`
}

type groupIdentifier struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type associationView struct {
	PublicIP string `xml:"publicIp"`
	DNS      string `xml:"publicDnsName"`
	Owner    string `xml:"ipOwnerId"`
}

type interfaceAttachmentView struct {
	ID          string `xml:"attachmentId"`
	DeviceIndex int    `xml:"deviceIndex"`
	Status      string `xml:"status"`
	AttachTime  string `xml:"attachTime"`
	Delete      bool   `xml:"deleteOnTermination"`
	CardIndex   int    `xml:"networkCardIndex"`
	Instance    string `xml:"instanceId,omitempty"`
	Owner       string `xml:"instanceOwnerId,omitempty"`
}

type privateAddressView struct {
	Address     string           `xml:"privateIpAddress"`
	DNS         string           `xml:"privateDnsName"`
	Primary     bool             `xml:"primary"`
	Association *associationView `xml:"association"`
}

type interfaceView struct {
	ID               string                         `xml:"networkInterfaceId"`
	Subnet           string                         `xml:"subnetId"`
	VPC              string                         `xml:"vpcId"`
	Zone             string                         `xml:"availabilityZone,omitempty"`
	Description      string                         `xml:"description"`
	Owner            string                         `xml:"ownerId"`
	RequesterManaged *bool                          `xml:"requesterManaged"`
	Status           string                         `xml:"status"`
	MAC              string                         `xml:"macAddress"`
	PrivateIP        string                         `xml:"privateIpAddress"`
	PrivateDNS       string                         `xml:"privateDnsName"`
	SourceDestCheck  bool                           `xml:"sourceDestCheck"`
	Groups           wire.Items[groupIdentifier]    `xml:"groupSet"`
	Attachment       interfaceAttachmentView        `xml:"attachment"`
	Association      *associationView               `xml:"association"`
	Addresses        wire.Items[privateAddressView] `xml:"privateIpAddressesSet"`
	IPv6             wire.Items[string]             `xml:"ipv6AddressesSet"`
	Type             string                         `xml:"interfaceType"`
	Tags             *wire.Items[Tag]               `xml:"tagSet"`
}

type describeInterfacesOutput struct {
	Interfaces wire.Items[interfaceView] `xml:"networkInterfaceSet"`
	NextToken  string                    `xml:"nextToken,omitempty"`
}

// viewInterface is an interface as its instance shows it.
func (s *Service) viewInterface(tx *store.Tx, n Interface) interfaceView {
	v := interfaceView{
		ID: n.ID, Subnet: n.Subnet, VPC: n.VPC, Owner: s.Account, Status: "in-use", MAC: n.MAC, PrivateIP: n.PrivateIP,
		PrivateDNS: privateDNS(n.Region, n.PrivateIP), SourceDestCheck: true, Groups: s.identifyGroups(tx, n.Groups),
		Attachment: interfaceAttachmentView{ID: n.Attachment, Status: "attached", AttachTime: wire.Time(n.Attached), Delete: true},
		Type:       "interface",
	}
	if n.PublicIP != "" {
		v.Association = &associationView{n.PublicIP, s.publicName(tx, n.VPC, n.PublicIP), "amazon"}
	}
	v.Addresses = wire.Items[privateAddressView]{{n.PrivateIP, v.PrivateDNS, true, v.Association}}
	return v
}

func (s *Service) identifyGroups(tx *store.Tx, ids []string) wire.Items[groupIdentifier] {
	var out wire.Items[groupIdentifier]
	for _, id := range ids {
		g, _ := s.groups.Get(tx, id)
		out = append(out, groupIdentifier{id, g.Name})
	}
	return out
}

func (s *Service) interfaceAttribute(tx *store.Tx, n Interface, name string) ([]string, bool) {
	switch name {
	case "network-interface-id":
		return one(n.ID)
	case "status":
		return one("in-use")
	case "subnet-id":
		return one(n.Subnet)
	case "vpc-id":
		return one(n.VPC)
	case "availability-zone":
		return one(n.Zone)
	case "group-id":
		return n.Groups, true
	case "group-name":
		var names []string
		for _, g := range s.identifyGroups(tx, n.Groups) {
			names = append(names, g.Name)
		}
		return names, true
	case "private-ip-address", "addresses.private-ip-address":
		return one(n.PrivateIP)
	case "association.public-ip":
		return one(n.PublicIP)
	case "attachment.instance-id":
		return one(n.Instance)
	case "attachment.status":
		return one("attached")
	case "mac-address":
		return one(n.MAC)
	case "owner-id":
		return one(s.Account)
	}
	return nil, false
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
func (s *Service) describeNetworkInterfaces(tx *store.Tx, c *call.Caller, in *describeInterfacesInput) (*describeInterfacesOutput, error) {
	attribute := func(n Interface, name string) ([]string, bool) { return s.interfaceAttribute(tx, n, name) }
	found, next, err := listingOf(s, tx, c, s.interfaces, attribute, limits{5, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeInterfacesOutput{show(found, func(n Interface) interfaceView { return s.viewWholeInterface(tx, n) }), next}, nil
}

// viewWholeInterface is an interface as it is shown for itself.
func (s *Service) viewWholeInterface(tx *store.Tx, n Interface) interfaceView {
	v := s.viewInterface(tx, n)
	managed, tags := false, s.tagList(tx, n.ID)
	v.Zone, v.RequesterManaged, v.Tags = n.Zone, &managed, &tags
	v.Attachment.Instance, v.Attachment.Owner = n.Instance, s.Account
	return v
}
