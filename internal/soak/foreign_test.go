package soak_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// plant puts into the account what spawn must never touch: other people's own, and
// what bears our tags and is to be kept.
func (a *admin) plant(ctx context.Context, owner string) error {
	kept := map[string]string{"spawn:managed": "true", "spawn:keep": "true", "spawn:owner": owner, "spawn:created": "2000-01-01T00:00:00Z", "spawn:deadline": "2000-01-01T01:00:00Z"}
	for _, tags := range []map[string]string{{"team": "payroll"}, {"spawn:managed": "false", "spawn:owner": owner}} {
		if err := a.plantInstance(ctx, tags); err != nil {
			return err
		}
	}
	if err := a.plantLooseVolume(ctx); err != nil {
		return err
	}
	for n, tags := range []map[string]string{{"team": "payroll"}, kept} {
		if err := a.plantNetwork(ctx, n, tags); err != nil {
			return err
		}
	}
	if _, err := a.ec2.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("payroll"), PublicKeyMaterial: []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6bqtrPsPsZ3YmJXqQj2bYyYl0m3c1Ujx0sSb3mF1bT payroll")}); err != nil {
		return err
	}
	return a.plantSchedule(ctx)
}

func (a *admin) plantInstance(ctx context.Context, tags map[string]string) error {
	in := &ec2.RunInstancesInput{
		ImageId: aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tagList(tags)}, {ResourceType: types.ResourceTypeVolume, Tags: tagList(tags)}},
	}
	_, err := a.ec2.RunInstances(ctx, in)
	return err
}

// plantLooseVolume leaves a volume whose instance has ended.
func (a *admin) plantLooseVolume(ctx context.Context) error {
	out, err := a.ec2.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)}}},
	})
	if err != nil {
		return err
	}
	_, err = a.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{aws.ToString(out.Instances[0].InstanceId)}})
	return err
}

func (a *admin) plantNetwork(ctx context.Context, n int, tags map[string]string) error {
	of := func(kind types.ResourceType) []types.TagSpecification {
		return []types.TagSpecification{{ResourceType: kind, Tags: tagList(tags)}}
	}
	vpc, err := a.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String(fmt.Sprintf("10.%d.0.0/16", n)), TagSpecifications: of(types.ResourceTypeVpc)})
	if err != nil {
		return err
	}
	if _, err := a.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String(fmt.Sprintf("10.%d.1.0/24", n)), TagSpecifications: of(types.ResourceTypeSubnet)}); err != nil {
		return err
	}
	gateway, err := a.ec2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{TagSpecifications: of(types.ResourceTypeInternetGateway)})
	if err != nil {
		return err
	}
	if _, err := a.ec2.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: gateway.InternetGateway.InternetGatewayId, VpcId: vpc.Vpc.VpcId}); err != nil {
		return err
	}
	_, err = a.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("payroll"), Description: aws.String("payroll"), VpcId: vpc.Vpc.VpcId, TagSpecifications: of(types.ResourceTypeSecurityGroup)})
	return err
}

// plantSchedule makes a schedule in a group of its own, and a role for it.
func (a *admin) plantSchedule(ctx context.Context) error {
	role, err := a.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("payroll"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		return err
	}
	if _, err := a.scheduler.CreateScheduleGroup(ctx, &scheduler.CreateScheduleGroupInput{Name: aws.String("payroll")}); err != nil {
		return err
	}
	_, err = a.scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		GroupName: aws.String("payroll"), Name: aws.String("i-0123456789abcdef0"), ScheduleExpression: aws.String("rate(900 days)"),
		FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		Target:             &schedulertypes.Target{Arn: aws.String("arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"), RoleArn: role.Role.Arn, Input: aws.String(`{"InstanceIds":["i-0123456789abcdef0"]}`)},
	})
	return err
}

// foreigners describe all that is not ours, or is to be kept.
func (w *witness) foreigners(ctx context.Context) (string, error) {
	api := w.world.root
	var all []any
	foreign := func(tags []types.Tag) bool {
		m := tagMap(tags)
		return m["spawn:managed"] != "true" || m["spawn:keep"] == "true"
	}
	instances, err := w.instances(ctx)
	if err != nil {
		return "", err
	}
	for _, in := range instances {
		if foreign(in.Tags) && in.State.Name != types.InstanceStateNameTerminated {
			all = append(all, in)
		}
	}
	volumes, err := api.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	if err != nil {
		return "", err
	}
	for _, v := range volumes.Volumes {
		if foreign(v.Tags) {
			all = append(all, v)
		}
	}
	vpcs, err := api.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	if err != nil {
		return "", err
	}
	all = append(all, vpcs.Vpcs) // people have a default VPC here, and need no other
	subnets, err := api.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	if err != nil {
		return "", err
	}
	for _, s := range subnets.Subnets {
		s.AvailableIpAddressCount = nil
		all = append(all, s)
	}
	gateways, err := api.ec2.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	if err != nil {
		return "", err
	}
	all = append(all, gateways.InternetGateways)
	groups, err := api.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		return "", err
	}
	for _, g := range groups.SecurityGroups {
		if foreign(g.Tags) {
			all = append(all, g)
		}
	}
	key, err := api.ec2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{"payroll"}})
	if err != nil {
		return "", err
	}
	schedule, err := api.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: aws.String("payroll"), Name: aws.String("i-0123456789abcdef0")})
	if err != nil {
		return "", err
	}
	return toJSON(append(all, key.KeyPairs, schedule.Target, schedule.ScheduleExpression)), nil
}

// untouched holds that what is not ours is as it was.
func (w *witness) untouched(ctx context.Context) error {
	now, err := w.foreigners(ctx)
	if err != nil {
		w.violated("what is not ours cannot be found any more: %v", err)
		return nil
	}
	if w.foreign == "" {
		w.foreign = now
	}
	w.holds(now == w.foreign, "what is not ours was changed:\n%s\nIt was:\n%s", now, w.foreign)
	return nil
}

func tagList(m map[string]string) (tags []types.Tag) {
	for k, v := range m {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return tags
}
