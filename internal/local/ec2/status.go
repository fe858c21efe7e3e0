package ec2

import (
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type describeStatusInput struct {
	call.Dry
	Paging
	IncludeAllInstances bool
	Filters             []filter `query:"Filter"`
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
	if err := s.requireList(c, "DescribeInstanceStatus"); err != nil {
		return nil, err
	}
	for _, f := range in.Filters {
		if !slices.Contains([]string{"availability-zone", "instance-state-name", "instance-state-code"}, f.Name) {
			return nil, errValue("The filter '%s' is invalid", f.Name)
		}
	}
	filters := in.Filters
	if !in.IncludeAllInstances {
		filters = append(slices.Clone(filters), filter{Name: "instance-state-name", Values: []string{string(Running)}})
	}
	found, next, err := s.selectInstances(tx, c, in.IDs, filters, in.Paging)
	if err != nil {
		return nil, err
	}
	out := &describeStatusOutput{NextToken: next}
	for _, i := range found {
		v := instanceStatusView{ID: i.ID, Zone: i.Zone, ZoneID: i.ZoneID, State: i.State.view()}
		v.System, v.Instance = reachability(i.State), reachability(i.State)
		out.Statuses = append(out.Statuses, v)
	}
	return out, nil
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
