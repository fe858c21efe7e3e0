package ec2

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeSpotInput struct {
	call.Dry
	Paging
	Filters []filter `query:"Filter"`
	IDs     []string `query:"SpotInstanceRequestId"`
}

type spotStatusView struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
	Updated string `xml:"updateTime"`
}

type spotLaunchView struct {
	Image   string                      `xml:"imageId"`
	KeyName string                      `xml:"keyName,omitempty"`
	Groups  wire.Items[groupIdentifier] `xml:"groupSet"`
	Type    string                      `xml:"instanceType"`
	Zone    string                      `xml:"placement>availabilityZone"`
	Subnet  string                      `xml:"subnetId"`
	Monitor bool                        `xml:"monitoring>enabled"`
}

// spotRequestView is a request as it travels.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotInstanceRequest.html
type spotRequestView struct {
	ID         string          `xml:"spotInstanceRequestId"`
	Price      string          `xml:"spotPrice,omitempty"`
	Type       string          `xml:"type"`
	State      string          `xml:"state"`
	Status     spotStatusView  `xml:"status"`
	ValidUntil string          `xml:"validUntil,omitempty"`
	Launch     spotLaunchView  `xml:"launchSpecification"`
	Instance   string          `xml:"instanceId,omitempty"`
	Created    string          `xml:"createTime"`
	Product    string          `xml:"productDescription"`
	Zone       string          `xml:"launchedAvailabilityZone,omitempty"`
	ZoneID     string          `xml:"launchedAvailabilityZoneId,omitempty"`
	Behavior   string          `xml:"instanceInterruptionBehavior"`
	Tags       wire.Items[Tag] `xml:"tagSet"`
}

type describeSpotOutput struct {
	Requests  wire.Items[spotRequestView] `xml:"spotInstanceRequestSet"`
	NextToken string                      `xml:"nextToken,omitempty"`
}

func (s *Service) viewSpot(tx *store.Tx, r SpotRequest) spotRequestView {
	v := spotRequestView{
		ID: r.ID, Type: "one-time", State: r.State, Status: spotStatusView{r.Status.Code, r.Status.Message, wire.Time(r.Status.Time)},
		Instance: r.Instance, Created: wire.Time(r.Created), Product: spotProduct, Behavior: r.Terms.Behavior, Tags: s.tagList(tx, r.ID),
		Launch: spotLaunchView{
			Image: r.Launch.ImageID, KeyName: r.Launch.KeyName, Groups: s.identifyGroups(tx, r.Groups), Type: r.Launch.InstanceType,
			Zone: r.Zone, Subnet: r.Subnet, Monitor: r.Launch.Monitoring.Enabled,
		},
	}
	if price := r.spotPriceOf(); price > 0 {
		v.Price = dollars(price)
	}
	if r.Terms.Persistent {
		v.Type = "persistent"
	}
	if !r.Terms.ValidUntil.IsZero() {
		v.ValidUntil = wire.Time(r.Terms.ValidUntil)
	}
	if r.Instance != "" {
		v.Zone, v.ZoneID = r.Zone, r.ZoneID
	}
	return v
}

func (v spotRequestView) attributes(name string) ([]string, bool) {
	switch name {
	case "spot-instance-request-id":
		return one(v.ID)
	case "instance-id":
		return one(v.Instance)
	case "state":
		return one(v.State)
	case "status-code":
		return one(v.Status.Code)
	case "type":
		return one(v.Type)
	case "spot-price":
		return one(v.Price)
	case "product-description":
		return one(v.Product)
	case "launch.image-id":
		return one(v.Launch.Image)
	case "launch.instance-type":
		return one(v.Launch.Type)
	case "launch.key-name":
		return one(v.Launch.KeyName)
	case "launched-availability-zone":
		return one(v.Zone)
	case "create-time":
		return one(v.Created)
	case "valid-until":
		return one(v.ValidUntil)
	}
	return nil, false
}

func (s *Service) spotRequest(tx *store.Tx, region, id string) (SpotRequest, error) {
	r, found := s.spot.Get(tx, id)
	if !found || r.Region != region {
		return r, errNoResource("sir", id)
	}
	return r, nil
}

// describeSpotInstanceRequests tells of requests until four hours after their
// end.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotInstanceRequests.html
func (s *Service) describeSpotInstanceRequests(tx *store.Tx, c *call.Caller, in *describeSpotInput) (*describeSpotOutput, error) {
	if err := s.requireList(c, "DescribeSpotInstanceRequests"); err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, spotRequestView{}.attributes); err != nil {
		return nil, err
	}
	for _, id := range in.IDs {
		if _, err := s.spotRequest(tx, c.Region, id); err != nil {
			return nil, err
		}
	}
	found, next, err := page(in.Paging, limits{5, 1000}, len(in.IDs) > 0, s.spot.All(tx), func(r SpotRequest) bool {
		tags, _ := s.tags.Get(tx, r.ID)
		named := len(in.IDs) == 0 || slices.Contains(in.IDs, r.ID)
		return r.Region == c.Region && named && passes(in.Filters, tags, s.viewSpot(tx, r).attributes)
	})
	if err != nil {
		return nil, err
	}
	out := &describeSpotOutput{NextToken: next}
	for _, r := range found {
		out.Requests = append(out.Requests, s.viewSpot(tx, r))
	}
	return out, nil
}

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
		r, err := s.spotRequest(tx, c.Region, id)
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
