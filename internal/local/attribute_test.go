package local_test

import (
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func text(s string) *types.AttributeValue { return &types.AttributeValue{Value: &s} }

func (w *world) modify(id string, edit func(*ec2.ModifyInstanceAttributeInput)) error {
	in := &ec2.ModifyInstanceAttributeInput{InstanceId: &id}
	edit(in)
	_, err := w.ec2(w.admin()).ModifyInstanceAttribute(w.t.Context(), in)
	return err
}

func TestProtectedInstanceIsNotTerminated(t *testing.T) {
	w := newWorld(t)
	id := *w.run(func(in *ec2.RunInstancesInput) {
		in.DisableApiTermination = aws.Bool(true)
		in.InstanceInitiatedShutdownBehavior = types.ShutdownBehaviorTerminate
	}).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	terminate := func(ids ...string) error {
		_, err := w.ec2(w.admin()).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids})
		return err
	}
	wantCode(t, terminate(id), "OperationNotPermitted")
	if s := w.describe(id).State.Name; s != types.InstanceStateNameRunning {
		t.Errorf("it is %s", s)
	}
	noError(t, w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) {
		in.DisableApiTermination = &types.AttributeBooleanValue{Value: aws.Bool(false)}
	}))
	noError(t, terminate(id))
	w.await(id, types.InstanceStateNameTerminated)
	wantCode(t, w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) {
		in.DisableApiTermination = &types.AttributeBooleanValue{Value: aws.Bool(true)}
	}), "IncorrectInstanceState")
}

// One that is protected keeps those of its zone, and no others; the call fails
// nevertheless.
func TestProtectionSparesAZone(t *testing.T) {
	w := newWorld(t)
	in := func(zone string, protected bool) string {
		id := *w.run(func(in *ec2.RunInstancesInput) {
			in.Placement, in.DisableApiTermination = &types.Placement{AvailabilityZone: &zone}, &protected
		}).InstanceId
		w.await(id, types.InstanceStateNameRunning)
		return id
	}
	a, b, c, d := in("us-east-1a", false), in("us-east-1a", false), in("us-east-1b", true), in("us-east-1b", false)
	terminate := func(dry bool, ids ...string) error {
		_, err := w.ec2(w.admin()).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids, DryRun: &dry})
		return err
	}
	wantStates := func(first, second types.InstanceStateName) {
		t.Helper()
		for id, want := range map[string]types.InstanceStateName{a: first, b: first, c: second, d: second} {
			if want == types.InstanceStateNameTerminated {
				w.await(id, want)
			} else if s := w.describe(id).State.Name; s != want {
				t.Errorf("an instance is %s, not %s", s, want)
			}
		}
	}
	wantCode(t, terminate(true, a, b, c, d), "OperationNotPermitted")
	wantCode(t, terminate(false, a, b, c, d, "i-00000000000000000"), "InvalidInstanceID.NotFound")
	wantStates(types.InstanceStateNameRunning, types.InstanceStateNameRunning)
	wantCode(t, terminate(false, a, b, c, d), "OperationNotPermitted")
	wantStates(types.InstanceStateNameTerminated, types.InstanceStateNameRunning)
}

func TestWhatASpotInstanceKeeps(t *testing.T) {
	w := newWorld(t)
	w.refusedLaunch("InvalidParameterCombination", func(in *ec2.RunInstancesInput) {
		persistent(in)
		in.DisableApiTermination = aws.Bool(true)
	})
	id := *w.run(persistent).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	w.stopAndAwait(id)
	for name, edit := range map[string]func(*ec2.ModifyInstanceAttributeInput){
		"its shutdown behavior": func(in *ec2.ModifyInstanceAttributeInput) { in.InstanceInitiatedShutdownBehavior = text("terminate") },
		"its type":              func(in *ec2.ModifyInstanceAttributeInput) { in.InstanceType = text("m5.xlarge") },
		"its protection": func(in *ec2.ModifyInstanceAttributeInput) {
			in.DisableApiTermination = &types.AttributeBooleanValue{Value: aws.Bool(false)}
		},
	} {
		if err := w.modify(id, edit); codeOf(err) != "UnsupportedOperation" {
			t.Errorf("%s: %v", name, err)
		}
	}
	noError(t, w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) {
		in.UserData = &types.BlobAttributeValue{Value: []byte("x")}
	}))
	if i := w.describe(id); i.InstanceType != "m5.large" {
		t.Errorf("it is a %s", i.InstanceType)
	}
}

// What was launched to hibernate can still do so under another type.
func TestAHibernatingInstanceChangesToATypeThatHibernates(t *testing.T) {
	w := newWorld(t)
	id := *w.run(hibernating).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	w.stopAndAwait(id)
	retype := func(name string) error {
		return w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) { in.InstanceType = text(name) })
	}
	wantCode(t, retype("g5.xlarge"), "UnsupportedHibernationConfiguration")
	wantCode(t, retype("m5.2xlarge"), "UnsupportedHibernationConfiguration") // 32 GiB do not fit on the root
	noError(t, retype("m5.xlarge"))
}

// Protection is from the API alone: a power-off from inside ends the instance.
func TestProtectionDoesNotKeepAnInstanceThatPowersOff(t *testing.T) {
	w := newWorld(t)
	id := *w.run(func(in *ec2.RunInstancesInput) { in.DisableApiTermination = aws.Bool(true) }).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	wantCode(t, w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) { in.InstanceInitiatedShutdownBehavior = text("hibernate") }), "InvalidParameterValue")
	noError(t, w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) { in.InstanceInitiatedShutdownBehavior = text("terminate") }))
	w.machines.get(id).shutDown()
	w.await(id, types.InstanceStateNameTerminated)
}

func TestTypeAndUserDataChangeWhileStopped(t *testing.T) {
	w := newWorld(t)
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	retype := func(name string) error {
		return w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) { in.InstanceType = text(name) })
	}
	reseed := func(data []byte) error {
		return w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) {
			in.UserData = &types.BlobAttributeValue{Value: data}
		})
	}
	wantCode(t, retype("t3.2xlarge"), "IncorrectInstanceState")
	wantCode(t, reseed([]byte("#!/bin/sh")), "IncorrectInstanceState")
	api, ctx := w.ec2(w.admin()), t.Context()
	_, err := api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameStopped)
	wantCode(t, retype("t4g.micro"), "InvalidInstanceAttributeValue") // of another architecture
	wantCode(t, retype("t3.enormous"), "InvalidInstanceAttributeValue")
	wantCode(t, reseed(make([]byte, 16385)), "InvalidParameterValue")
	wantCode(t, w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) {
		in.InstanceType, in.InstanceInitiatedShutdownBehavior = text("t3.large"), text("stop")
	}), "InvalidParameterCombination")
	wantCode(t, w.modify(id, func(*ec2.ModifyInstanceAttributeInput) {}), "InvalidParameterCombination")
	noError(t, retype("t3.2xlarge"))
	noError(t, reseed([]byte("#!/bin/sh\n")))
	_, err = api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameRunning)
	m := w.machines.get(id)
	if _, data := m.ask(t, "/latest/user-data"); data != "#!/bin/sh\n" || m.spec.VCPUs != 8 {
		t.Errorf("it starts with %q and %d vCPUs", data, m.spec.VCPUs)
	}
	out, err := api.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: types.InstanceAttributeNameUserData})
	noError(t, err)
	if got := aws.ToString(out.UserData.Value); got != base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")) {
		t.Errorf("its user-data is %s", got)
	}
}

func TestInstanceChangesGroups(t *testing.T) {
	w := newWorld(t)
	first, second := w.group("first"), w.group("second")
	n := w.network()
	foreign, err := n.api.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{VpcId: &n.vpc, GroupName: aws.String("g"), Description: aws.String("d")})
	noError(t, err)
	id := *w.run(func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{first} }).InstanceId
	regroup := func(group string) error {
		return w.modify(id, func(in *ec2.ModifyInstanceAttributeInput) { in.Groups = []string{group} })
	}
	remove := func(group string) error {
		_, err := n.api.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &group})
		return err
	}
	wantCode(t, regroup(*foreign.GroupId), "InvalidParameterValue")
	wantCode(t, regroup("sg-00000000000000000"), "InvalidGroup.NotFound")
	noError(t, regroup(second))
	if groups := w.describe(id).NetworkInterfaces[0].Groups; len(groups) != 1 || *groups[0].GroupId != second {
		t.Errorf("the interface is in %+v", groups)
	}
	wantCode(t, remove(second), "DependencyViolation")
	noError(t, remove(first))
}

func TestMetadataOptionsChange(t *testing.T) {
	w := newWorld(t)
	i := w.run(func(in *ec2.RunInstancesInput) {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("a/b"), Value: aws.String("")}}}}
	})
	id := *i.InstanceId
	w.await(id, types.InstanceStateNameRunning)
	api, ctx := w.ec2(w.admin()), t.Context()
	modify := func(edit func(*ec2.ModifyInstanceMetadataOptionsInput)) error {
		in := &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: &id}
		edit(in)
		_, err := api.ModifyInstanceMetadataOptions(ctx, in)
		return err
	}
	showTags := func(in *ec2.ModifyInstanceMetadataOptionsInput) { in.InstanceMetadataTags = "enabled" }
	wantCode(t, modify(showTags), "InvalidParameterValue") // a/b is no path
	_, err := api.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}})
	noError(t, err)
	noError(t, modify(showTags))
	wantCode(t, modify(func(in *ec2.ModifyInstanceMetadataOptionsInput) { in.HttpPutResponseHopLimit = aws.Int32(65) }), "InvalidParameterValue")
	if o := w.describe(id).MetadataOptions; o.InstanceMetadataTags != "enabled" || o.HttpTokens != i.MetadataOptions.HttpTokens || *o.HttpPutResponseHopLimit != 2 {
		t.Errorf("the options are %+v", o)
	}
	m := w.machines.get(id)
	if code, _ := m.ask(t, "/latest/meta-data/instance-id"); code != 200 {
		t.Errorf("the metadata answers %d", code)
	}
	noError(t, modify(func(in *ec2.ModifyInstanceMetadataOptionsInput) { in.HttpEndpoint = "disabled" }))
	if code, _ := m.ask(t, "/latest/meta-data/instance-id"); code != 403 {
		t.Errorf("switched off, the metadata answers %d", code)
	}
	_, err = api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameTerminated)
	wantCode(t, modify(showTags), "IncorrectInstanceState")
}

func TestRebootKeepsTheInstance(t *testing.T) {
	w := newWorld(t)
	before := w.run(nil)
	id := *before.InstanceId
	w.await(id, types.InstanceStateNameRunning)
	api, ctx := w.ec2(w.admin()), t.Context()
	reboot := func() error {
		_, err := api.RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: []string{id}})
		return err
	}
	noError(t, reboot())
	select {
	case <-w.machines.get(id).rebooted:
	case <-t.Context().Done():
		t.Fatal("the machine was not asked to restart")
	}
	if after := w.describe(id); after.State.Name != types.InstanceStateNameRunning || *after.PublicIpAddress != *before.PublicIpAddress || !after.LaunchTime.Equal(*before.LaunchTime) {
		t.Errorf("after the reboot it is %s with %s", after.State.Name, *after.PublicIpAddress)
	}
	_, err := api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameStopped)
	wantCode(t, reboot(), "IncorrectInstanceState")
	_, err = api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameTerminated)
	noError(t, reboot())
}

func TestRulesComeAndGo(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	api, ctx := n.api, t.Context()
	made, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{VpcId: &n.vpc, GroupName: aws.String("g"), Description: aws.String("d")})
	noError(t, err)
	group := made.GroupId
	in, err := api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group, IpPermissions: ssh22("192.0.2.1/32"), TagSpecifications: tagged("security-group-rule")})
	noError(t, err)
	found, err := api.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{{Name: aws.String("tag:k"), Values: []string{"v"}}}})
	noError(t, err)
	if len(found.SecurityGroupRules) != 1 || *found.SecurityGroupRules[0].SecurityGroupRuleId != *in.SecurityGroupRules[0].SecurityGroupRuleId {
		t.Errorf("found by its tag are %+v", found.SecurityGroupRules)
	}
	everything := []types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}
	_, err = api.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: group, IpPermissions: everything})
	wantCode(t, err, "InvalidPermission.Duplicate") // a new group lets everything out
	_, err = api.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: group, IpPermissions: everything})
	noError(t, err)
	_, err = api.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: group, IpPermissions: everything})
	wantCode(t, err, "InvalidPermission.NotFound")
	_, err = api.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: group, IpPermissions: ssh22("192.0.2.2/32")})
	wantCode(t, err, "InvalidPermission.NotFound")
	ids := []string{*in.SecurityGroupRules[0].SecurityGroupRuleId}
	_, err = api.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: group, SecurityGroupRuleIds: ids})
	noError(t, err)
	_, err = api.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: group, SecurityGroupRuleIds: ids})
	wantCode(t, err, "InvalidSecurityGroupRuleId.NotFound")
	left, err := api.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{*group}}}})
	noError(t, err)
	if len(left.SecurityGroupRules) != 0 {
		t.Errorf("left are %+v", left.SecurityGroupRules)
	}
}

// In the default VPC alone, a rule that is not there is told and no error.
func TestRevokingUnknownRuleInDefaultVPC(t *testing.T) {
	w := newWorld(t)
	group := w.group("g")
	out, err := w.ec2(w.admin()).RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: ssh22("192.0.2.2/32")})
	noError(t, err)
	if len(out.UnknownIpPermissions) != 1 || len(out.RevokedSecurityGroupRules) != 0 {
		t.Errorf("unknown %+v, revoked %+v", out.UnknownIpPermissions, out.RevokedSecurityGroupRules)
	}
}
