//go:build unix

package e2e_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// seen prints what is in the local cloud, a line each, for stdout to match:
// seen instances, seen spot-requests, seen schedules, seen janitors, seen remains,
// seen boots, seen disks.
func seen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: seen instances|spot-requests|schedules|janitors|remains|boots|disks")
	}
	ctx, api := context.Background(), localEC2(ts, awsx.DefaultRegion)
	switch args[0] {
	case "instances":
		out, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
		ts.Check(err)
		if len(out.Reservations) == 0 {
			fmt.Fprintln(ts.Stdout(), "no instances")
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				fmt.Fprintf(ts.Stdout(), "%s %s %s %s %s %s reservation=%s ttl=%s\n", aws.ToString(i.InstanceId), account.TagMap(i.Tags)[lifecycle.TagName], i.InstanceType, i.State.Name,
					aws.ToString(i.Placement.AvailabilityZone), lifecycle.ParseMarket(string(i.InstanceLifecycle)), aws.ToString(i.CapacityReservationId), account.TagMap(i.Tags)[lifecycle.TagTTL])
			}
		}
	case "spot-requests":
		out, err := api.DescribeSpotInstanceRequests(ctx, &ec2.DescribeSpotInstanceRequestsInput{})
		ts.Check(err)
		for _, r := range out.SpotInstanceRequests {
			fmt.Fprintf(ts.Stdout(), "%s %s %s %s max=%s managed=%s\n", aws.ToString(r.SpotInstanceRequestId), r.Type, r.State, r.InstanceInterruptionBehavior,
				aws.ToString(r.SpotPrice), account.TagMap(r.Tags)[lifecycle.TagManaged])
		}
	case "schedules":
		seeSchedules(ctx, ts)
	case "janitors":
		seeJanitors(ctx, ts)
	case "remains":
		seeRemains(ctx, ts)
	case "boots":
		seenBoots(ctx, ts, api)
	case "disks":
		seenDisks(ctx, ts, api)
	default:
		if !seenNetwork(ts, api, args[0]) {
			ts.Fatalf("nothing is called %s", args[0])
		}
	}
}
