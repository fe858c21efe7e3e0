package ec2

import (
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type instancesInput struct {
	call.Dry
	IDs []string `query:"InstanceId"`
}

type stopInput struct {
	call.Dry
	IDs       []string `query:"InstanceId"`
	Hibernate bool
}

// act does something with each of the named instances, or with none of them.
func (s *Service) act(tx *store.Tx, c *call.Caller, action string, ids []string, do func(Instance) (Instance, error)) (*stateChanges, error) {
	if len(ids) == 0 {
		return nil, errMissing("InstanceId")
	}
	out := &stateChanges{}
	for n, id := range ids {
		if slices.Contains(ids[:n], id) {
			continue
		}
		i, err := s.instances.find(tx, c.Region, id)
		if err != nil {
			return nil, err
		}
		if err := c.Require("ec2:"+action, s.arn(c.Region, "instance", id), s.instanceKeys(tx, i)); err != nil {
			return nil, err
		}
		after, err := do(i)
		if err != nil {
			return nil, err
		}
		out.Instances = append(out.Instances, stateChange{id, after.State.view(), i.State.view()})
	}
	return out, nil
}

// terminateInstances ends instances. Those that have ended already are no
// error, and one that is off ends at once. Where one is protected the request
// fails, and what it names in that one's zone stays; the others end all the same.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html
func (s *Service) terminateInstances(tx *store.Tx, c *call.Caller, in *instancesInput) (*stateChanges, error) {
	spared, refusal := s.protected(tx, in.IDs)
	out, err := s.act(tx, c, "TerminateInstances", in.IDs, func(i Instance) (Instance, error) {
		if i.ending() || spared[i.Zone] {
			return i, nil
		}
		if i.State == Stopped {
			i.Reason, i.Transition = userInitiated(tx.Now())
			tx.AfterCommit(func() { s.discard(i.ID) })
			return s.end(tx, i), nil
		}
		i.State = ShuttingDown // also of one that is stopping, which then does not stop at stopped
		i.Reason, i.Transition = userInitiated(tx.Now())
		s.instances.Put(tx, i.ID, i)
		tx.AfterCommit(func() { s.powerOff(i.ID) })
		return i, nil
	})
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, &call.PartialError{Err: refusal}
	}
	return out, nil
}

// protected says which zones have any of the instances that is protected from
// termination, and words the refusal; none is protected where that is nil.
func (s *Service) protected(tx *store.Tx, ids []string) (zones map[string]bool, refusal error) {
	zones = map[string]bool{}
	for _, id := range ids {
		i, found := s.instances.Get(tx, id)
		if !found || !i.Protected || i.ending() {
			continue
		}
		zones[i.Zone] = true
		if refusal == nil {
			refusal = wire.Errorf("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", id)
		}
	}
	return zones, refusal
}

// stopInstances stops instances, which keep their disk and private address.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html
func (s *Service) stopInstances(tx *store.Tx, c *call.Caller, in *stopInput) (*stateChanges, error) {
	return s.act(tx, c, "StopInstances", in.IDs, func(i Instance) (Instance, error) {
		switch i.State {
		case Stopped, Stopping:
			return i, nil
		case Running:
		default:
			return i, wire.Errorf("IncorrectInstanceState", "This instance '%s' is not in a state from which it can be stopped.", i.ID)
		}
		if err := s.canStop(tx, i); err != nil {
			return i, err
		}
		i.State = Stopping
		i.Reason, i.Transition = userInitiated(tx.Now())
		if in.Hibernate {
			if err := i.canHibernate(tx.Now()); err != nil {
				return i, err
			}
			i.Reason, i.Transition = userHibernated(tx.Now())
		}
		s.instances.Put(tx, i.ID, i)
		tx.AfterCommit(func() { s.powerOff(i.ID) })
		return i, nil
	})
}

// startInstances starts stopped instances, each with another public address.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html
func (s *Service) startInstances(tx *store.Tx, c *call.Caller, in *instancesInput) (*stateChanges, error) {
	return s.act(tx, c, "StartInstances", in.IDs, func(i Instance) (Instance, error) {
		switch i.State {
		case Pending, Running:
			return i, nil
		case Stopped:
		default:
			return i, wire.Errorf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", i.ID)
		}
		if !in.DryRun && s.Faults.NoCapacity(i.Zone, i.Type) {
			return i, s.errNoCapacity(i.Zone, i.Type)
		}
		if err := s.canStart(tx, i); err != nil {
			return i, err
		}
		if d := i.demand(); !in.DryRun && s.room(tx, d, 1) < 1 {
			return i, s.errQuota(d)
		}
		return s.start(tx, i)
	})
}

// start boots an instance that is stopped, in the capacity that it was launched
// for.
func (s *Service) start(tx *store.Tx, i Instance) (Instance, error) {
	if err := s.reserve(tx, &i); err != nil {
		return i, err
	}
	i.State, i.Reason, i.Transition = Pending, StateReason{}, ""
	i.Launched = tx.Now().Truncate(time.Second)
	if n, found := s.interfaces.Get(tx, i.Interface); found {
		if subnet, _ := s.subnets.Get(tx, i.Subnet); n.getsPublic(subnet) {
			n.PublicIP = s.leasePublic(tx, n.ID)
		}
		i.PublicIP = n.PublicIP
		s.interfaces.Put(tx, n.ID, n)
	}
	s.instances.Put(tx, i.ID, i)
	tx.AfterCommit(func() { s.powerOn(i) })
	s.spotStarted(tx, i)
	return i, nil
}

// stopped makes an instance that is off stopped. It gives its public address
// back and keeps all else.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html
func (s *Service) stopped(tx *store.Tx, i Instance) {
	s.releasePublic(tx, i.PublicIP)
	if n, found := s.interfaces.Get(tx, i.Interface); found {
		n.PublicIP = ""
		s.interfaces.Put(tx, n.ID, n)
	}
	i.State, i.PublicIP, i.Capacity = Stopped, "", ""
	i.Interruption, i.Rebalance, i.Scheduled = Interruption{}, time.Time{}, nil
	s.instances.Put(tx, i.ID, i)
	s.spotStopped(tx, i)
}
