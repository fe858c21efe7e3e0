package account

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// ScheduleGroup is the kind of the group that holds the cloud's schedules.
const ScheduleGroup Kind = "schedule-group"

// SchedulerOf is a client for the schedules of the target's region.
func SchedulerOf(t *awsx.Target) *scheduler.Client { return scheduler.NewFromConfig(t.Config()) }

// SchedulerRoleAPI is what EnsureScheduler calls of IAM.
type SchedulerRoleAPI interface {
	CreateRole(context.Context, *iam.CreateRoleInput, ...func(*iam.Options)) (*iam.CreateRoleOutput, error)
	PutRolePolicy(context.Context, *iam.PutRolePolicyInput, ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error)
}

// ScheduleGroupAPI is what EnsureScheduler calls of EventBridge Scheduler.
type ScheduleGroupAPI interface {
	CreateScheduleGroup(context.Context, *scheduler.CreateScheduleGroupInput, ...func(*scheduler.Options)) (*scheduler.CreateScheduleGroupOutput, error)
}

// EnsureScheduler makes sure that the role of the cloud's schedules exists, with
// the policy of this version, and so does the region's schedule group: three
// calls, two of them one after the other. Names are the locks, so that of many
// at once one makes each.
//
// It goes on where it is refused, because an administrator may have made what
// the caller may not: the error then says all that was refused.
func EnsureScheduler(ctx context.Context, roles SchedulerRoleAPI, groups ScheduleGroupAPI, who Identity, origin Origin, made Made) error {
	var both sync.WaitGroup
	var roleErr, groupErr error
	both.Go(func() { roleErr = ensureSchedulerRole(ctx, roles, who, origin, made) })
	both.Go(func() { groupErr = createScheduleGroup(ctx, groups, origin, made) })
	both.Wait()
	if roleErr != nil && groupErr != nil {
		return fmt.Errorf("%w; %w", groupErr, roleErr)
	}
	return cmp.Or(groupErr, roleErr)
}

// SchedulerVersion names what EnsureScheduler makes: it differs wherever the
// role's documents do.
func SchedulerVersion(who Identity) string {
	return documentsVersion(permissions.SchedulerTrust(who.Partition, who.Account), permissions.Scheduler(who.Partition, who.Account))
}

func ensureSchedulerRole(ctx context.Context, api SchedulerRoleAPI, who Identity, origin Origin, made Made) error {
	_, err := api.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 aws.String(permissions.SchedulerRole),
		AssumeRolePolicyDocument: aws.String(permissions.SchedulerTrust(who.Partition, who.Account).JSON()),
		Description:              aws.String("Lets EventBridge Scheduler end what spawn launched, and nothing else"),
		Tags:                     iamTags(origin().Tags()),
	})
	switch {
	case err == nil:
		made(Role, permissions.SchedulerRole)
	case !awserr.IsAlreadyExists(err):
		return fmt.Errorf("create the schedules' role: %w", err)
	}
	_, err = api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName:       aws.String(permissions.SchedulerRole),
		PolicyName:     aws.String(permissions.SchedulerPolicy),
		PolicyDocument: aws.String(permissions.Scheduler(who.Partition, who.Account).JSON()),
	})
	if err != nil {
		return fmt.Errorf("give the schedules' role its policy: %w", err)
	}
	return nil
}

func createScheduleGroup(ctx context.Context, api ScheduleGroupAPI, origin Origin, made Made) error {
	in := &scheduler.CreateScheduleGroupInput{Name: aws.String(permissions.ScheduleGroup)}
	tags := origin().Tags()
	for _, key := range lifecycle.SortedKeys(tags) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	_, err := api.CreateScheduleGroup(ctx, in)
	if err == nil {
		made(ScheduleGroup, permissions.ScheduleGroup)
	}
	return unlessExists(err, "create the schedule group")
}
