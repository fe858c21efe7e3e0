package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeSpotInput struct {
	Listing
	IDs []string `query:"SpotInstanceRequestId"`
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

func (v spotRequestView) attribute(name string) ([]string, bool) {
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

// describeSpotInstanceRequests tells of requests until four hours after their
// end.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotInstanceRequests.html
func (s *Service) describeSpotInstanceRequests(tx *store.Tx, c *call.Caller, in *describeSpotInput) (*describeSpotOutput, error) {
	view := func(r SpotRequest) spotRequestView { return s.viewSpot(tx, r) }
	attribute := func(r SpotRequest, name string) ([]string, bool) { return view(r).attribute(name) }
	found, next, err := listingOf(s, tx, c, s.spot, attribute, limits{5, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeSpotOutput{show(found, view), next}, nil
}
