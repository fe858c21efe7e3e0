package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type cancelSpotInput struct {
	call.Dry
	IDs []string `query:"SpotInstanceRequestId"`
}

type cancelledSpot struct {
	ID    string `xml:"spotInstanceRequestId"`
	State string `xml:"state"`
}

type cancelSpotOutput struct {
	Requests wire.Items[cancelledSpot] `xml:"spotInstanceRequestSet"`
}

// cancelSpotInstanceRequests cancels requests. Only the permission on them is
// asked for, also where it ends an instance: a running one runs on, a stopped
// one is terminated.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-cancel.html
func (s *Service) cancelSpotInstanceRequests(tx *store.Tx, c *call.Caller, in *cancelSpotInput) (*cancelSpotOutput, error) {
	if len(in.IDs) == 0 {
		return nil, errMissing("SpotInstanceRequestId")
	}
	out := &cancelSpotOutput{}
	for _, id := range in.IDs {
		r, err := s.spot.find(tx, c.Region, id)
		if err != nil {
			return nil, err
		}
		if err := c.Require("ec2:CancelSpotInstanceRequests", s.arn(c.Region, "spot-instances-request", id), s.resourceKeys(tx, c.Region, id)); err != nil {
			return nil, err
		}
		out.Requests = append(out.Requests, cancelledSpot{id, s.cancelSpot(tx, r)})
	}
	return out, nil
}

// cancelSpot cancels a request, unless it is over, and returns its state.
func (s *Service) cancelSpot(tx *store.Tx, r SpotRequest) string {
	if r.State == spotCancelled || r.State == spotClosed || r.State == spotFailed {
		return r.State
	}
	now := tx.Now()
	if r.Instance == "" {
		r.is(spotCancelled, "canceled-before-fulfillment", "Your Spot request was canceled before it was fulfilled.", now)
		s.putSpot(tx, r)
		return r.State
	}
	r.is(spotCancelled, "request-canceled-and-instance-running", "Your Spot request was canceled while its instance was running.", now)
	s.putSpot(tx, r)
	i, _ := s.instances.Get(tx, r.Instance)
	switch i.State {
	case Stopped:
		i.Reason, i.Transition = userInitiated(now)
		tx.AfterCommit(func() { s.discard(i.ID) })
		s.end(tx, i)
	case Stopping:
		i.State = ShuttingDown
		i.Reason, i.Transition = userInitiated(now)
		s.instances.Put(tx, i.ID, i)
	}
	return r.State
}
