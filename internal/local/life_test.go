package local_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestAnInstancesLife(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	i := w.run(nil)
	id := *i.InstanceId
	if i.State.Name != types.InstanceStateNamePending {
		t.Errorf("launched as %s", i.State.Name)
	}
	running := w.await(id, types.InstanceStateNameRunning)
	if *running.RootDeviceName != "/dev/xvda" || len(running.BlockDeviceMappings) != 1 || running.Architecture != "x86_64" {
		t.Errorf("it runs as %+v", running)
	}
	if !strings.HasPrefix(aws.ToString(running.PublicIpAddress), "203.0.113.") {
		t.Errorf("its public address is %q", aws.ToString(running.PublicIpAddress))
	}
	console, err := api.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &id})
	noError(t, err)
	if aws.ToString(console.Output) == "" {
		t.Error("the console is empty")
	}

	_, err = api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	stopped := w.await(id, types.InstanceStateNameStopped)
	if stopped.PublicIpAddress != nil || *stopped.PrivateIpAddress != *running.PrivateIpAddress {
		t.Errorf("stopped, it has the addresses %v and %s", stopped.PublicIpAddress, *stopped.PrivateIpAddress)
	}
	if *stopped.StateReason.Code != "Client.UserInitiatedShutdown" {
		t.Errorf("stopped because of %s", *stopped.StateReason.Code)
	}
	disk := filepath.Join(w.dir, "instances", id)
	if !exists(disk) {
		t.Error("its disk is gone when it is only stopped")
	}
	_, err = api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	again := w.await(id, types.InstanceStateNameRunning)
	if again.PublicIpAddress == nil || again.StateReason != nil {
		t.Errorf("started again with address %v and reason %v", again.PublicIpAddress, again.StateReason)
	}

	change, err := api.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	if c := change.TerminatingInstances[0]; c.PreviousState.Name != "running" || c.CurrentState.Name != "shutting-down" {
		t.Errorf("changed from %s to %s", c.PreviousState.Name, c.CurrentState.Name)
	}
	ended := w.await(id, types.InstanceStateNameTerminated)
	if *ended.StateReason.Code != "Client.UserInitiatedShutdown" || ended.PrivateIpAddress != nil || len(ended.BlockDeviceMappings) != 0 {
		t.Errorf("it ended as %+v", ended)
	}
	if exists(disk) {
		t.Error("its disk is still there")
	}
	volumes, err := api.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})
	noError(t, err)
	interfaces, err := api.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{})
	noError(t, err)
	if len(volumes.Volumes) != 0 || len(interfaces.NetworkInterfaces) != 0 {
		t.Errorf("left are %d volumes and %d interfaces", len(volumes.Volumes), len(interfaces.NetworkInterfaces))
	}

	noError(t, w.clock.Advance(59*time.Minute))
	w.describe(id)
	noError(t, w.clock.Advance(2*time.Minute))
	_, err = w.ec2(w.admin()).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "InvalidInstanceID.NotFound")
}

func TestShutdownFromInside(t *testing.T) {
	for _, c := range []struct {
		behaviour types.ShutdownBehavior
		want      types.InstanceStateName
	}{{"terminate", "terminated"}, {"stop", "stopped"}, {"", "stopped"}} {
		w := newWorld(t)
		id := *w.run(func(in *ec2.RunInstancesInput) { in.InstanceInitiatedShutdownBehavior = c.behaviour }).InstanceId
		w.await(id, types.InstanceStateNameRunning)
		w.machines.get(id).shutDown()
		if i := w.await(id, c.want); *i.StateReason.Code != "Client.InstanceInitiatedShutdown" {
			t.Errorf("%q: ended because of %s", c.behaviour, *i.StateReason.Code)
		}
	}
}

func TestBootThatFailsTerminates(t *testing.T) {
	w := newWorld(t)
	w.machines.bootErr = errors.New("no room")
	id := *w.run(nil).InstanceId
	if i := w.await(id, types.InstanceStateNameTerminated); *i.StateReason.Code != "Server.InternalError" {
		t.Errorf("ended because of %s", *i.StateReason.Code)
	}
}

func TestTerminateWhileBooting(t *testing.T) {
	w := newWorld(t)
	w.machines.hold = make(chan struct{})
	id := *w.run(nil).InstanceId
	api := w.ec2(w.admin())
	_, err := api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "IncorrectInstanceState")
	_, err = api.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	if i := w.await(id, types.InstanceStateNameTerminated); *i.StateReason.Code != "Client.UserInitiatedShutdown" {
		t.Errorf("ended because of %s", *i.StateReason.Code)
	}
}

func TestTerminateOfAStoppedInstance(t *testing.T) {
	w := newWorld(t)
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	w.machines.get(id).shutDown()
	w.await(id, types.InstanceStateNameStopped)
	out, err := w.ec2(w.admin()).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	if s := out.TerminatingInstances[0].CurrentState.Name; s != "terminated" {
		t.Errorf("it is %s", s)
	}
}

func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	request := func(zone, name string) *ec2.RunInstancesInput {
		in := &ec2.RunInstancesInput{
			ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			ClientToken: aws.String("token-1"), UserData: aws.String("bmFtZQ=="),
		}
		if zone != "" {
			in.Placement = &types.Placement{AvailabilityZone: &zone}
		}
		if name != "" {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("Name"), Value: &name}}}}
		}
		return in
	}
	first, err := api.RunInstances(t.Context(), request("us-east-1a", "x"))
	noError(t, err)
	id := *first.Instances[0].InstanceId
	again, err := api.RunInstances(t.Context(), request("us-east-1a", "x"))
	noError(t, err)
	if *again.Instances[0].InstanceId != id || *again.ReservationId != *first.ReservationId {
		t.Error("the same request made a second instance")
	}
	_, err = api.RunInstances(t.Context(), request("us-east-1a", "y"))
	wantCode(t, err, "IdempotentParameterMismatch")
	for _, zone := range []string{"us-east-1b", ""} { // tokens are zonal
		other, err := api.RunInstances(t.Context(), request(zone, "y"))
		noError(t, err)
		if *other.Instances[0].InstanceId == id {
			t.Errorf("zone %q: the same instance", zone)
		}
	}
	_, err = api.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	_, err = api.RunInstances(t.Context(), request("us-east-1a", "x"))
	wantCode(t, err, "IdempotentInstanceTerminated")
	found, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("client-token"), Values: []string{"token-1"}},
		{Name: aws.String("tag:Name"), Values: []string{"x*"}},
	}})
	noError(t, err)
	if len(found.Reservations) != 1 || *found.Reservations[0].Instances[0].InstanceId != id {
		t.Errorf("by token and tag: %+v", found.Reservations)
	}
}

func TestRunInstancesRefuses(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	s := aws.String
	for name, c := range map[string]struct {
		edit func(*ec2.RunInstancesInput)
		code string
	}{
		"unknown image":   {func(in *ec2.RunInstancesInput) { in.ImageId = s("ami-00000000000000000") }, "InvalidAMIID.NotFound"},
		"malformed image": {func(in *ec2.RunInstancesInput) { in.ImageId = s("al2023") }, "InvalidAMIID.Malformed"},
		"unknown parameter": {func(in *ec2.RunInstancesInput) {
			in.ImageId = s("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-gpu-x86_64")
		}, "InvalidParameterValue"},
		"unknown type":    {func(in *ec2.RunInstancesInput) { in.InstanceType = "t3.enormous" }, "InvalidParameterValue"},
		"architecture":    {func(in *ec2.RunInstancesInput) { in.InstanceType = "t4g.micro" }, "InvalidParameterValue"},
		"unknown key":     {func(in *ec2.RunInstancesInput) { in.KeyName = s("nokey") }, "InvalidKeyPair.NotFound"},
		"unknown group":   {func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{"sg-00000000000000000"} }, "InvalidGroup.NotFound"},
		"unknown name":    {func(in *ec2.RunInstancesInput) { in.SecurityGroups = []string{"nogroup"} }, "InvalidGroup.NotFound"},
		"unknown subnet":  {func(in *ec2.RunInstancesInput) { in.SubnetId = s("subnet-00000000000000000") }, "InvalidSubnetID.NotFound"},
		"unknown zone":    {func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{AvailabilityZone: s("us-east-1x")} }, "InvalidParameterValue"},
		"zone without it": {func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{AvailabilityZone: s("us-east-1c")} }, "Unsupported"},
		"unknown profile": {func(in *ec2.RunInstancesInput) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: s("none")}
		}, "InvalidParameterValue"},
		"long user-data": {func(in *ec2.RunInstancesInput) { in.UserData = s(strings.Repeat("A", 21848+4)) }, "InvalidParameterValue"},
		"no count":       {func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(0) }, "InvalidParameterValue"},
		"small root": {func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: s("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(4)}}}
		}, "InvalidBlockDeviceMapping"},
		"tag key that metadata cannot show": {func(in *ec2.RunInstancesInput) {
			in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: "enabled"}
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: s("a/b"), Value: s("")}}}}
		}, "InvalidParameterValue"},
		"reserved tag": {func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: s("aws:x"), Value: s("")}}}}
		}, "InvalidParameterValue"},
		"what this cloud does not know": {func(in *ec2.RunInstancesInput) {
			in.EnclaveOptions = &types.EnclaveOptionsRequest{Enabled: aws.Bool(true)}
		}, "UnknownParameter"},
		"dry run": {func(in *ec2.RunInstancesInput) { in.DryRun = aws.Bool(true) }, "DryRunOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &ec2.RunInstancesInput{ImageId: s(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
			c.edit(in)
			_, err := api.RunInstances(t.Context(), in)
			wantCode(t, err, c.code)
		})
	}
	out, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	noError(t, err)
	if len(out.Reservations) != 0 {
		t.Errorf("refused requests made %d reservations", len(out.Reservations))
	}
}

func TestWrongRootDeviceNameAddsAVolume(t *testing.T) {
	w := newWorld(t)
	mapping := func(device string) func(*ec2.RunInstancesInput) {
		return func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{
				DeviceName: &device,
				Ebs:        &types.EbsBlockDevice{VolumeSize: aws.Int32(20), VolumeType: "gp3", Encrypted: aws.Bool(true)},
			}}
		}
	}
	if i := w.run(mapping("/dev/xvda")); len(i.BlockDeviceMappings) != 1 {
		t.Errorf("the right name gives %d volumes", len(i.BlockDeviceMappings))
	}
	if i := w.run(mapping("/dev/sda1")); len(i.BlockDeviceMappings) != 2 || *i.RootDeviceName != "/dev/xvda" {
		t.Errorf("the wrong name gives %d volumes", len(i.BlockDeviceMappings))
	}
}

func TestPagesNeitherRepeatNorHide(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.run(func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = aws.Int32(4), aws.Int32(4) })
	}
	api := w.ec2(w.admin())
	seen := map[string]int{}
	pages := ec2.NewDescribeInstancesPaginator(api, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	count := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		noError(t, err)
		count++
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				seen[*i.InstanceId]++
			}
		}
	}
	if len(seen) != 12 || count != 3 {
		t.Errorf("%d instances on %d pages", len(seen), count)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was seen %d times", id, n)
		}
	}
	_, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(2)})
	wantCode(t, err, "InvalidParameterValue")
	_, err = api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{NextToken: aws.String("x")})
	wantCode(t, err, "InvalidNextToken")
	_, err = api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("colour"), Values: []string{"x"}}}})
	wantCode(t, err, "InvalidParameterValue")
}

func TestRegionsAreWorldsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	id := *w.run(nil).InstanceId
	elsewhere := w.admin()
	elsewhere.region = "eu-west-1"
	_, err := w.ec2(elsewhere).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "InvalidInstanceID.NotFound")
	vpcs, err := w.ec2(elsewhere).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}})
	noError(t, err)
	if len(vpcs.Vpcs) != 1 {
		t.Errorf("%d default VPCs", len(vpcs.Vpcs))
	}
	elsewhere.region = "mars-north-1"
	_, err = w.ec2(elsewhere).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "AuthFailure")
}

func TestWhoIsCalling(t *testing.T) {
	w := newWorld(t)
	out, err := w.sts(w.admin()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	noError(t, err)
	if *out.Account != "123456789012" || *out.Arn != "arn:aws:iam::123456789012:user/admin" || !strings.HasPrefix(*out.UserId, "AIDA") {
		t.Errorf("it is %s %s %s", *out.Account, *out.Arn, *out.UserId)
	}
}
