package account_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

func TestTenAtOnceMakeOneRoleAndOneGroup(t *testing.T) {
	c := cloudtest.Local(t, nil)
	roles, groups, who := account.IAMOf(c.Target), account.SchedulerOf(c.Target), identify(t, c.Target)
	var m maker
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := account.EnsureScheduler(t.Context(), roles, groups, who, origin, m.note); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(m.made)
	if !slices.Equal(m.made, []string{"role " + permissions.SchedulerRole, "schedule-group " + permissions.ScheduleGroup}) {
		t.Errorf("made %q", m.made)
	}
	listed, err := groups.ListScheduleGroups(t.Context(), &scheduler.ListScheduleGroupsInput{NamePrefix: aws.String("spawn")})
	if err != nil || len(listed.ScheduleGroups) != 1 {
		t.Fatalf("groups %+v, %v", listed, err)
	}
	tags, err := groups.ListTagsForResource(t.Context(), &scheduler.ListTagsForResourceInput{ResourceArn: listed.ScheduleGroups[0].Arn})
	if err != nil || !slices.ContainsFunc(tags.Tags, func(tag types.Tag) bool {
		return aws.ToString(tag.Key) == lifecycle.TagManaged && aws.ToString(tag.Value) == "true"
	}) {
		t.Errorf("the group's tags are %+v, %v", tags, err)
	}
}

func TestTheSchedulersRoleIsAsItsDocumentsSay(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		roles, who := account.IAMOf(c.Target), identify(t, c.Target)
		if err := account.EnsureScheduler(t.Context(), roles, account.SchedulerOf(c.Target), who, origin, new(maker).note); err != nil {
			t.Fatal(err)
		}
		role, err := roles.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(permissions.SchedulerRole)})
		if err != nil {
			t.Fatal(err)
		}
		trust, err := url.QueryUnescape(aws.ToString(role.Role.AssumeRolePolicyDocument))
		if err != nil || trust != permissions.SchedulerTrust(who.Partition, who.Account).JSON() {
			t.Errorf("it trusts %s (%v)", trust, err)
		}
		given, err := roles.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String(permissions.SchedulerRole), PolicyName: aws.String(permissions.SchedulerPolicy)})
		if err != nil {
			t.Fatal(err)
		}
		policy, err := url.QueryUnescape(aws.ToString(given.PolicyDocument))
		if err != nil || policy != permissions.Scheduler(who.Partition, who.Account).JSON() {
			t.Errorf("it may %s (%v)", policy, err)
		}
	})
}

// TestWhoMayNotMakeTheRoleStillMakesTheGroup: an administrator may have made what
// the caller may not, so each is tried.
func TestWhoMayNotMakeTheRoleStillMakesTheGroup(t *testing.T) {
	c := cloudtest.Local(t, nil)
	who := identify(t, c.Target)
	restricted := cloudtest.As(t, c, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"scheduler:*","Resource":"*"}]}`)
	var m maker
	err := account.EnsureScheduler(t.Context(), account.IAMOf(restricted), account.SchedulerOf(restricted), who, origin, m.note)
	if !awserr.IsDenied(err) || !strings.Contains(err.Error(), "role") {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(m.made, []string{"schedule-group " + permissions.ScheduleGroup}) {
		t.Errorf("made %q", m.made)
	}
}
