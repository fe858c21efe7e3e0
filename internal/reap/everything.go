package reap

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// ScheduleGroups is what the schedule group is taken away with.
type ScheduleGroups interface {
	GetScheduleGroup(context.Context, *scheduler.GetScheduleGroupInput, ...func(*scheduler.Options)) (*scheduler.GetScheduleGroupOutput, error)
	ListTagsForResource(context.Context, *scheduler.ListTagsForResourceInput, ...func(*scheduler.Options)) (*scheduler.ListTagsForResourceOutput, error)
	DeleteScheduleGroup(context.Context, *scheduler.DeleteScheduleGroupInput, ...func(*scheduler.Options)) (*scheduler.DeleteScheduleGroupOutput, error)
}

// scheduleGroup is the region's schedule group, if it is ours. Its deletion takes
// a while, in which it still is there: that counts as gone.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html
func (r Region) scheduleGroup(ctx context.Context, scope Scope) ([]Item, error) {
	name := aws.String(permissions.ScheduleGroup)
	out, err := r.Groups.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: name})
	switch {
	case awserr.IsNotFound(err) || err == nil && out.State == schedulertypes.ScheduleGroupStateDeleting:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for the schedule group: %w", err)
	}
	listed, err := r.Groups.ListTagsForResource(ctx, &scheduler.ListTagsForResourceInput{ResourceArn: out.Arn})
	if err != nil {
		return nil, fmt.Errorf("read the tags of the schedule group: %w", err)
	}
	tags := map[string]string{}
	for _, t := range listed.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	if !scope.shared(permissions.ScheduleGroup, tags) {
		return nil, nil
	}
	return []Item{scope.item(ScheduleGroup, permissions.ScheduleGroup, "everything: it holds the schedules", tags)}, nil
}

// shared tells that what serves everybody may go: it is ours, and no launch has
// just made it. Whose launch was the first does not matter.
func (s Scope) shared(id string, tags map[string]string) bool {
	s.AllOwners = true
	return s.covers(tags) && s.settled(id, tags)
}

// deleteScheduleGroup deletes the group with what is in it, unless somebody has
// launched meanwhile.
func (r Region) deleteScheduleGroup(ctx context.Context, name string) error {
	listed, err := r.Schedules.List(ctx)
	if err != nil {
		return err
	}
	if len(listed) > 0 {
		return fmt.Errorf("%w: the schedule %s is in the group", errInUse, listed[0].Name)
	}
	if _, err := r.Groups.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: aws.String(name)}); err != nil {
		return fmt.Errorf("delete the schedule group: %w", err)
	}
	return nil
}

// Roles is what the account's roles are taken away with.
type Roles interface {
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	DeleteRolePolicy(context.Context, *iam.DeleteRolePolicyInput, ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error)
	DeleteRole(context.Context, *iam.DeleteRoleInput, ...func(*iam.Options)) (*iam.DeleteRoleOutput, error)
	GetInstanceProfile(context.Context, *iam.GetInstanceProfileInput, ...func(*iam.Options)) (*iam.GetInstanceProfileOutput, error)
	RemoveRoleFromInstanceProfile(context.Context, *iam.RemoveRoleFromInstanceProfileInput, ...func(*iam.Options)) (*iam.RemoveRoleFromInstanceProfileOutput, error)
	DeleteInstanceProfile(context.Context, *iam.DeleteInstanceProfileInput, ...func(*iam.Options)) (*iam.DeleteInstanceProfileOutput, error)
}

// rolePolicies are the roles that spawn makes, with their one policy each.
var rolePolicies = map[string]string{permissions.AgentRole: permissions.AgentPolicy, permissions.SchedulerRole: permissions.SchedulerPolicy}

// FindRoles finds the roles and the instance profile that spawn made. They serve
// all regions: whoever deletes them must have seen that no instance lives in any.
func FindRoles(ctx context.Context, api Roles, scope Scope) (out []Item, err error) {
	profile, err := api.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: aws.String(permissions.AgentRole)})
	switch {
	case err == nil:
		if tags := roleTags(profile.InstanceProfile.Tags); scope.shared(permissions.AgentRole, tags) {
			out = append(out, scope.item(InstanceProfile, permissions.AgentRole, "everything: it hands instances their role", tags))
		}
	case !awserr.IsNotFound(err):
		return nil, fmt.Errorf("look for the instance profile: %w", err)
	}
	for _, name := range []string{permissions.AgentRole, permissions.SchedulerRole} {
		role, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(name)})
		switch {
		case err == nil:
			if tags := roleTags(role.Role.Tags); scope.shared(name, tags) {
				out = append(out, scope.item(Role, name, "everything: the agents' or the schedules'", tags))
			}
		case !awserr.IsNotFound(err):
			return nil, fmt.Errorf("look for the role %s: %w", name, err)
		}
	}
	return out, nil
}

func roleTags(tags []types.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

// CleanRoles deletes what FindRoles found and looks again to prove it. Its error
// is that of Region.Clean.
func CleanRoles(ctx context.Context, api Roles, items []Item, scope Scope) (s Sweep, err error) {
	for _, i := range items {
		s.Outcomes = append(s.Outcomes, settle(i, deleteRole(ctx, api, i)))
	}
	s.Left, err = FindRoles(ctx, api, scope)
	return s, err
}

func deleteRole(ctx context.Context, api Roles, i Item) error {
	name := aws.String(i.ID)
	if i.Kind == InstanceProfile {
		_, err := api.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: name})
		if awserr.IgnoreNotFound(err) != nil {
			return fmt.Errorf("take the role out of the instance profile %s: %w", i.ID, err)
		}
		if _, err := api.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: name}); err != nil {
			return fmt.Errorf("delete the instance profile %s: %w", i.ID, err)
		}
		return nil
	}
	_, err := api.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String(rolePolicies[i.ID])})
	if awserr.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete the policy of the role %s: %w", i.ID, err)
	}
	if _, err := api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}); err != nil {
		return fmt.Errorf("delete the role %s: %w", i.ID, err)
	}
	return nil
}
