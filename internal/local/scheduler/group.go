package scheduler

import (
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// deletion is how long a group that holds schedules takes to go. AWS only says
// that it takes until all of them are deleted.
const deletion = time.Minute

// Group is a schedule group; its key in the table is its ARN. The default group
// of a region has no row.
type Group struct {
	Region   string
	Name     string
	Created  time.Time
	Modified time.Time
	Tags     map[string]string
	Gone     time.Time // when it will have been deleted; zero: it stays
}

type groupView struct {
	Arn                  string
	Name                 string
	State                string
	CreationDate         *wire.Epoch `json:",omitempty"`
	LastModificationDate *wire.Epoch `json:",omitempty"`
}

func (s *Service) viewGroup(g Group) groupView {
	v := groupView{Arn: s.groupARN(g.Region, g.Name), Name: g.Name, State: "ACTIVE"}
	if !g.Gone.IsZero() {
		v.State = "DELETING"
	}
	if !g.Created.IsZero() {
		v.CreationDate, v.LastModificationDate = epoch(&g.Created), epoch(&g.Modified)
	}
	return v
}

// group finds a group; the default one always is.
func (s *Service) group(tx *store.Tx, region, name string) (Group, bool) {
	if name == defaultGroup {
		return Group{Region: region, Name: name}, true
	}
	return s.groups.Get(tx, s.groupARN(region, name))
}

type createGroupInput struct {
	Name        string `path:"Name"`
	ClientToken string
	Tags        []tag
}

type createGroupOutput struct {
	ScheduleGroupArn string
}

// createGroup makes a group.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html
func (s *Service) createGroup(tx *store.Tx, c *call.Caller, in *createGroupInput) (*createGroupOutput, error) {
	if err := checkName("name", in.Name); err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	arn := s.groupARN(c.Region, in.Name)
	if err := c.Require("scheduler:CreateScheduleGroup", arn, tagKeys(tags)); err != nil {
		return nil, err
	}
	if len(tags) > 0 {
		if err := c.Require("scheduler:TagResource", arn, tagKeys(tags)); err != nil {
			return nil, err
		}
	}
	if again, err := s.replayed(tx, c, "CreateScheduleGroup", in.ClientToken, in); err != nil || again {
		return &createGroupOutput{arn}, err
	}
	if _, exists := s.group(tx, c.Region, in.Name); exists {
		return nil, errConflict("Schedule group %s already exists.", in.Name)
	}
	s.groups.Put(tx, arn, Group{Region: c.Region, Name: in.Name, Created: tx.Now(), Modified: tx.Now(), Tags: tags})
	return &createGroupOutput{arn}, nil
}

type groupInput struct {
	Name string `path:"Name"`
}

// getGroup describes a group.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetScheduleGroup.html
func (s *Service) getGroup(tx *store.Tx, c *call.Caller, in *groupInput) (*groupView, error) {
	g, err := s.theGroup(tx, c, "scheduler:GetScheduleGroup", in.Name)
	if err != nil {
		return nil, err
	}
	v := s.viewGroup(g)
	return &v, nil
}

// theGroup finds the group that a request names, for who may do action to it.
func (s *Service) theGroup(tx *store.Tx, c *call.Caller, action, name string) (Group, error) {
	if err := checkName("name", name); err != nil {
		return Group{}, err
	}
	g, found := s.group(tx, c.Region, name)
	if err := c.Require(action, s.groupARN(c.Region, name), resourceKeys(g.Tags)); err != nil {
		return Group{}, err
	}
	if !found {
		return Group{}, errNoGroup(name)
	}
	return g, nil
}

type deleteGroupInput struct {
	Name        string `path:"Name"`
	ClientToken string `query:"clientToken"`
}

// deleteGroup deletes a group and what is in it, for which the caller needs the
// permission to delete schedules, too. While schedules are in it the group shows
// as DELETING, and they may still fire.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
func (s *Service) deleteGroup(tx *store.Tx, c *call.Caller, in *deleteGroupInput) (*nothing, error) {
	if err := c.Require("scheduler:DeleteSchedule", s.scheduleARN(c.Region, in.Name, "*"), nil); err != nil {
		return nil, err
	}
	if again, err := s.replayed(tx, c, "DeleteScheduleGroup", in.ClientToken, in); err != nil || again {
		return nil, err
	}
	g, err := s.theGroup(tx, c, "scheduler:DeleteScheduleGroup", in.Name)
	switch {
	case err != nil:
		return nil, err
	case g.Name == defaultGroup:
		return nil, errValidation("The default schedule group cannot be deleted.")
	case !g.Gone.IsZero():
		return nil, errConflict("Schedule group %s is being deleted.", g.Name)
	}
	arn := s.groupARN(g.Region, g.Name)
	if len(s.in(tx, g.Region, g.Name)) == 0 {
		s.groups.Delete(tx, arn)
		return nil, nil
	}
	g.Modified, g.Gone = tx.Now(), tx.Now().Add(deletion)
	s.groups.Put(tx, arn, g)
	tx.AfterCommit(s.Resume)
	return nil, nil
}

// in are the schedules of a group.
func (s *Service) in(tx *store.Tx, region, group string) []Schedule {
	var found []Schedule
	for _, x := range s.schedules.All(tx) {
		if x.Region == region && x.Group == group {
			found = append(found, x)
		}
	}
	return found
}

type listGroupsInput struct {
	NamePrefix string `query:"NamePrefix"`
	MaxResults *int   `query:"MaxResults"`
	NextToken  string `query:"NextToken"`
}

type listGroupsOutput struct {
	ScheduleGroups []groupView
	NextToken      string `json:",omitempty"`
}

// listGroups lists a region's groups by name, the default one among them.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListScheduleGroups.html
func (s *Service) listGroups(tx *store.Tx, c *call.Caller, in *listGroupsInput) (*listGroupsOutput, error) {
	if err := c.Require("scheduler:ListScheduleGroups", s.groupARN(c.Region, "*"), nil); err != nil {
		return nil, err
	}
	size, err := checkPage(in.MaxResults)
	if err != nil {
		return nil, err
	}
	all := []Group{{Region: c.Region, Name: defaultGroup}}
	for _, g := range s.groups.All(tx) {
		if g.Region == c.Region {
			all = append(all, g)
		}
	}
	all = slices.DeleteFunc(all, func(g Group) bool { return !strings.HasPrefix(g.Name, in.NamePrefix) })
	slices.SortFunc(all, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	part, next, ok := call.Page(all, func(g Group) string { return g.Name }, "groups "+c.Region+" "+in.NamePrefix, in.NextToken, size)
	if !ok {
		return nil, errValidation("Invalid NextToken.")
	}
	out := &listGroupsOutput{ScheduleGroups: []groupView{}, NextToken: next}
	for _, g := range part {
		out.ScheduleGroups = append(out.ScheduleGroups, s.viewGroup(g))
	}
	return out, nil
}
