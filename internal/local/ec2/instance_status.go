package ec2

import (
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeStatusInput struct {
	Listing
	IncludeAllInstances bool
	IDs                 []string `query:"InstanceId"`
}

type statusDetail struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
}

type statusSummary struct {
	Status  string                   `xml:"status"`
	Details wire.Items[statusDetail] `xml:"details"`
}

type instanceStatusView struct {
	ID       string             `xml:"instanceId"`
	Zone     string             `xml:"availabilityZone"`
	ZoneID   string             `xml:"availabilityZoneId"`
	Events   wire.Items[string] `xml:"eventsSet"`
	State    stateView          `xml:"instanceState"`
	System   statusSummary      `xml:"systemStatus"`
	Instance statusSummary      `xml:"instanceStatus"`
}

type describeStatusOutput struct {
	Statuses  wire.Items[instanceStatusView] `xml:"instanceStatusSet"`
	NextToken string                         `xml:"nextToken,omitempty"`
}

// describeInstanceStatus tells of running instances or, when asked to, of all.
// Its filters are fewer than those of DescribeInstances, and have no tags.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
func (s *Service) describeInstanceStatus(tx *store.Tx, c *call.Caller, in *describeStatusInput) (*describeStatusOutput, error) {
	l := listingOf(s, tx, c, s.instances, Instance.statusAttribute, limits{5, 1000})
	l.tags = nil
	l.keep = func(i Instance) bool { return in.IncludeAllInstances || i.State == Running }
	found, next, err := l.list(in.Listing, in.IDs)
	if err != nil {
		return nil, err
	}
	return &describeStatusOutput{show(found, Instance.status), next}, nil
}

func (i Instance) statusAttribute(name string) ([]string, bool) {
	switch name {
	case "availability-zone", "instance-state-name", "instance-state-code":
		return i.attribute(name)
	}
	return nil, false
}

func (i Instance) status() instanceStatusView {
	return instanceStatusView{
		ID: i.ID, Zone: i.Zone, ZoneID: i.ZoneID, State: i.State.view(), System: reachability(i.State), Instance: reachability(i.State),
	}
}

// reachability is the result of both checks: this cloud's instances are
// reachable as soon as they run.
func reachability(s State) statusSummary {
	switch s {
	case Running:
		return statusSummary{"ok", wire.Items[statusDetail]{{"reachability", "passed"}}}
	case Pending:
		return statusSummary{"initializing", wire.Items[statusDetail]{{"reachability", "initializing"}}}
	}
	return statusSummary{Status: "not-applicable"}
}
