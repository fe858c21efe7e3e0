package ec2

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/store"
)

// Restore takes EC2 up again after its tables were read from a file: their
// machines died with the cloud that had them, or were powered off when it
// closed. Instances that ran boot again from their disk, as after the failure
// of a host; launches that were under way have failed; what was ending ends.
// Whatever waited for a time waits for it again.
func (s *Service) Restore() error {
	err := s.Store.Update(func(tx *store.Tx) error {
		for _, i := range s.instances.All(tx) {
			if err := s.revive(tx, i); err != nil {
				return err
			}
		}
		for _, r := range s.spot.All(tx) {
			if r.State == spotOpen {
				tx.AfterCommit(func() { s.fulfilLater(r.ID) })
				continue
			}
			s.putSpot(tx, r) // has it forgotten in time if it is over
		}
		for _, r := range s.capacity.All(tx) {
			if r.State == capacityActive && !r.End.IsZero() {
				s.at(tx, r.End, func() { s.expireCapacity(r.ID) })
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore the instances: %w", err)
	}
	return s.dropStrayDisks()
}

// at calls f at a time, once the transaction is done; at once if it has passed.
func (s *Service) at(tx *store.Tx, due time.Time, f func()) {
	left := max(0, due.Sub(tx.Now()))
	tx.AfterCommit(func() { s.Clock.AfterFunc(left, f) })
}

// revive settles what becomes of an instance whose machine, if it had one, is
// off.
func (s *Service) revive(tx *store.Tx, i Instance) error {
	switch i.State {
	case Terminated:
		s.at(tx, i.Ended.Add(visible), func() { s.forget(i.ID) })
		return nil
	case Stopped:
		return nil
	case Stopping:
		s.stopped(tx, i)
		return nil
	}
	_, err := os.Stat(s.dir(i.ID))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for the disk of %s: %w", i.ID, err)
	case i.State == ShuttingDown:
	case i.Boots == 0:
		i.Reason = reason("Server.InternalError", "Internal error on launch")
	case err != nil: // it ended in the last moment, which was not saved
		i.Reason = reason("Server.InternalError", "The disk of the instance is gone")
	default:
		i.State = Pending // until it is up; Launched stays, as after a reboot
		s.instances.Put(tx, i.ID, i)
		tx.AfterCommit(func() { s.powerOn(i) })
		if i.Interruption.Action != "" {
			left := max(0, i.Interruption.Time.Sub(tx.Now()))
			tx.AfterCommit(func() { s.awaitInterruption(i.ID, i.Interruption, left) })
		}
		return nil
	}
	tx.AfterCommit(func() { s.discard(i.ID) })
	s.end(tx, i)
	return nil
}

// dropStrayDisks deletes the folders of instances that are not known, or have
// ended.
func (s *Service) dropStrayDisks() error {
	list, err := os.ReadDir(filepath.Dir(s.dir("any")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for disks without an instance: %w", err)
	}
	known := map[string]bool{}
	err = s.Store.View(func(tx *store.Tx) error {
		for _, i := range s.instances.All(tx) {
			known[i.ID] = i.State != Terminated
		}
		return nil
	})
	for _, d := range list {
		if !known[d.Name()] {
			s.discard(d.Name())
		}
	}
	return err
}
