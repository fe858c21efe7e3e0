//go:build unix

package e2e_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// ami finds the one public image of the local cloud whose name fits a pattern,
// and puts its id into a variable of the script:
//
//	ami DEBIAN 'debian-12-amd64-*'
func ami(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ami <variable> <name>")
	}
	out, err := localEC2(ts, awsx.DefaultRegion).DescribeImages(context.Background(), &ec2.DescribeImagesInput{
		Filters: []types.Filter{{Name: aws.String("name"), Values: []string{args[1]}}},
	})
	ts.Check(err)
	if len(out.Images) != 1 {
		ts.Fatalf("%d images are called %s", len(out.Images), args[1])
	}
	ts.Setenv(args[0], aws.ToString(out.Images[0].ImageId))
}

// seenBoots prints what instances booted from, and as whom one logs in.
func seenBoots(ctx context.Context, ts *testscript.TestScript, api *ec2.Client) {
	eachInstance(ctx, ts, api, func(name string, i types.Instance) {
		images, err := api.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{aws.ToString(i.ImageId)}})
		ts.Check(err)
		hibernation := i.HibernationOptions != nil && aws.ToBool(i.HibernationOptions.Configured)
		fmt.Fprintf(ts.Stdout(), "%s image=%s user=%s hibernation=%t\n", name, aws.ToString(images.Images[0].Name), account.TagMap(i.Tags)[lifecycle.TagUser], hibernation)
	})
}

// seenDisks prints the volumes of instances.
func seenDisks(ctx context.Context, ts *testscript.TestScript, api *ec2.Client) {
	eachInstance(ctx, ts, api, func(name string, i types.Instance) {
		volumes, err := api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{
			{Name: aws.String("attachment.instance-id"), Values: []string{aws.ToString(i.InstanceId)}},
		}})
		ts.Check(err)
		for _, v := range volumes.Volumes {
			at := v.Attachments[0]
			fmt.Fprintf(ts.Stdout(), "%s %s %dGiB %s root=%t encrypted=%t goes=%t\n", name, aws.ToString(at.Device), aws.ToInt32(v.Size), v.VolumeType,
				aws.ToString(at.Device) == aws.ToString(i.RootDeviceName), aws.ToBool(v.Encrypted), aws.ToBool(at.DeleteOnTermination))
		}
	})
}

func eachInstance(ctx context.Context, ts *testscript.TestScript, api *ec2.Client, show func(name string, i types.Instance)) {
	out, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	ts.Check(err)
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			show(account.TagMap(i.Tags)[lifecycle.TagName], i)
		}
	}
}
