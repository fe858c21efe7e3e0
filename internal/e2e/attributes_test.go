//go:build unix

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// attributes prints what EC2 has of one living instance, a line each, for
// stdout to match, its user-data unpacked:
//
//	attributes <name>
func attributes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: attributes <name>")
	}
	ctx, api := context.Background(), localEC2(ts, awsx.DefaultRegion)
	out, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("tag:" + lifecycle.TagName), Values: []string{args[0]}},
		{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
	}})
	ts.Check(err)
	if len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		ts.Fatalf("not one living instance is called %s", args[0])
	}
	in, w := out.Reservations[0].Instances[0], ts.Stdout()
	tags := account.TagMap(in.Tags)
	for _, key := range lifecycle.SortedKeys(tags) {
		fmt.Fprintf(w, "tag %s=%s\n", key, tags[key])
	}
	fmt.Fprintf(w, "state %s\nmetadata-tags %s\nhibernation %t\n", in.State.Name, in.MetadataOptions.InstanceMetadataTags, aws.ToBool(in.HibernationOptions.Configured))
	if in.IamInstanceProfile != nil {
		fmt.Fprintf(w, "profile %s\n", aws.ToString(in.IamInstanceProfile.Arn))
	}
	for _, device := range in.BlockDeviceMappings {
		volumes, err := api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{aws.ToString(device.Ebs.VolumeId)}})
		ts.Check(err)
		volume := account.TagMap(volumes.Volumes[0].Tags)
		for _, key := range lifecycle.SortedKeys(volume) {
			fmt.Fprintf(w, "volume tag %s=%s\n", key, volume[key])
		}
	}
	if id := aws.ToString(in.SpotInstanceRequestId); id != "" {
		requests, err := api.DescribeSpotInstanceRequests(ctx, &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{id}})
		ts.Check(err)
		r := requests.SpotInstanceRequests[0]
		fmt.Fprintf(w, "spot-request %s %s %s until=%s instance=%s\n", r.Type, r.State, r.InstanceInterruptionBehavior,
			aws.ToTime(r.ValidUntil).UTC().Format(time.RFC3339), account.TagMap(r.Tags)[lifecycle.TagInstance])
	}
	data, err := api.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: in.InstanceId, Attribute: types.InstanceAttributeNameUserData})
	ts.Check(err)
	packed, err := base64.StdEncoding.DecodeString(aws.ToString(data.UserData.Value))
	ts.Check(err)
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	ts.Check(err)
	text, err := io.ReadAll(plain)
	ts.Check(err)
	fmt.Fprintf(w, "user-data %d bytes\n%s\n", len(packed), text)
}
