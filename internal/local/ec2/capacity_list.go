package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeCapacityInput struct {
	Listing
	IDs []string `query:"CapacityReservationId"`
}

// capacityView is a reservation as it travels.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html
type capacityView struct {
	ID           string          `xml:"capacityReservationId"`
	Owner        string          `xml:"ownerId"`
	ARN          string          `xml:"capacityReservationArn"`
	ZoneID       string          `xml:"availabilityZoneId"`
	Type         string          `xml:"instanceType"`
	Platform     string          `xml:"instancePlatform"`
	Zone         string          `xml:"availabilityZone"`
	Tenancy      string          `xml:"tenancy"`
	Total        int             `xml:"totalInstanceCount"`
	Available    int             `xml:"availableInstanceCount"`
	EBSOptimized bool            `xml:"ebsOptimized"`
	Ephemeral    bool            `xml:"ephemeralStorage"`
	State        string          `xml:"state"`
	Start        string          `xml:"startDate"`
	End          string          `xml:"endDate,omitempty"`
	EndType      string          `xml:"endDateType"`
	Match        string          `xml:"instanceMatchCriteria"`
	Created      string          `xml:"createDate"`
	Tags         wire.Items[Tag] `xml:"tagSet"`
	Kind         string          `xml:"reservationType"`
}

type describeCapacityOutput struct {
	Reservations wire.Items[capacityView] `xml:"capacityReservationSet"`
	NextToken    string                   `xml:"nextToken,omitempty"`
}

func (s *Service) viewCapacity(tx *store.Tx, r CapacityReservation) capacityView {
	v := capacityView{
		ID: r.ID, Owner: s.Account, ARN: s.arn(r.Region, "capacity-reservation", r.ID), ZoneID: r.ZoneID, Type: r.Type, Platform: r.Platform,
		Zone: r.Zone, Tenancy: "default", Total: r.Count, Available: s.left(tx, r), EBSOptimized: r.EBSOptimized, State: r.State,
		Start: wire.Time(r.Created), EndType: "unlimited", Match: r.Match, Created: wire.Time(r.Created), Tags: s.tagList(tx, r.ID), Kind: "default",
	}
	if !r.End.IsZero() {
		v.End, v.EndType = wire.Time(r.End), "limited"
	}
	if r.State != capacityActive {
		v.Total, v.Available = 0, 0
	}
	return v
}

func (v capacityView) attribute(name string) ([]string, bool) {
	switch name {
	case "instance-type":
		return one(v.Type)
	case "owner-id":
		return one(v.Owner)
	case "instance-platform":
		return one(v.Platform)
	case "availability-zone":
		return one(v.Zone)
	case "tenancy":
		return one(v.Tenancy)
	case "state":
		return one(v.State)
	case "start-date":
		return one(v.Start)
	case "end-date":
		return one(v.End)
	case "end-date-type":
		return one(v.EndType)
	case "instance-match-criteria":
		return one(v.Match)
	}
	return nil, false
}

// describeCapacityReservations tells of all reservations, also of those that
// are over.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeCapacityReservations.html
func (s *Service) describeCapacityReservations(tx *store.Tx, c *call.Caller, in *describeCapacityInput) (*describeCapacityOutput, error) {
	view := func(r CapacityReservation) capacityView { return s.viewCapacity(tx, r) }
	attribute := func(r CapacityReservation, name string) ([]string, bool) { return view(r).attribute(name) }
	found, next, err := listingOf(s, tx, c, s.capacity, attribute, limits{1, 1000}).list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeCapacityOutput{show(found, view), next}, nil
}
