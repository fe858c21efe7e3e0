package ec2

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Interruption is the end of an instance that EC2 has announced to it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
type Interruption struct {
	Action string // terminate, stop or hibernate
	Time   time.Time
}

// Maintenance is what EC2 has scheduled for an instance.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
type Maintenance struct {
	ID        string
	Code      string // one of fault.Codes
	NotBefore time.Time
}

// Inflict lets something happen to an instance that is on. What is announced is
// in its metadata when it returns; a notice and a recommendation are for Spot
// Instances.
func (s *Service) Inflict(e fault.Event) error {
	if err := e.Check(); err != nil {
		return err
	}
	return s.Store.Update(func(tx *store.Tx) error {
		i, found := s.instances.Get(tx, e.Instance)
		switch {
		case !found:
			return errNoResource("i", e.Instance)
		case i.State != Running && i.State != Pending:
			return fmt.Errorf("%s is %s: nothing can happen to a machine that is off", i.ID, i.State)
		case (e.Kind == fault.SpotNotice || e.Kind == fault.Rebalance) && i.SpotRequest == "":
			return fmt.Errorf("%s is no Spot Instance: EC2 does not interrupt it", i.ID)
		}
		switch e.Kind {
		case fault.SpotNotice:
			left := e.In
			i.Interruption = Interruption{s.interruption(tx, i), time.Time{}}
			if i.Interruption.Action == "hibernate" {
				left = 0 // hibernation begins at once
			}
			i.Interruption.Time = tx.Now().Add(left).Truncate(time.Second) // as the metadata has it
			tx.AfterCommit(func() { s.awaitInterruption(i.ID, i.Interruption, left) })
		case fault.Rebalance:
			i.Rebalance = tx.Now().Truncate(time.Second)
		case fault.Scheduled:
			i.Scheduled = append(slices.Clone(i.Scheduled), Maintenance{call.NewID("instance-event"), e.Action, tx.Now().Add(e.In).Truncate(time.Second)})
		case fault.HostDeath:
			i.State, i.Reason = dying(e.Action, reason("Server.InternalError", "The host of the instance failed"), reason("Server.ScheduledStop", "The host of the instance failed"))
			tx.AfterCommit(func() { s.cutPower(i.ID) })
		}
		s.instances.Put(tx, i.ID, i)
		return nil
	})
}

// interruption is what the instance's Spot request wants done when EC2
// interrupts it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interruption-behavior.html
func (s *Service) interruption(tx *store.Tx, i Instance) string {
	if r, found := s.spot.Get(tx, i.SpotRequest); found && r.Terms.Behavior != "" {
		return r.Terms.Behavior
	}
	return fault.Terminate
}

// dying is how an instance is while EC2 terminates it, or stops it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
func dying(action string, terminated, stopped StateReason) (State, StateReason) {
	if action != fault.Terminate {
		return Stopping, stopped
	}
	return ShuttingDown, terminated
}

// awaitInterruption interrupts an instance when it is time, unless it was
// given another notice or has ended by then.
func (s *Service) awaitInterruption(id string, announced Interruption, left time.Duration) {
	s.Clock.AfterFunc(left, func() {
		s.settle(id, func(tx *store.Tx, i Instance) {
			if i.Interruption != announced || (i.State != Running && i.State != Pending) {
				return
			}
			const why = "Spot Instance interrupted by EC2"
			i.State, i.Reason = dying(announced.Action, reason("Server.SpotInstanceTermination", why), reason("Server.SpotInstanceShutdown", why))
			i.Interruption, i.Rebalance = Interruption{}, time.Time{}
			s.instances.Put(tx, id, i)
			tx.AfterCommit(func() { s.powerOff(id) })
		})
	})
}

// cutPower ends a machine without a word to its operating system.
func (s *Service) cutPower(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[id]; m != nil {
		m.cut = true
		m.cancel()
	}
}

// errNoCapacity is the answer to a launch or start for which a fault leaves no
// room. It is a server's error, with the status of one.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (s *Service) errNoCapacity(zone, instanceType string) *wire.Error {
	s.Faults.Refused(zone, instanceType)
	return wire.Statusf(http.StatusInternalServerError, "InsufficientInstanceCapacity",
		"We currently do not have sufficient %s capacity in the Availability Zone you requested (%s).", instanceType, zone)
}
