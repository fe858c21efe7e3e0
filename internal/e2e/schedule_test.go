//go:build unix

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	spawned "github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/control"
)

// seeSchedules prints every schedule of the script's local cloud that is about an
// instance: its name, what it calls, and how long after the deadline of its instance's tag it begins.
func seeSchedules(ctx context.Context, ts *testscript.TestScript) {
	target := localTarget(ts, awsx.DefaultRegion)
	api := account.SchedulerOf(target)
	out, err := api.ListSchedules(ctx, &scheduler.ListSchedulesInput{NamePrefix: aws.String("i-")})
	ts.Check(err)
	if len(out.Schedules) == 0 {
		fmt.Fprintln(ts.Stdout(), "no schedules") // what prints nothing leaves stdout as it was
	}
	for _, s := range out.Schedules {
		got, err := api.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: s.Name, GroupName: s.GroupName})
		ts.Check(err)
		id, _, _ := strings.Cut(aws.ToString(s.Name), ".")
		found, err := target.EC2().DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		ts.Check(err)
		tags, _ := lifecycle.ReadInstanceTags(account.TagMap(found.Reservations[0].Instances[0].Tags))
		_, operation, _ := strings.Cut(aws.ToString(got.Target.Arn), "aws-sdk:")
		fmt.Fprintf(ts.Stdout(), "%s/%s %s %s after-deadline=%s\n", aws.ToString(s.GroupName), aws.ToString(s.Name), tags.Name, operation, aws.ToTime(got.StartDate).Sub(tags.Deadline.Time()))
	}
}

// seeJanitors prints the schedules that are about anything else: what they call,
// and how long after the last deadline of an instance they begin.
func seeJanitors(ctx context.Context, ts *testscript.TestScript) {
	target := localTarget(ts, awsx.DefaultRegion)
	api := account.SchedulerOf(target)
	all, err := spawned.List(ctx, target.EC2())
	ts.Check(err)
	var last time.Time
	for _, in := range all {
		if at := in.Tags.Deadline.Time(); at.After(last) {
			last = at
		}
	}
	out, err := api.ListSchedules(ctx, &scheduler.ListSchedulesInput{})
	ts.Check(err)
	for _, s := range out.Schedules {
		if strings.HasPrefix(aws.ToString(s.Name), "i-") {
			continue
		}
		got, err := api.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: s.Name, GroupName: s.GroupName})
		ts.Check(err)
		_, operation, _ := strings.Cut(aws.ToString(got.Target.Arn), "aws-sdk:")
		fmt.Fprintf(ts.Stdout(), "%s %s after-deadline=%s\n", aws.ToString(s.Name), operation, aws.ToTime(got.StartDate).Sub(last).Round(time.Minute))
	}
	fmt.Fprintln(ts.Stdout(), "these are the janitors")
}

// advance moves the clock of the script's local cloud on: advance 2h.
func advance(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: advance <duration>")
	}
	by, err := time.ParseDuration(args[0])
	ts.Check(err)
	text, err := os.ReadFile(filepath.Join(ts.Getenv("HOME"), ".local/state/spawn/local/cloud.json"))
	ts.Check(err)
	var at contact
	ts.Check(json.Unmarshal(text, &at))
	_, err = control.NewClient(at.Endpoint, at.SecretAccessKey).Advance(context.Background(), by)
	ts.Check(err)
}
