package ec2

import (
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// launchToken is what is remembered of a launch that had a client token. Its
// key in the table is where the token holds and the token.
type launchToken struct {
	Request   fingerprint // of all other parameters
	Instances []string
}

// tokenRow is the place of a token. It holds in the zone that the request
// names, by name or subnet, else in the region: the same token in another zone
// is another launch.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Run_Instance_Idempotency.html
func tokenRow(region, zone, token string) string { return region + " " + zone + " " + token }

// fingerprint is that of the request; the token is in it, and is the same.
func (in *runInput) fingerprint() fingerprint {
	same := *in
	same.DryRun = false
	return fingerprintOf(same)
}

// runInstances launches, or answers again for a launch it has done.
func (s *Service) runInstances(tx *store.Tx, c *call.Caller, in *runInput) (*reservationView, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	zone, err := s.zoneOf(tx, c, in)
	if err != nil {
		return nil, err
	}
	row := tokenRow(c.Region, zone, in.ClientToken)
	if earlier, found := s.tokens.Get(tx, row); found && in.ClientToken != "" {
		return s.repeatLaunch(tx, c, in, earlier)
	}
	p, err := s.plan(tx, c, in)
	if err != nil {
		return nil, err
	}
	if err := s.authorizeLaunch(tx, c, in, p); err != nil {
		return nil, err
	}
	if !in.DryRun && s.Faults.NoCapacity(p.subnet.Zone, p.kind.Name) {
		return nil, s.errNoCapacity(p.subnet.Zone, p.kind.Name)
	}
	launched, err := s.launch(tx, c, in, p)
	if err != nil {
		return nil, err
	}
	if in.ClientToken != "" {
		t := launchToken{Request: in.fingerprint()}
		for _, i := range launched {
			t.Instances = append(t.Instances, i.ID)
		}
		s.tokens.Put(tx, row, t)
	}
	return s.viewReservation(tx, launched), nil
}

// repeatLaunch answers a request whose token was used before.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (s *Service) repeatLaunch(tx *store.Tx, c *call.Caller, in *runInput, earlier launchToken) (*reservationView, error) {
	p, err := s.plan(tx, c, in)
	if err != nil {
		return nil, err
	}
	if err := s.authorizeLaunch(tx, c, in, p); err != nil {
		return nil, err
	}
	if earlier.Request != in.fingerprint() {
		return nil, errOtherRequest()
	}
	var again []Instance
	for _, id := range earlier.Instances {
		i, found := s.instances.Get(tx, id)
		if !found || i.ending() {
			return nil, wire.Errorf("IdempotentInstanceTerminated", "The client token you have provided is associated with an instance that has already been terminated.")
		}
		again = append(again, i)
	}
	return s.viewReservation(tx, again), nil
}

func (s *Service) viewReservation(tx *store.Tx, list []Instance) *reservationView {
	out := &reservationView{ID: list[0].Reservation, Owner: list[0].Owner}
	for _, i := range list {
		out.Instances = append(out.Instances, s.viewInstance(tx, i))
	}
	return out
}

// launch makes as many instances as the subnet has addresses for and the quota
// vCPUs, up to MaxCount and not below MinCount, and boots them when the
// transaction is done.
func (s *Service) launch(tx *store.Tx, c *call.Caller, in *runInput, p launchPlan) ([]Instance, error) {
	count := min(*in.MaxCount, p.subnet.size()-p.subnet.Used)
	if count < *in.MinCount {
		return nil, wire.Errorf("InsufficientFreeAddressesInSubnet", "The specified subnet %s does not have enough free addresses to satisfy the request.", p.subnet.ID)
	}
	if !in.DryRun {
		d := demand{c.Region, p.kind.Name, vcpusOf(p.kind), in.spot()}
		if count = s.room(tx, d, count); count < *in.MinCount {
			return nil, s.errQuota(d)
		}
	}
	reservation := call.NewID("r")
	out := make([]Instance, 0, count)
	for n := range count {
		i := s.newInstance(tx, c, in, p)
		i.Reservation, i.Index = reservation, n
		if in.spot() {
			s.requestSpot(tx, c, in, p, &i)
		}
		if err := s.reserve(tx, &i); err != nil {
			if n >= *in.MinCount {
				break
			}
			return nil, err
		}
		i, err := s.place(tx, i, p)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, nil
}

// place stores a new instance with all that it has, and boots it when the
// transaction is done.
func (s *Service) place(tx *store.Tx, i Instance, p launchPlan) (Instance, error) {
	if err := s.equip(tx, &i, p); err != nil {
		return i, err
	}
	s.instances.Put(tx, i.ID, i)
	s.tag(tx, i.ID, p.tags["instance"])
	tx.AfterCommit(func() { s.powerOn(i) })
	return i, nil
}

func (s *Service) newInstance(tx *store.Tx, c *call.Caller, in *runInput, p launchPlan) Instance {
	now := tx.Now().Truncate(time.Second)
	i := Instance{
		ID: call.NewID("i"), Region: c.Region, Owner: s.Account, Token: in.ClientToken,
		Type: p.kind.Name, VCPUs: vcpusOf(p.kind), Image: p.image.ID, Architecture: p.image.Architecture, RootDevice: p.image.RootDevice,
		KeyName: p.key.Name, PublicKey: p.key.Public,
		Zone: p.subnet.Zone, ZoneID: p.subnet.ZoneID, Subnet: p.subnet.ID, VPC: p.subnet.VPC,
		UserData: in.UserData, Metadata: p.metadata, OnShutdown: in.InstanceInitiatedShutdownBehavior, Protected: in.DisableAPITermination,
		EBSOptimized: in.EBSOptimized, Monitored: in.Monitoring.Enabled, Credits: in.CreditSpecification.CPUCredits, Hibernation: in.HibernationOptions.Configured,
		CapacityPreference: in.CapacityReservationSpecification.Preference, CapacityTarget: in.CapacityReservationSpecification.Target.ID,
		State: Pending, Created: tx.Now(), Launched: now,
	}
	if i.OnShutdown == "" {
		i.OnShutdown = "stop"
	}
	if p.role != "" {
		i.ProfileName, i.ProfileARN, i.ProfileID = p.profile.Name, s.IAM.ProfileARN(p.profile), p.profile.ID
	}
	for _, g := range p.groups {
		i.Groups = append(i.Groups, g.ID)
	}
	return i
}

// equip gives a new instance its volumes and its interface.
func (s *Service) equip(tx *store.Tx, i *Instance, p launchPlan) error {
	subnet, _ := s.subnets.Get(tx, i.Subnet) // as the last instance left it
	n := Interface{
		ID: call.NewID("eni"), Attachment: call.NewID("eni-attach"), Region: i.Region, Zone: i.Zone, Subnet: i.Subnet, VPC: i.VPC,
		Public: p.public, Groups: i.Groups, Instance: i.ID, Created: i.Created, Attached: i.Launched,
	}
	n.MAC = macAddress(n.ID)
	var err error
	if n.PrivateIP, err = s.lease(tx, subnet, n.ID); err != nil {
		return fmt.Errorf("equip %s: %w", i.ID, err)
	}
	if n.getsPublic(subnet) {
		n.PublicIP = s.leasePublic(tx, n.ID)
	}
	s.interfaces.Put(tx, n.ID, n)
	s.tag(tx, n.ID, p.tags["network-interface"])
	i.Interface, i.PrivateIP, i.PublicIP = n.ID, n.PrivateIP, n.PublicIP
	for _, v := range p.volumes {
		v.ID, v.Region, v.Zone, v.Created = call.NewID("vol"), i.Region, i.Zone, i.Created
		v.Instance, v.Attached = i.ID, i.Launched
		s.volumes.Put(tx, v.ID, v)
		s.tag(tx, v.ID, p.tags["volume"])
		i.Volumes = append(i.Volumes, v.ID)
	}
	return nil
}
