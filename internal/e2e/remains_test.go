//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

const (
	otherPrincipal = "arn:aws:iam::123456789012:user/somebody-else"
	imageName      = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
)

// leave puts something into the script's local cloud that a cleanup meets, an
// hour old by its tag: a security group and a volume without an instance, of the
// caller, of somebody else, of nobody, or one that is to be kept. With a region
// it is put there.
//
//	leave mine|other|foreign|kept [region]
//	leave cargo
func leave(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: leave mine|other|foreign|kept|cargo [region]")
	}
	region := awsx.DefaultRegion
	if len(args) == 2 {
		region = args[1]
	}
	ctx, target := context.Background(), localTarget(ts, region)
	who, err := account.Identify(ctx, account.STSOf(target))
	ts.Check(err)
	if args[0] == "cargo" {
		_, err := account.EnsureObject(ctx, account.S3Of(target), who, region, account.CargoPrefix+"script", []byte("#!/bin/sh\n"), func(account.Kind, string) {})
		ts.Check(err)
		return
	}
	owner := who.ARN
	if args[0] == "other" {
		owner = otherPrincipal
	}
	tags := lifecycle.Origin{Owner: owner, Launch: "earlier", Created: time.Now().Add(-time.Hour)}.Tags()
	switch args[0] {
	case "kept":
		tags[lifecycle.TagKeep] = "true"
	case "foreign":
		tags = map[string]string{lifecycle.TagName: "foreign"}
	}
	leaveGroupAndVolume(ctx, ts, target.EC2(), args[0], tags)
}

// leaveGroupAndVolume makes them; the volume survives its instance, which is not
// spawn's.
func leaveGroupAndVolume(ctx context.Context, ts *testscript.TestScript, api *ec2.Client, name string, tags map[string]string) {
	vpcs, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	ts.Check(err)
	_, err = api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String(name), Description: aws.String("left"), VpcId: vpcs.Vpcs[0].VpcId,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: account.EC2Tags(tags)}},
	})
	ts.Check(err)
	out, err := api.RunInstances(ctx, &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro, ImageId: aws.String(imageName),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdb"), Ebs: &types.EbsBlockDevice{
			VolumeSize: aws.Int32(100), VolumeType: types.VolumeTypeGp3, DeleteOnTermination: aws.Bool(false),
		}}},
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: account.EC2Tags(tags)}},
	})
	ts.Check(err)
	ids := []string{aws.ToString(out.Instances[0].InstanceId)}
	_, err = api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
	ts.Check(err)
	gone := ec2.NewInstanceTerminatedWaiter(api, func(o *ec2.InstanceTerminatedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 100*time.Millisecond
	})
	ts.Check(gone.Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute))
}

// seeRemains counts what there is in the script's local cloud by kind and owner,
// a line each, in two regions and in what serves all.
func seeRemains(ctx context.Context, ts *testscript.TestScript) {
	var b bytes.Buffer
	for _, region := range []string{awsx.DefaultRegion, "eu-west-1"} {
		target := localTarget(ts, region)
		api := target.EC2()
		groups, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
		ts.Check(err)
		for _, g := range groups.SecurityGroups {
			fmt.Fprintf(&b, "%s group %s %s\n", region, aws.ToString(g.GroupName), whose(account.TagMap(g.Tags)))
		}
		volumes, err := api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{{Name: aws.String("status"), Values: []string{"available"}}}})
		ts.Check(err)
		for _, v := range volumes.Volumes {
			fmt.Fprintf(&b, "%s volume %s\n", region, whose(account.TagMap(v.Tags)))
		}
		objects, err := account.S3Of(target).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(account.BucketName("123456789012", region))})
		if awserr.IgnoreNotFound(err) != nil {
			ts.Check(err)
		}
		if err == nil {
			fmt.Fprintf(&b, "%s bucket\n", region)
			for _, o := range objects.Contents {
				kind, _, _ := strings.Cut(aws.ToString(o.Key), "/")
				fmt.Fprintf(&b, "%s object %s\n", region, kind)
			}
		}
		group, err := account.SchedulerOf(target).GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: aws.String(permissions.ScheduleGroup)})
		if err == nil && group.State == "ACTIVE" {
			fmt.Fprintf(&b, "%s schedule-group\n", region)
		}
	}
	for _, name := range []string{permissions.AgentRole, permissions.SchedulerRole} {
		if _, err := account.IAMOf(localTarget(ts, awsx.DefaultRegion)).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(name)}); err == nil {
			fmt.Fprintf(&b, "role %s\n", name)
		}
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	slices.Sort(lines)
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}

// whose tells whose something is by its tags.
func whose(tags map[string]string) string {
	switch {
	case lifecycle.Kept(tags):
		return "kept"
	case !lifecycle.Managed(tags):
		return "nobody's"
	case tags[lifecycle.TagOwner] == otherPrincipal:
		return "other's"
	default:
		return "mine"
	}
}
