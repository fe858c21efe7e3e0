package ec2

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// The states of a Capacity Reservation that occur here.
const (
	capacityActive    = "active"
	capacityExpired   = "expired"
	capacityCancelled = "cancelled"
)

// CapacityReservation is capacity that is kept for instances of one type in one
// zone. How much of it is in use is not stored: it is what runs in it.
type CapacityReservation struct {
	ID, Region, Zone, ZoneID string
	Type, Platform           string
	Count                    int
	EBSOptimized             bool
	Match                    string // open or targeted
	State                    string
	Created                  time.Time
	End                      time.Time   // zero: until it is cancelled
	Token                    string      // the client token
	Request                  fingerprint // all other parameters
}

func (r CapacityReservation) origin() origin { return origin{"cr", r.ID, r.Region, r.Created} }

// createCapacityInput is what CreateCapacityReservation takes: reservations for
// immediate use, on shared hardware.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCapacityReservation.html
type createCapacityInput struct {
	call.Dry
	ClientToken           string
	InstanceType          string
	InstancePlatform      string
	AvailabilityZone      string
	AvailabilityZoneID    string `query:"AvailabilityZoneId"`
	Tenancy               string
	InstanceCount         *int
	EBSOptimized          bool `query:"EbsOptimized"`
	EndDate               string
	EndDateType           string
	InstanceMatchCriteria string
	TagSpecifications     []tagSpecification
}

type createCapacityOutput struct {
	Reservation capacityView `xml:"capacityReservation"`
}

// maxReserved is the most instances that a reservation holds.
const maxReserved = 1000

func (in *createCapacityInput) check() error {
	switch {
	case in.InstanceType == "":
		return errMissing("InstanceType")
	case in.InstancePlatform == "":
		return errMissing("InstancePlatform")
	case in.InstancePlatform != spotProduct:
		return errValue("This cloud has no instances of the platform '%s'", in.InstancePlatform)
	case in.InstanceCount == nil:
		return errMissing("InstanceCount")
	case *in.InstanceCount < 1 || *in.InstanceCount > maxReserved:
		return errValue("Invalid value '%d' for InstanceCount: it must be from 1 to %d", *in.InstanceCount, maxReserved)
	case in.Tenancy != "" && in.Tenancy != "default":
		return wire.Errorf("UnsupportedOperation", "This cloud does not have the tenancy %s", in.Tenancy)
	case (in.EndDateType == "limited") != (in.EndDate != ""):
		return errCombination("EndDate must be given if, and only if, EndDateType is limited")
	}
	if err := oneOf("EndDateType", in.EndDateType, "limited", "unlimited"); err != nil {
		return err
	}
	return oneOf("InstanceMatchCriteria", in.InstanceMatchCriteria, "open", "targeted")
}

// createCapacityReservation reserves. An open reservation takes in what already
// runs and matches.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-create.html
func (s *Service) createCapacityReservation(tx *store.Tx, c *call.Caller, in *createCapacityInput) (*createCapacityOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	tags, err := readSpecifications(in.TagSpecifications, "capacity-reservation")
	if err != nil {
		return nil, err
	}
	r, err := in.reservation(c.Region, tx.Now())
	if err != nil {
		return nil, err
	}
	own := tags["capacity-reservation"]
	if err := c.Require("ec2:CreateCapacityReservation", s.arn(c.Region, "capacity-reservation", "*"), requestKeys(own).Merge(s.regionKey(c))); err != nil {
		return nil, err
	}
	if err := s.requireTagging(c, "CreateCapacityReservation", "capacity-reservation", own); err != nil {
		return nil, err
	}
	for _, earlier := range s.capacity.All(tx) {
		if in.ClientToken == "" || earlier.Region != c.Region || earlier.Token != in.ClientToken {
			continue
		}
		if earlier.Request != r.Request {
			return nil, errOtherRequest()
		}
		return &createCapacityOutput{s.viewCapacity(tx, earlier)}, nil
	}
	s.capacity.Put(tx, r.ID, r)
	s.tag(tx, r.ID, own)
	s.takeIn(tx, r)
	if !r.End.IsZero() {
		tx.AfterCommit(func() { s.Clock.AfterFunc(r.End.Sub(tx.Now()), func() { s.expireCapacity(r.ID) }) })
	}
	return &createCapacityOutput{s.viewCapacity(tx, r)}, nil
}

// reservation is the reservation asked for, if the region can have it.
func (in *createCapacityInput) reservation(region string, now time.Time) (CapacityReservation, error) {
	r := CapacityReservation{
		ID: call.NewID("cr"), Region: region, Type: in.InstanceType, Platform: in.InstancePlatform, Count: *in.InstanceCount,
		EBSOptimized: in.EBSOptimized, Match: in.InstanceMatchCriteria, State: capacityActive, Created: now.Truncate(time.Second), Token: in.ClientToken,
	}
	if r.Match == "" {
		r.Match = "open"
	}
	if (in.AvailabilityZone == "") == (in.AvailabilityZoneID == "") {
		return r, errCombination("Either AvailabilityZone or AvailabilityZoneId must be given")
	}
	end, err := readTime("EndDate", in.EndDate)
	if err != nil {
		return r, err
	}
	if end != nil {
		if !end.After(now) {
			return r, errValue("The end date %s is not in the future", in.EndDate)
		}
		r.End = *end
	}
	offering, offered := catalog.Offered(region, in.InstanceType)
	if !offered {
		return r, errValue("Invalid value '%s' for InstanceType.", in.InstanceType)
	}
	for _, z := range catalog.Zones(region) {
		if z.Name == in.AvailabilityZone || z.ID == in.AvailabilityZoneID {
			r.Zone, r.ZoneID = z.Name, z.ID
		}
	}
	if r.Zone == "" {
		return r, errValue("Invalid availability zone: [%s]", in.AvailabilityZone+in.AvailabilityZoneID)
	}
	for _, z := range zonesWith(offering) {
		if z.Name == r.Zone {
			same := *in
			same.DryRun = false
			r.Request = fingerprintOf(same)
			return r, nil
		}
	}
	return r, wire.Errorf("Unsupported", "The instance type %s is not supported in the Availability Zone %s.", in.InstanceType, r.Zone)
}

type cancelCapacityInput struct {
	call.Dry
	ID string `query:"CapacityReservationId"`
}

// cancelCapacityReservation gives the capacity back. What runs in it runs on.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CancelCapacityReservation.html
func (s *Service) cancelCapacityReservation(tx *store.Tx, c *call.Caller, in *cancelCapacityInput) (*done, error) {
	r, err := s.capacity.find(tx, c.Region, in.ID)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:CancelCapacityReservation", s.arn(c.Region, "capacity-reservation", r.ID), s.resourceKeys(tx, c.Region, r.ID)); err != nil {
		return nil, err
	}
	if r.State != capacityActive {
		return nil, wire.Errorf("IncorrectState", "The Capacity Reservation '%s' is %s and cannot be cancelled.", r.ID, r.State)
	}
	s.closeCapacity(tx, r, capacityCancelled)
	return &done{true}, nil
}

func (s *Service) expireCapacity(id string) {
	err := s.Store.Update(func(tx *store.Tx) error {
		if r, found := s.capacity.Get(tx, id); found && r.State == capacityActive {
			s.closeCapacity(tx, r, capacityExpired)
		}
		return nil
	})
	if err != nil {
		s.Log.Error("let a capacity reservation expire", "reservation", id, "error", err)
	}
}

// closeCapacity ends a reservation; its instances run on without it.
func (s *Service) closeCapacity(tx *store.Tx, r CapacityReservation, state string) {
	r.State = state
	s.capacity.Put(tx, r.ID, r)
	for _, i := range s.instances.All(tx) {
		if i.Capacity == r.ID {
			i.Capacity = ""
			s.instances.Put(tx, i.ID, i)
		}
	}
}
