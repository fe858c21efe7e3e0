package scheduler

import (
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

type scheduleView struct {
	Arn                        string
	Name                       string
	GroupName                  string
	Description                string `json:",omitempty"`
	ScheduleExpression         string
	ScheduleExpressionTimezone string
	StartDate                  *wire.Epoch `json:",omitempty"`
	EndDate                    *wire.Epoch `json:",omitempty"`
	State                      string
	ActionAfterCompletion      string
	FlexibleTimeWindow         flexibleWindow
	Target                     Target
	CreationDate               *wire.Epoch
	LastModificationDate       *wire.Epoch
}

type summaryView struct {
	Arn                  string
	Name                 string
	GroupName            string
	CreationDate         *wire.Epoch
	LastModificationDate *wire.Epoch
	State                string
	Target               struct{ Arn string }
}

type scheduleNameInput struct {
	Name      string `path:"Name"`
	GroupName string `query:"groupName"`
}

// schedule finds the schedule that a request names, for who may do action to it.
func (s *Service) schedule(tx *store.Tx, c *call.Caller, action, group, name string) (Schedule, error) {
	if group == "" {
		group = defaultGroup
	}
	if err := checkName("name", name); err != nil {
		return Schedule{}, err
	}
	if err := checkName("groupName", group); err != nil {
		return Schedule{}, err
	}
	arn := s.scheduleARN(c.Region, group, name)
	if err := c.Require(action, arn, nil); err != nil {
		return Schedule{}, err
	}
	x, found := s.schedules.Get(tx, arn)
	if !found {
		return Schedule{}, errNoSchedule(name)
	}
	return x, nil
}

// getSchedule describes a schedule.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html
func (s *Service) getSchedule(tx *store.Tx, c *call.Caller, in *scheduleNameInput) (*scheduleView, error) {
	x, err := s.schedule(tx, c, "scheduler:GetSchedule", in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	set := x.Settings
	return &scheduleView{
		Arn: x.ARN, Name: x.Name, GroupName: x.Group, Description: set.Description,
		ScheduleExpression: set.Expression, ScheduleExpressionTimezone: set.Timezone,
		StartDate: epoch(set.Start), EndDate: epoch(set.End), State: set.State, ActionAfterCompletion: set.After,
		FlexibleTimeWindow: flexibleWindow{Mode: "OFF"}, Target: set.Target,
		CreationDate: epoch(&x.Created), LastModificationDate: epoch(&x.Modified),
	}, nil
}

type deleteScheduleInput struct {
	Name        string `path:"Name"`
	GroupName   string `query:"groupName"`
	ClientToken string `query:"clientToken"`
}

// deleteSchedule deletes a schedule. A call to its target that is being tried
// again goes on.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteSchedule.html
func (s *Service) deleteSchedule(tx *store.Tx, c *call.Caller, in *deleteScheduleInput) (*nothing, error) {
	if again, err := s.replayed(tx, c, "DeleteSchedule", in.ClientToken, in); err != nil || again {
		return nil, err
	}
	x, err := s.schedule(tx, c, "scheduler:DeleteSchedule", in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	s.schedules.Delete(tx, x.ARN)
	return nil, nil
}

type listSchedulesInput struct {
	Group      string `query:"ScheduleGroup"`
	NamePrefix string `query:"NamePrefix"`
	State      string `query:"State"`
	MaxResults *int   `query:"MaxResults"`
	NextToken  string `query:"NextToken"`
}

type listSchedulesOutput struct {
	Schedules []summaryView
	NextToken string `json:",omitempty"`
}

// listSchedules lists the schedules of a group or, without one, of the region.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html
func (s *Service) listSchedules(tx *store.Tx, c *call.Caller, in *listSchedulesInput) (*listSchedulesOutput, error) {
	group := in.Group
	if group == "" {
		group = "*"
	}
	if err := c.Require("scheduler:ListSchedules", s.scheduleARN(c.Region, group, "*"), nil); err != nil {
		return nil, err
	}
	size, err := checkPage(in.MaxResults)
	if err != nil {
		return nil, err
	}
	if _, found := s.group(tx, c.Region, in.Group); !found && in.Group != "" {
		return nil, errNoGroup(in.Group)
	}
	var all []Schedule
	for _, x := range s.schedules.All(tx) {
		if x.Region == c.Region && (in.Group == "" || x.Group == in.Group) &&
			strings.HasPrefix(x.Name, in.NamePrefix) && (in.State == "" || x.Settings.State == in.State) {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b Schedule) int { return strings.Compare(a.ARN, b.ARN) })
	scope := strings.Join([]string{"schedules", c.Region, in.Group, in.NamePrefix, in.State}, " ")
	part, next, ok := call.Page(all, func(x Schedule) string { return x.ARN }, scope, in.NextToken, size)
	if !ok {
		return nil, errValidation("Invalid NextToken.")
	}
	out := &listSchedulesOutput{Schedules: []summaryView{}, NextToken: next}
	for _, x := range part {
		v := summaryView{
			Arn: x.ARN, Name: x.Name, GroupName: x.Group, State: x.Settings.State,
			CreationDate: epoch(&x.Created), LastModificationDate: epoch(&x.Modified),
		}
		v.Target.Arn = x.Settings.Target.Arn
		out.Schedules = append(out.Schedules, v)
	}
	return out, nil
}
