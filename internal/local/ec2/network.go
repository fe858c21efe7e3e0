package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// VPC is a virtual network.
type VPC struct {
	ID, Region, CIDR string
	Default          bool
	DNSSupport       bool // there is a resolver
	DNSHostnames     bool // public addresses have names
}

// Subnet is a part of a VPC in one zone.
type Subnet struct {
	ID, Region, VPC, Zone, ZoneID, CIDR string
	Default                             bool
	MapPublicIP                         bool // new interfaces get a public address
	Used                                int  // addresses that interfaces have
}

// reservedAddresses are the first four addresses of a subnet and the last.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
const reservedAddresses = 5

// AddDefaultNetworks gives every region what a new account has there: a VPC
// with a subnet in each zone, a security group, and a gateway that its main route
// table leads to. Their ids stay the same as long as the account does.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
func (s *Service) AddDefaultNetworks(tx *store.Tx) {
	for _, region := range Regions() {
		vpc := VPC{ID: s.fixedID("vpc", region), Region: region, CIDR: "172.31.0.0/16", Default: true, DNSSupport: true, DNSHostnames: true}
		s.addVPC(tx, vpc, s.fixedID("sg", region), s.fixedID("rtb", region))
		s.openVPC(tx, vpc, s.fixedID("igw", region))
		for i, zone := range catalog.Zones(region) {
			subnet := Subnet{
				ID: s.fixedID("subnet", zone.ID), Region: region, VPC: vpc.ID, Zone: zone.Name, ZoneID: zone.ID,
				CIDR: fmt.Sprintf("172.31.%d.0/20", 16*i), Default: true, MapPublicIP: true,
			}
			s.subnets.Put(tx, subnet.ID, subnet)
		}
	}
}

// fixedID is an id that depends on the account and a name alone.
func (s *Service) fixedID(prefix, name string) string {
	sum := sha256.Sum256([]byte(s.Account + " " + prefix + " " + name))
	return prefix + "-0" + hex.EncodeToString(sum[:8])
}

func (s *Service) defaultVPC(tx *store.Tx, region string) (VPC, bool) {
	v, found := s.vpcs.Get(tx, s.fixedID("vpc", region))
	return v, found && v.Default
}

// subnetSize is how many addresses a subnet has for interfaces.
func (n Subnet) size() int {
	return 1<<(32-netip.MustParsePrefix(n.CIDR).Bits()) - reservedAddresses
}

// lease takes the subnet's lowest free address for an interface.
func (s *Service) lease(tx *store.Tx, n Subnet, owner string) (string, error) {
	if n.Used >= n.size() {
		return "", wire.Errorf("InsufficientFreeAddressesInSubnet", "Not enough free addresses in subnet %s", n.ID)
	}
	address := netip.MustParsePrefix(n.CIDR).Addr()
	for range reservedAddresses - 1 {
		address = address.Next()
	}
	for ; ; address = address.Next() { // one is free, or Used were too small
		key := n.ID + " " + address.String()
		if _, taken := s.addresses.Get(tx, key); !taken {
			s.addresses.Put(tx, key, owner)
			n.Used++
			s.subnets.Put(tx, n.ID, n)
			return address.String(), nil
		}
	}
}

func (s *Service) release(tx *store.Tx, subnet, address string) {
	s.addresses.Delete(tx, subnet+" "+address)
	if n, found := s.subnets.Get(tx, subnet); found {
		n.Used--
		s.subnets.Put(tx, subnet, n)
	}
}

// publicPools are the networks that are set aside for documentation, so a
// public address of this cloud never leads to anyone's machine.
//
// https://www.rfc-editor.org/rfc/rfc5737
func publicPools() [3]string { return [...]string{"203.0.113", "198.51.100", "192.0.2"} }

// leasePublic takes a public address. There are 762; when all are in use there
// is none, and the instance has no public address.
func (s *Service) leasePublic(tx *store.Tx, owner string) string {
	for _, pool := range publicPools() {
		for host := 1; host < 255; host++ {
			address := fmt.Sprintf("%s.%d", pool, host)
			if _, taken := s.addresses.Get(tx, "public "+address); !taken {
				s.addresses.Put(tx, "public "+address, owner)
				return address
			}
		}
	}
	return ""
}

func (s *Service) releasePublic(tx *store.Tx, address string) {
	if address != "" {
		s.addresses.Delete(tx, "public "+address)
	}
}

// privateDNS is the name of a private address.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-naming.html
func privateDNS(region, address string) string {
	name := "ip-" + strings.ReplaceAll(address, ".", "-")
	if region == "us-east-1" {
		return name + ".ec2.internal"
	}
	return name + "." + region + ".compute.internal"
}

func publicDNS(region, address string) string {
	if address == "" {
		return ""
	}
	name := "ec2-" + strings.ReplaceAll(address, ".", "-")
	if region == "us-east-1" {
		return name + ".compute-1.amazonaws.com"
	}
	return name + "." + region + ".compute.amazonaws.com"
}

// subnetKeys are the condition keys of a subnet.
func (s *Service) subnetKeys(tx *store.Tx, n Subnet) policy.Context {
	keys := s.resourceKeys(tx, n.Region, n.ID)
	keys.Set("ec2:AvailabilityZone", n.Zone)
	keys.Set("ec2:SubnetID", n.ID)
	keys.Set("ec2:Vpc", s.arn(n.Region, "vpc", n.VPC))
	return keys
}

type describeVpcsInput struct {
	call.Dry
	Paging
	Filters []filter `query:"Filter"`
	IDs     []string `query:"VpcId"`
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

func (s *Service) vpcAttributes(v VPC) attributes {
	return func(name string) ([]string, bool) {
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
}

func (s *Service) describeVpcs(tx *store.Tx, c *call.Caller, in *describeVpcsInput) (*describeVpcsOutput, error) {
	if err := s.requireList(c, "DescribeVpcs"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, s.vpcAttributes(VPC{})); err != nil {
		return nil, err
	}
	for _, id := range in.IDs {
		if v, found := s.vpcs.Get(tx, id); !found || v.Region != c.Region {
			return nil, errNoResource("vpc", id)
		}
	}
	found, next, err := page(in.Paging, limits{5, 1000}, len(in.IDs) > 0, s.vpcs.All(tx), func(v VPC) bool {
		tags, _ := s.tags.Get(tx, v.ID)
		named := len(in.IDs) == 0 || slices.Contains(in.IDs, v.ID)
		return v.Region == c.Region && named && passes(in.Filters, tags, s.vpcAttributes(v))
	})
	if err != nil {
		return nil, err
	}
	out := &describeVpcsOutput{NextToken: next}
	for _, v := range found {
		out.VPCs = append(out.VPCs, vpcView{v.ID, s.Account, "available", v.CIDR, "default", v.Default, s.tagList(tx, v.ID)})
	}
	return out, nil
}

type describeSubnetsInput struct {
	call.Dry
	Paging
	Filters []filter `query:"Filter"`
	IDs     []string `query:"SubnetId"`
}

type subnetView struct {
	ID        string          `xml:"subnetId"`
	ARN       string          `xml:"subnetArn"`
	Owner     string          `xml:"ownerId"`
	State     string          `xml:"state"`
	VPC       string          `xml:"vpcId"`
	CIDR      string          `xml:"cidrBlock"`
	Available int             `xml:"availableIpAddressCount"`
	Zone      string          `xml:"availabilityZone"`
	ZoneID    string          `xml:"availabilityZoneId"`
	Default   bool            `xml:"defaultForAz"`
	MapPublic bool            `xml:"mapPublicIpOnLaunch"`
	Tags      wire.Items[Tag] `xml:"tagSet"`
}

type describeSubnetsOutput struct {
	Subnets   wire.Items[subnetView] `xml:"subnetSet"`
	NextToken string                 `xml:"nextToken,omitempty"`
}

func (s *Service) subnetAttributes(n Subnet) attributes {
	return func(name string) ([]string, bool) {
		switch name {
		case "subnet-id":
			return one(n.ID)
		case "vpc-id":
			return one(n.VPC)
		case "availability-zone", "availabilityZone":
			return one(n.Zone)
		case "availability-zone-id", "availabilityZoneId":
			return one(n.ZoneID)
		case "cidr-block", "cidr", "cidrBlock":
			return one(n.CIDR)
		case "default-for-az", "defaultForAz":
			return truth(n.Default)
		case "map-public-ip-on-launch":
			return truth(n.MapPublicIP)
		case "state":
			return one("available")
		case "owner-id":
			return one(s.Account)
		}
		return nil, false
	}
}

func (s *Service) describeSubnets(tx *store.Tx, c *call.Caller, in *describeSubnetsInput) (*describeSubnetsOutput, error) {
	if err := s.requireList(c, "DescribeSubnets"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, s.subnetAttributes(Subnet{})); err != nil {
		return nil, err
	}
	for _, id := range in.IDs {
		if n, found := s.subnets.Get(tx, id); !found || n.Region != c.Region {
			return nil, errNoResource("subnet", id)
		}
	}
	found, next, err := page(in.Paging, limits{5, 1000}, len(in.IDs) > 0, s.subnets.All(tx), func(n Subnet) bool {
		tags, _ := s.tags.Get(tx, n.ID)
		named := len(in.IDs) == 0 || slices.Contains(in.IDs, n.ID)
		return n.Region == c.Region && named && passes(in.Filters, tags, s.subnetAttributes(n))
	})
	if err != nil {
		return nil, err
	}
	out := &describeSubnetsOutput{NextToken: next}
	for _, n := range found {
		out.Subnets = append(out.Subnets, s.viewSubnet(tx, n))
	}
	return out, nil
}
