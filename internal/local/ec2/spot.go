package ec2

import (
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// The states of a Spot request.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instances-request-status-lifecycle.html
const (
	spotOpen      = "open"      // waits for an instance
	spotActive    = "active"    // has one
	spotDisabled  = "disabled"  // has one that its user stopped
	spotClosed    = "closed"    // is over
	spotCancelled = "cancelled" // is over, because somebody said so; its instance may run on
	spotFailed    = "failed"    // cannot be fulfilled any more
)

// Times of a Spot request.
const (
	respawn       = time.Minute   // from an instance's end to its replacement; this cloud's own
	spotRemembers = 4 * time.Hour // how long a request that is over is described, as DescribeSpotInstanceRequests documents
)

// SpotRequest is a Spot request. Each Spot instance has its own.
type SpotRequest struct {
	ID, Region string
	Terms      spotTerms
	State      string
	Status     SpotStatus
	Created    time.Time
	Instance   string // empty: none now
	Launch     runInput
	Tags       map[string]map[string]string // of the launch, by kind of resource
	Zone       string                       // of the last launch
	ZoneID     string
	Groups     []string
	Subnet     string
}

func (r SpotRequest) origin() origin { return origin{"sir", r.ID, r.Region, r.Created} }

// SpotStatus says how a request is doing; the codes are those of
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/understand-spot-instance-request-status.html
type SpotStatus struct {
	Code    string
	Message string
	Time    time.Time
}

func (r *SpotRequest) is(state, code, message string, now time.Time) {
	r.State, r.Status = state, SpotStatus{code, message, now.Truncate(time.Second)}
}

func (r *SpotRequest) fulfilled(now time.Time) {
	r.is(spotActive, "fulfilled", "Your Spot request is fulfilled.", now)
}

func (r SpotRequest) expired(now time.Time) bool {
	return !r.Terms.ValidUntil.IsZero() && !now.Before(r.Terms.ValidUntil)
}

// requestSpot makes the request of an instance that is about to launch. It
// keeps the launch, with the image found, for replacements.
func (s *Service) requestSpot(tx *store.Tx, c *call.Caller, in *runInput, p launchPlan, i *Instance) {
	once := 1
	launch := *in
	launch.DryRun, launch.ClientToken, launch.ImageID, launch.MinCount, launch.MaxCount = false, "", p.image.ID, &once, &once
	r := SpotRequest{
		ID: s.newSpotID(tx), Region: c.Region, Terms: p.spot, Created: i.Launched, Launch: launch, Tags: p.tags,
		Instance: i.ID, Zone: i.Zone, ZoneID: i.ZoneID, Groups: i.Groups, Subnet: i.Subnet,
	}
	r.fulfilled(tx.Now())
	s.spot.Put(tx, r.ID, r)
	s.tag(tx, r.ID, p.tags["spot-instances-request"])
	i.SpotRequest = r.ID
}

// newSpotID makes an id in the form that Spot requests have: eight letters and
// digits, more letters than hexadecimal has.
func (s *Service) newSpotID(tx *store.Tx) string {
	for {
		id := "sir-" + strings.ToLower(call.NewUnique("")[:8])
		if _, taken := s.spot.Get(tx, id); !taken {
			return id
		}
	}
}

// spotEnded does with the request what the end of its instance means for it: a
// persistent one that was not cancelled opens again, and gets another instance.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-spot-instance.html
func (s *Service) spotEnded(tx *store.Tx, i Instance) {
	r, found := s.spot.Get(tx, i.SpotRequest)
	if !found || r.Instance != i.ID {
		return
	}
	code, message := endStatus(i.Reason)
	switch {
	case r.State == spotCancelled:
		r.is(spotCancelled, code, message, tx.Now())
	case r.Terms.Persistent && !r.expired(tx.Now()):
		r.Instance = ""
		r.is(spotOpen, code, message, tx.Now())
		tx.AfterCommit(func() { s.fulfilLater(r.ID) })
	default:
		r.is(spotClosed, code, message, tx.Now())
	}
	s.putSpot(tx, r)
}

// putSpot stores a request and, if it is over, has it forgotten in time.
func (s *Service) putSpot(tx *store.Tx, r SpotRequest) {
	s.spot.Put(tx, r.ID, r)
	i, found := s.instances.Get(tx, r.Instance)
	over := r.State == spotClosed || r.State == spotFailed || r.State == spotCancelled && (!found || i.State == Terminated)
	if over {
		tx.AfterCommit(func() { s.Clock.AfterFunc(spotRemembers, func() { s.forgetSpot(r.ID) }) })
	}
}

func (s *Service) forgetSpot(id string) {
	err := s.Store.Update(func(tx *store.Tx) error {
		s.spot.Delete(tx, id)
		s.tags.Delete(tx, id)
		return nil
	})
	if err != nil {
		s.Log.Error("forget a Spot request", "request", id, "error", err)
	}
}

func endStatus(r StateReason) (code, message string) {
	switch r.Code {
	case "Server.SpotInstanceTermination":
		return "instance-terminated-no-capacity", "Your Spot Instance was terminated because there is no Spot capacity available."
	case "Client.UserInitiatedShutdown", "Client.InstanceInitiatedShutdown", "Client.UserInitiatedHibernate":
		return "instance-terminated-by-user", "Your Spot Instance was terminated by you."
	}
	return "system-error", "There was an unexpected system error."
}

// spotStopped notes that an instance is off. EC2 starts one again that it
// stopped itself; nobody else can.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/stop-spot-instances.html
func (s *Service) spotStopped(tx *store.Tx, i Instance) {
	r, found := s.spot.Get(tx, i.SpotRequest)
	if !found {
		return
	}
	if i.Reason.Code == "Server.SpotInstanceShutdown" {
		r.is(spotOpen, "instance-stopped-no-capacity", "Your Spot Instance was stopped because there is no Spot capacity available.", tx.Now())
		tx.AfterCommit(func() { s.fulfilLater(r.ID) })
	} else {
		r.is(spotDisabled, "instance-stopped-by-user", "Your Spot Instance was stopped by you.", tx.Now())
	}
	s.spot.Put(tx, r.ID, r)
}

// canStop refuses to stop a Spot instance that has no persistent request.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html
func (s *Service) canStop(tx *store.Tx, i Instance) error {
	if i.SpotRequest == "" {
		return nil
	}
	r, found := s.spot.Get(tx, i.SpotRequest)
	switch {
	case !found || !r.Terms.Persistent:
		return wire.Errorf("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a one-time Spot Instance request. "+
			"You can only stop Spot Instances associated with persistent Spot Instance requests.", i.ID)
	case r.State == spotCancelled:
		return wire.Errorf("UnsupportedOperation", "You can't stop the Spot Instance '%s' because its Spot Instance request has been cancelled.", i.ID)
	}
	return nil
}

// canStart refuses to start a Spot instance that EC2 stopped.
func (s *Service) canStart(tx *store.Tx, i Instance) error {
	if r, found := s.spot.Get(tx, i.SpotRequest); found && r.State != spotDisabled {
		return wire.Errorf("IncorrectSpotRequestState", "You can't start the Spot Instance '%s' because the associated Spot Instance request is not in an appropriate state to support start.", i.ID)
	}
	return nil
}

// spotStarted notes that the instance is on again.
func (s *Service) spotStarted(tx *store.Tx, i Instance) {
	if r, found := s.spot.Get(tx, i.SpotRequest); found {
		r.fulfilled(tx.Now())
		s.spot.Put(tx, r.ID, r)
	}
}

// stopsItself tells whether an instance that shuts itself down stops: one that
// cannot be stopped ends instead.
func (s *Service) stopsItself(tx *store.Tx, i Instance) bool {
	return i.OnShutdown != "terminate" && s.canStop(tx, i) == nil
}

// lifecycle is spot or, for an instance on demand, empty.
func (i Instance) lifecycle() string {
	if i.SpotRequest != "" {
		return "spot"
	}
	return ""
}

// spotPriceOf is the request's maximum price: what it names, or the on-demand
// price; zero where that is unknown.
func (r SpotRequest) spotPriceOf() int64 {
	if r.Terms.MaxPrice > 0 {
		return r.Terms.MaxPrice
	}
	o, _ := catalog.Offered(r.Region, r.Launch.InstanceType)
	return o.OnDemand.MicroUSD
}
