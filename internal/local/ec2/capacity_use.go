package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// capacitySpecification says which Capacity Reservation an instance is to run
// in.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservationSpecification.html
type capacitySpecification struct {
	Preference string `query:"CapacityReservationPreference"`
	Target     struct {
		ID string `query:"CapacityReservationId"`
	} `query:"CapacityReservationTarget"`
}

func (c capacitySpecification) check(spot bool) error {
	switch {
	case c.Target.ID != "" && c.Preference != "" && c.Preference != "capacity-reservations-only":
		return errCombination("The preference '%s' cannot be used with a target", c.Preference)
	case spot && (c.Target.ID != "" || c.Preference == "capacity-reservations-only"):
		return errCombination("Spot Instances cannot run in a Capacity Reservation")
	}
	return oneOf("CapacityReservationPreference", c.Preference, "open", "none", "capacity-reservations-only")
}

type capacityTargetView struct {
	ID string `xml:"capacityReservationId"`
}

// capacitySpecificationView tells what an instance was launched with: a target,
// or else a preference, which is open unless another was given.
type capacitySpecificationView struct {
	Preference string              `xml:"capacityReservationPreference,omitempty"`
	Target     *capacityTargetView `xml:"capacityReservationTarget"`
}

func (i Instance) viewCapacity() *capacitySpecificationView {
	v := &capacitySpecificationView{Preference: i.CapacityPreference}
	if i.CapacityTarget != "" {
		v.Target = &capacityTargetView{i.CapacityTarget}
	} else if v.Preference == "" {
		v.Preference = "open"
	}
	return v
}

// runsIn tells whether an instance takes up a place of a reservation: until it
// is stopped or terminated.
func (i Instance) runsIn(id string) bool {
	return i.Capacity == id && i.State != Stopped && i.State != Terminated
}

// left is how many more instances a reservation can take.
func (s *Service) left(tx *store.Tx, r CapacityReservation) int {
	if r.State != capacityActive {
		return 0
	}
	used := 0
	for _, i := range s.instances.All(tx) {
		if i.runsIn(r.ID) {
			used++
		}
	}
	return r.Count - used
}

// fits tells whether the instance has what a reservation is for. All instances
// here are of its platform and tenancy.
func (r CapacityReservation) fits(i Instance) bool {
	return r.Region == i.Region && r.Zone == i.Zone && r.Type == i.Type
}

// reserve puts an instance that starts into the reservation it names, or into
// an open one that fits and has room.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-launch.html
func (s *Service) reserve(tx *store.Tx, i *Instance) error {
	i.Capacity = ""
	if i.CapacityTarget != "" {
		return s.reserveTarget(tx, i)
	}
	if i.CapacityPreference == "none" || i.SpotRequest != "" {
		return nil
	}
	for _, r := range s.capacity.All(tx) {
		if r.Match == "open" && r.fits(*i) && s.left(tx, r) > 0 {
			i.Capacity = r.ID
			return nil
		}
	}
	if i.CapacityPreference == "capacity-reservations-only" {
		return errNoReservedCapacity()
	}
	return nil
}

func (s *Service) reserveTarget(tx *store.Tx, i *Instance) error {
	r, err := s.capacity.find(tx, i.Region, i.CapacityTarget)
	switch {
	case err != nil:
		return err
	case r.State != capacityActive:
		return wire.Errorf("IncorrectState", "The Capacity Reservation '%s' is %s.", r.ID, r.State)
	case !r.fits(*i):
		return errValue("The Capacity Reservation '%s' is for %s in %s, not for %s in %s.", r.ID, r.Type, r.Zone, i.Type, i.Zone)
	case s.left(tx, r) < 1:
		return errNoReservedCapacity()
	}
	i.Capacity = r.ID
	return nil
}

// errNoReservedCapacity is documented as a client's error.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func errNoReservedCapacity() error {
	return wire.Errorf("ReservationCapacityExceeded", "The requested reservation does not have sufficient compatible and available capacity for this request.")
}

// takeIn puts what runs already into a new open reservation.
func (s *Service) takeIn(tx *store.Tx, r CapacityReservation) {
	if r.Match != "open" {
		return
	}
	room := r.Count
	for _, i := range s.instances.All(tx) {
		on := i.State == Pending || i.State == Running
		if room == 0 || !on || i.Capacity != "" || i.CapacityTarget != "" || i.CapacityPreference == "none" || i.SpotRequest != "" || !r.fits(i) {
			continue
		}
		i.Capacity = r.ID
		s.instances.Put(tx, i.ID, i)
		room--
	}
}
