package ec2

import (
	"errors"
	"fmt"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// fulfilLater gives an open request an instance after a while of cloud time.
func (s *Service) fulfilLater(id string) { s.Clock.AfterFunc(respawn, func() { s.fulfil(id) }) }

// fulfil gives an open request the instance it stands for: the one that EC2
// stopped, or a new one with the same user-data and all else. What can no
// longer be launched makes the request fail.
func (s *Service) fulfil(id string) {
	err := s.Store.Update(func(tx *store.Tx) error {
		r, found := s.spot.Get(tx, id)
		if !found || r.State != spotOpen {
			return nil
		}
		now := tx.Now()
		switch {
		case r.expired(now):
			r.is(spotClosed, "schedule-expired", "Your Spot request expired before it was fulfilled.", now)
			s.putSpot(tx, r)
			return nil
		case r.Instance != "":
			return s.resume(tx, r)
		}
		return s.replace(tx, r)
	})
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		s.failSpot(id, refused)
	case err != nil:
		s.Log.Error("fulfil a Spot request", "request", id, "error", err)
	}
}

// resume starts the instance that EC2 stopped.
func (s *Service) resume(tx *store.Tx, r SpotRequest) error {
	i, found := s.instances.Get(tx, r.Instance)
	if !found || i.State != Stopped {
		return nil // it was terminated, which opened or closed the request
	}
	if s.Faults.NoCapacity(i.Zone, i.Type) {
		s.postpone(tx, r)
		return nil
	}
	_, err := s.start(tx, i)
	return err
}

// replace launches another instance.
func (s *Service) replace(tx *store.Tx, r SpotRequest) error {
	// EC2 launches for the request: nobody's permission is asked, and the image
	// was found when the request was made.
	c := &call.Caller{Region: r.Region, Protocol: wire.EC2()}
	in := r.Launch
	p, err := s.plan(tx, c, &in)
	if err != nil {
		return err
	}
	p.tags, p.spot = r.Tags, r.Terms // the request may have got near its end since
	if s.Faults.NoCapacity(p.subnet.Zone, p.kind.Name) {
		s.postpone(tx, r)
		return nil
	}
	i := s.newInstance(tx, c, &in, p)
	i.Reservation, i.SpotRequest = call.NewID("r"), r.ID
	if i, err = s.place(tx, i, p); err != nil {
		return fmt.Errorf("replace the instance of %s: %w", r.ID, err)
	}
	r.Instance, r.Zone, r.ZoneID, r.Subnet, r.Groups = i.ID, i.Zone, i.ZoneID, i.Subnet, i.Groups
	r.fulfilled(tx.Now())
	s.spot.Put(tx, r.ID, r)
	return nil
}

// postpone leaves a request open because there is no capacity.
func (s *Service) postpone(tx *store.Tx, r SpotRequest) {
	r.is(spotOpen, "capacity-not-available", "There is no Spot capacity available that matches your request.", tx.Now())
	s.spot.Put(tx, r.ID, r)
	tx.AfterCommit(func() { s.fulfilLater(r.ID) })
}

// failSpot ends a request that cannot be fulfilled.
func (s *Service) failSpot(id string, why *wire.Error) {
	err := s.Store.Update(func(tx *store.Tx) error {
		if r, found := s.spot.Get(tx, id); found {
			r.is(spotFailed, "bad-parameters", why.Message, tx.Now())
			s.putSpot(tx, r)
		}
		return nil
	})
	if err != nil {
		s.Log.Error("let a Spot request fail", "request", id, "error", err)
	}
}
