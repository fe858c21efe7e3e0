package ec2

import (
	"context"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// rebootInstances restarts running instances, which stay running and keep all
// they have. One that has ended is ignored; for one that is in between or
// stopped the documentation names no answer, and it is refused.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RebootInstances.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-reboot.html
func (s *Service) rebootInstances(tx *store.Tx, c *call.Caller, in *instancesInput) (*done, error) {
	_, err := s.act(tx, c, "RebootInstances", in.IDs, func(i Instance) (Instance, error) {
		switch i.State {
		case Terminated, ShuttingDown:
		case Running:
			tx.AfterCommit(func() { s.reboot(i.ID) })
		default:
			return i, wire.Errorf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be rebooted.", i.ID)
		}
		return i, nil
	})
	if err != nil {
		return nil, err
	}
	return &done{true}, nil
}

// reboot asks an instance's machine to restart and does not wait for it, unless
// the machine has ended meanwhile.
func (s *Service) reboot(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[id]
	if m == nil || m.running == nil || s.closing {
		return
	}
	running := m.running
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		ctx, cancel := context.WithTimeout(context.Background(), powerOffTimeout)
		defer cancel()
		running.Reboot(ctx)
	}()
}
