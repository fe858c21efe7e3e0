package ec2

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// reservedAddresses are the first four addresses of a subnet and the last.
//
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
const reservedAddresses = 5

// size is how many addresses a subnet has for interfaces.
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
