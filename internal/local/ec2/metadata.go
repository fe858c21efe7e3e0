package ec2

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/local/imds"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/sts"
)

// self is an instance as its own metadata service sees it.
type self struct {
	service *Service
	id      string
}

var _ imds.Source = (*self)(nil)

// Now implements imds.Source.
func (m *self) Now() time.Time { return m.service.Clock.Now() }

// Facts implements imds.Source.
func (m *self) Facts() (facts imds.Facts, found bool) {
	s := m.service
	err := s.Store.View(func(tx *store.Tx) error {
		i, there := s.instances.Get(tx, m.id)
		if !there || i.State == Terminated {
			return nil
		}
		facts, found = s.facts(tx, i), true
		return nil
	})
	return facts, found && err == nil
}

func (s *Service) facts(tx *store.Tx, i Instance) imds.Facts {
	n, _ := s.interfaces.Get(tx, i.Interface)
	subnet, _ := s.subnets.Get(tx, i.Subnet)
	vpc, _ := s.vpcs.Get(tx, i.VPC)
	f := imds.Facts{
		Enabled: i.Metadata.Endpoint == "enabled", TokensRequired: i.Metadata.Tokens == "required", HopLimit: i.Metadata.HopLimit,
		Account: i.Owner, Region: i.Region, Zone: i.Zone, ZoneID: i.ZoneID,
		Spot: i.SpotRequest != "", InstanceID: i.ID, InstanceType: i.Type, ImageID: i.Image, Architecture: i.Architecture, ReservationID: i.Reservation,
		Hostname: privateDNS(i.Region, i.PrivateIP), PrivateIP: i.PrivateIP, PublicIP: i.PublicIP,
		MAC: n.MAC, Interface: n.ID, Subnet: subnet.ID, SubnetCIDR: subnet.CIDR, VPC: vpc.ID, VPCCIDR: vpc.CIDR,
		SecurityGroupIDs: i.Groups, Launched: i.Launched, UserData: i.UserData,
		ProfileARN: i.ProfileARN, ProfileID: i.ProfileID,
		Interruption: i.Interruption.Action, InterruptionTime: i.Interruption.Time, Rebalance: i.Rebalance,
	}
	for _, e := range i.Scheduled {
		f.Scheduled = append(f.Scheduled, imds.Event{ID: e.ID, Code: e.Code, NotBefore: e.NotBefore})
	}
	for _, g := range s.identifyGroups(tx, i.Groups) {
		f.SecurityGroups = append(f.SecurityGroups, g.Name)
	}
	if i.PublicKey != "" {
		f.KeyName, f.PublicKey = i.KeyName, i.PublicKey+" "+i.KeyName
	}
	if i.Metadata.Tags == "enabled" {
		f.Tags = map[string]string{}
		tags, _ := s.tags.Get(tx, i.ID)
		for k, v := range tags {
			f.Tags[k] = v
		}
	}
	return f
}

// Credentials implements imds.Source. They are those of the role that the
// profile has now.
func (m *self) Credentials() (imds.Credentials, bool) {
	s := m.service
	var session sts.Session
	found := false
	err := s.Store.Update(func(tx *store.Tx) error {
		i, there := s.instances.Get(tx, m.id)
		if !there {
			return nil
		}
		if profile, has := s.IAM.Profile(tx, i.ProfileName); has {
			session, found = s.STS.ForInstance(tx, profile.Role, i.ID, s.arn(i.Region, "instance", i.ID))
		}
		return nil
	})
	return imds.Credentials{
		Role: session.Role, AccessKeyID: session.AccessKeyID, Secret: session.Secret, Token: session.Token,
		Issued: session.Issued, Expires: session.Expires,
	}, found && err == nil
}
