package permissions

import (
	"fmt"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// SchedulerRole is the name of the role under which EventBridge Scheduler ends
// instances whose deadline has passed. One serves all of an account's regions.
const SchedulerRole = "spawn-scheduler-role"

// SchedulerPolicy is the name of that role's one inline policy.
const SchedulerPolicy = "spawn-scheduler"

// ScheduleGroup is the name of the schedule group, one a region, that holds
// every schedule of spawn's. Only groups can be tagged, not schedules.
const ScheduleGroup = "spawn"

// SchedulerRoleARN is the ARN of SchedulerRole.
func SchedulerRoleARN(partition, account string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, account, SchedulerRole)
}

// SchedulerTrust lets EventBridge Scheduler take the role, for schedules of this
// account's group in any region and for nobody else's: who makes a schedule
// elsewhere that names the role gets nothing by it.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func SchedulerTrust(partition, account string) Document {
	return Document{Version: version, Statement: []Statement{{
		Effect:    "Allow",
		Principal: map[string]string{"Service": "scheduler.amazonaws.com"},
		Action:    []string{"sts:AssumeRole"},
		Condition: map[string]map[string][]string{
			"StringEquals": {"aws:SourceAccount": {account}},
			"ArnLike":      {"aws:SourceArn": {scheduleGroupARN(partition, account)}},
		},
	}}}
}

// Scheduler is what the cloud's schedules may do: end instances that spawn made,
// and cancel Spot requests that spawn made, so that these make no replacement;
// and take away what launches share, as far as EC2 lets go of it and nobody said
// that it is to be kept.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
func Scheduler(partition, account string) Document {
	ours := map[string]map[string][]string{"StringEquals": {"aws:ResourceTag/" + lifecycle.TagManaged: {"true"}}}
	unkept := map[string]map[string][]string{"StringEquals": ours["StringEquals"], "StringNotEquals": {"aws:ResourceTag/" + lifecycle.TagKeep: {"true"}}}
	return Document{Version: version, Statement: []Statement{
		{Sid: "EndInstances", Effect: "Allow", Action: []string{"ec2:TerminateInstances"}, Resource: ec2ARNs(partition, account, "instance"), Condition: ours},
		{Sid: "CancelSpotRequests", Effect: "Allow", Action: []string{"ec2:CancelSpotInstanceRequests"}, Resource: ec2ARNs(partition, account, "spot-instances-request"), Condition: ours},
		{Sid: "TakeUnusedAway", Effect: "Allow", Action: []string{"ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DetachInternetGateway", "ec2:DeleteInternetGateway", "ec2:DeleteVpc"}, Resource: ec2ARNs(partition, account, "security-group", "subnet", "internet-gateway", "vpc"), Condition: unkept},
	}}
}

func scheduleGroupARN(partition, account string) string {
	return fmt.Sprintf("arn:%s:scheduler:*:%s:schedule-group/%s", partition, account, ScheduleGroup)
}

// ec2ARNs are all of an account's EC2 resources of some kinds, in any region.
func ec2ARNs(partition, account string, kinds ...string) []string {
	arns := make([]string, len(kinds))
	for i, kind := range kinds {
		arns[i] = fmt.Sprintf("arn:%s:ec2:*:%s:%s/*", partition, account, kind)
	}
	return arns
}
