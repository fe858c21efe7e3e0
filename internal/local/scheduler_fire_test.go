package local_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

const (
	cancelTarget = "arn:aws:scheduler:::aws-sdk:ec2:cancelSpotInstanceRequests"
	groupTarget  = "arn:aws:scheduler:::aws-sdk:ec2:deleteSecurityGroup"
)

// outcomes are the error codes, or "ok", of the calls of an action that
// schedules made.
func (w *world) outcomes(action string) []string {
	var out []string
	for _, c := range w.Tape().Calls(0) {
		if c.Action != action || c.Principal == "arn:aws:iam::123456789012:user/admin" {
			continue
		}
		if c.Error == "" {
			c.Error = "ok"
		}
		out = append(out, c.Error)
	}
	return out
}

// towards turns a schedule to another target.
func towards(in *scheduler.CreateScheduleInput, target, input string) *scheduler.CreateScheduleInput {
	in.Target.Arn, in.Target.Input = &target, &input
	return in
}

// updated is the request that replaces what made a schedule.
func updated(in *scheduler.CreateScheduleInput) *scheduler.UpdateScheduleInput {
	return &scheduler.UpdateScheduleInput{
		Name: in.Name, GroupName: in.GroupName, ScheduleExpression: in.ScheduleExpression, StartDate: in.StartDate, EndDate: in.EndDate,
		ActionAfterCompletion: in.ActionAfterCompletion, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target,
	}
}

// A request that is cancelled by schedule before its instance is ended by
// schedule is not fulfilled again; a role that may not cancel lets it be.
func TestASchedulesCancelsASpotRequest(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	may := w.schedulerRole("cancels", groupARN, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ec2:CancelSpotInstanceRequests","Resource":"arn:aws:ec2:*:*:spot-instances-request/*","Condition":{"StringEquals":{"aws:ResourceTag/x:managed":"true"}}},
		{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"*"}]}`)
	launch := func(managed string) types.Instance {
		i := w.run(func(in *ec2.RunInstancesInput) {
			persistent(in)
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "spot-instances-request", Tags: []types.Tag{{Key: aws.String("x:managed"), Value: &managed}}}}
		})
		w.await(*i.InstanceId, types.InstanceStateNameRunning)
		return i
	}
	ours, theirs := launch("true"), launch("false")
	start := w.clock.Now().Add(time.Hour)
	for name, i := range map[string]types.Instance{"ours": ours, "theirs": theirs} {
		cancel := w.ending("cancel-"+name, may, "", start)
		noError(t, w.create(towards(cancel, cancelTarget, fmt.Sprintf(`{"SpotInstanceRequestIds":[%q]}`, *i.SpotInstanceRequestId))))
		noError(t, w.create(w.ending("end-"+name, may, *i.InstanceId, start.Add(5*time.Minute))))
	}
	noError(t, w.clock.Advance(time.Hour+2*time.Minute))
	if s := w.spotRequest(*ours.SpotInstanceRequestId).State; s != types.SpotInstanceStateCancelled {
		t.Errorf("ours is %s", s)
	}
	if s := w.spotRequest(*theirs.SpotInstanceRequestId).State; s != types.SpotInstanceStateActive {
		t.Errorf("theirs is %s", s)
	}
	got := w.outcomes("CancelSpotInstanceRequests")
	if slices.Sort(got); !slices.Equal(got, []string{"UnauthorizedOperation", "ok"}) {
		t.Errorf("the calls ended in %s", got)
	}
	noError(t, w.clock.Advance(5*time.Minute))
	w.await(*ours.InstanceId, types.InstanceStateNameTerminated)
	w.await(*theirs.InstanceId, types.InstanceStateNameTerminated)
	noError(t, w.clock.Advance(30*time.Second))
	if r := w.spotRequest(*ours.SpotInstanceRequestId); r.State != types.SpotInstanceStateCancelled {
		t.Errorf("ours is %s again", r.State)
	}
	if r := w.spotRequest(*theirs.SpotInstanceRequestId); r.State == types.SpotInstanceStateCancelled || r.State == types.SpotInstanceStateClosed {
		t.Errorf("theirs, which nobody cancelled, is %s", r.State)
	}
}

// A group that is in use is not deleted, and its refusal is final: what tries
// again is the next time of a schedule that repeats, and one that does not is
// gone with the group still there.
func TestASchedulesDeletesASecurityGroupOnceItIsFree(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	role := w.schedulerRole("deletes", groupARN, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DeleteSecurityGroup","Resource":"*"}]}`)
	group, err := w.ec2(w.admin()).CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("g"), Description: aws.String("d")})
	noError(t, err)
	id := *w.run(func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{*group.GroupId} }).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	start := w.clock.Now().Add(time.Hour)
	input := fmt.Sprintf(`{"GroupId":%q}`, *group.GroupId)
	noError(t, w.create(towards(w.ending("again", role, "", start), groupTarget, input)))
	once := towards(w.ending("once", role, "", start), groupTarget, input)
	once.ScheduleExpression = aws.String("at(" + start.UTC().Format("2006-01-02T15:04:05") + ")")
	noError(t, w.create(once))

	noError(t, w.clock.Advance(time.Hour+9*time.Minute)) // not yet its second time, and long enough for one that were tried again
	if got := w.outcomes("DeleteSecurityGroup"); !slices.Equal(got, []string{"DependencyViolation", "DependencyViolation"}) {
		t.Fatalf("the calls ended in %s", got)
	}
	_, err = w.scheduled("once")
	wantCode(t, err, "ResourceNotFoundException")
	w.terminateAndAwait(id)
	noError(t, w.clock.Advance(2*time.Minute))
	_, err = w.ec2(w.admin()).DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*group.GroupId}})
	wantCode(t, err, "InvalidGroup.NotFound")
	noError(t, w.clock.Advance(10*time.Minute))
	if got := w.outcomes("DeleteSecurityGroup")[2:]; !slices.Equal(got, []string{"ok", "InvalidGroup.NotFound"}) {
		t.Errorf("the calls after it was free ended in %s", got)
	}
}

// A network goes by schedules that know no order: what is refused because
// something depends on it is called again later.
func TestSchedulesTakeANetworkAway(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	role := w.schedulerRole("deletes", groupARN, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)
	api := w.ec2(w.admin())
	vpc, err := api.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
	noError(t, err)
	subnet, err := api.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.9.0.0/20")})
	noError(t, err)
	gateway, err := api.CreateInternetGateway(t.Context(), &ec2.CreateInternetGatewayInput{})
	noError(t, err)
	_, err = api.AttachInternetGateway(t.Context(), &ec2.AttachInternetGatewayInput{VpcId: vpc.Vpc.VpcId, InternetGatewayId: gateway.InternetGateway.InternetGatewayId})
	noError(t, err)
	start := w.clock.Now().Add(time.Hour)
	// The worst order, ten minutes apart: each but the last two is refused at first.
	for i, call := range [][2]string{
		{"deleteVpc", fmt.Sprintf(`{"VpcId":%q}`, *vpc.Vpc.VpcId)},
		{"deleteInternetGateway", fmt.Sprintf(`{"InternetGatewayId":%q}`, *gateway.InternetGateway.InternetGatewayId)},
		{"detachInternetGateway", fmt.Sprintf(`{"InternetGatewayId":%q,"VpcId":%q}`, *gateway.InternetGateway.InternetGatewayId, *vpc.Vpc.VpcId)},
		{"deleteSubnet", fmt.Sprintf(`{"SubnetId":%q}`, *subnet.Subnet.SubnetId)},
	} {
		at := w.ending(call[0], role, "", start.Add(time.Duration(2*i)*time.Minute))
		noError(t, w.create(towards(at, "arn:aws:scheduler:::aws-sdk:ec2:"+call[0], call[1])))
	}
	noError(t, w.clock.Advance(time.Hour+9*time.Minute))
	for _, action := range []string{"DeleteVpc", "DeleteInternetGateway"} {
		if got := w.outcomes(action); !slices.Equal(got, []string{"DependencyViolation"}) {
			t.Errorf("%s at first: %v", action, got)
		}
	}
	noError(t, w.clock.Advance(20*time.Minute))
	for _, action := range []string{"DeleteVpc", "DeleteInternetGateway", "DetachInternetGateway", "DeleteSubnet"} {
		if got := w.outcomes(action); !slices.Contains(got, "ok") {
			t.Errorf("%s: %v", action, got)
		}
	}
}

// Schedules outlive the cloud: what is still to come comes, and what should
// have come meanwhile comes at once.
func TestSchedulesAreKept(t *testing.T) {
	dir := t.TempDir()
	w := keptWorld(t, dir)
	w.scheduleGroup()
	role := w.schedulerRole("ends", groupARN, mayTerminate)
	soon, later := w.managed(), w.managed()
	noError(t, w.create(w.ending("soon", role, soon, w.clock.Now().Add(time.Hour))))
	noError(t, w.create(w.ending("later", role, later, w.clock.Now().Add(3*time.Hour))))
	before, err := w.scheduled("later")
	noError(t, err)
	noError(t, w.clock.Advance(59*time.Minute))
	w.restarts()

	w = keptWorld(t, dir)
	after, err := w.scheduled("later")
	noError(t, err)
	if !after.StartDate.Equal(*before.StartDate) || *after.Target.Input != *before.Target.Input || after.ActionAfterCompletion != before.ActionAfterCompletion {
		t.Errorf("it is %+v,\nit was %+v", after, before)
	}
	tags, err := w.scheduler(w.admin()).ListTagsForResource(t.Context(), &scheduler.ListTagsForResourceInput{ResourceArn: aws.String(groupARN)})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("the group's tags are %+v, %v", tags, err)
	}
	w.await(soon, types.InstanceStateNameRunning)
	w.await(later, types.InstanceStateNameRunning)
	noError(t, w.clock.Advance(3*time.Minute))
	w.await(soon, types.InstanceStateNameTerminated)
	if s := w.describe(later).State.Name; s != types.InstanceStateNameRunning {
		t.Errorf("the later one is %s", s)
	}
	noError(t, w.clock.Advance(2*time.Hour))
	w.await(later, types.InstanceStateNameTerminated)
}

// An update within the last minute does not stop the old time, nor the old
// target; one before that does.
func TestAnUpdateNearTheTimeComesTooLate(t *testing.T) {
	for name, c := range map[string]struct {
		before time.Duration // how long before the old time the update comes
		want   types.InstanceStateName
	}{
		"in time":  {2 * time.Minute, types.InstanceStateNameRunning},
		"too late": {50 * time.Second, types.InstanceStateNameTerminated},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.scheduleGroup()
			role := w.schedulerRole("ends", groupARN, mayTerminate)
			id := w.managed()
			start := w.clock.Now().Add(time.Hour)
			in := w.ending("end", role, id, start)
			noError(t, w.create(in))
			noError(t, w.clock.Advance(time.Hour-c.before))
			in.StartDate, in.EndDate = aws.Time(start.Add(8*time.Hour)), aws.Time(start.Add(14*time.Hour))
			_, err := w.scheduler(w.admin()).UpdateSchedule(t.Context(), updated(in))
			noError(t, err)
			noError(t, w.clock.Advance(c.before-10*time.Second))
			if n := len(w.fired()); n != 0 {
				t.Fatalf("it fired %d times before its time", n)
			}
			noError(t, w.clock.Advance(2*time.Minute))
			w.await(id, c.want)
			got, err := w.scheduled("end")
			noError(t, err)
			if !got.StartDate.Equal(in.StartDate.Truncate(time.Millisecond)) {
				t.Errorf("its start is %s", got.StartDate)
			}
			calls := len(w.fired())
			noError(t, w.clock.Advance(8*time.Hour))
			if n := len(w.fired()); n <= calls {
				t.Error("the new time never came")
			}
		})
	}
}

func TestTagsOfAScheduleGroupAreTakenAway(t *testing.T) {
	w := newWorld(t)
	w.scheduleGroup()
	api, ctx := w.scheduler(w.admin()), t.Context()
	_, err := api.TagResource(ctx, &scheduler.TagResourceInput{ResourceArn: aws.String(groupARN), Tags: []schedulertypes.Tag{
		{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")},
	}})
	noError(t, err)
	untag := func(c who, arn string, keys ...string) error {
		_, err := w.scheduler(c).UntagResource(ctx, &scheduler.UntagResourceInput{ResourceArn: &arn, TagKeys: keys})
		return err
	}
	noError(t, untag(w.admin(), groupARN, "a", "k", "never-there"))
	tags, err := api.ListTagsForResource(ctx, &scheduler.ListTagsForResourceInput{ResourceArn: aws.String(groupARN)})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" {
		t.Errorf("the tags are %+v, %v", tags, err)
	}
	wantCode(t, untag(w.admin(), groupARN, make([]string, 51)...), "ValidationException")
	wantCode(t, untag(w.admin(), groupARN+"x", "b"), "ResourceNotFoundException")
	wantCode(t, untag(w.admin(), "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default", "b"), "ValidationException")
	one := w.user("one", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"scheduler:UntagResource","Resource":"*",
		"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}}}`)
	wantCode(t, untag(one, groupARN, "a", "b"), "AccessDeniedException")
	noError(t, untag(one, groupARN, "a"))
}
