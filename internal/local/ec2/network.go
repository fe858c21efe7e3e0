package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

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
