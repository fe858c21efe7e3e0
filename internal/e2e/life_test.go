//go:build unix

package e2e_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// TestLife is the demo, judged by the state of the cloud: two instances are
// launched, one loses its agent, both end at their deadlines, nothing is left.
func TestLife(t *testing.T) {
	needAgents(t)
	tests := map[string]struct {
		plain   bool
		runtime string
	}{
		"as the tests' user, sandbox": {runtime: "sandbox"},
		"as a plain user, sandbox":    {plain: true, runtime: "sandbox"},
		"as the tests' user, process": {runtime: "process"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.plain && os.Getuid() != 0 {
				t.Skip("only root can become another plain user; the first case runs as one already")
			}
			u := newUser(t, tt.plain)
			if r := u.try(nil, "spawn", "local", "up", "--runtime", tt.runtime); r.code != 0 {
				t.Skipf("the runtime %s does not work here: %s %s", tt.runtime, r.stderr, u.log())
			}
			live(t, u, tt.runtime == "sandbox")
		})
	}
}

const ttl = 25 * time.Second

func live(t *testing.T, u *user, boots bool) {
	offer := u.do(nil, "truffle", "search", "t3.micro", "--local")
	first := launched(t, u, u.do(strings.NewReader(offer), "spawn", "launch", "--local", "--ttl", "25s", "--name", "one", "-o", "json"))
	target, inside := u.contact().look(t)
	api := target.EC2()
	checkInstance(t, api, first)

	var second instance
	if boots {
		second = launched(t, u, u.do(nil, "spawn", "--local", "--instance-type", "t3.micro", "--ttl", "25s", "--name", "two", "-o", "json"))
		killAgent(t, u, "two")
	}
	listed := u.do(nil, "spawn", "list", "--local", "-o", "json")
	if !strings.Contains(listed, first.ID) {
		t.Errorf("%s is not listed:\n%s", first.ID, listed)
	}
	u.do(nil, "spawn", "status", "--local", "one")

	ended := awaitEnd(t, api, first)
	if got := aws.ToString(ended.StateReason.Code); got != "Client.UserInitiatedShutdown" {
		t.Errorf("the first instance ended with %s: not through the API", got)
	}
	if boots {
		ended = awaitEnd(t, api, second)
		if got := aws.ToString(ended.StateReason.Code); got != "Client.InstanceInitiatedShutdown" {
			t.Errorf("the second instance ended with %s: not by its operating system", got)
		}
	}
	checkTape(t, inside, first)
	checkNothingLeft(t, u, api)
	checkNoSchedules(t, target)
	checkDown(t, u)
}

// instance is what spawn launch says that it launched.
type instance struct {
	ID       string    `json:"id"`
	Deadline time.Time `json:"deadline"`
	Ready    bool      `json:"agent_ready"`
}

func launched(t *testing.T, u *user, output string) instance {
	t.Helper()
	var in instance
	if err := json.Unmarshal([]byte(output), &in); err != nil {
		t.Fatalf("spawn launch printed %q: %v\n%s", output, err, u.log())
	}
	if !in.Ready {
		t.Errorf("the agent of %s is not ready", in.ID)
	}
	return in
}

func describe(t *testing.T, api *ec2.Client, id string) types.Instance {
	t.Helper()
	out, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Reservations[0].Instances[0]
}

func checkInstance(t *testing.T, api *ec2.Client, want instance) {
	t.Helper()
	in := describe(t, api, want.ID)
	tags := account.TagMap(in.Tags)
	read, problems := lifecycle.ReadInstanceTags(tags)
	if len(problems) > 0 || !lifecycle.Managed(tags) || !read.Deadline.Time().Equal(want.Deadline) || read.Deadline != lifecycle.DeadlineAt(read.Created.Add(ttl)) {
		t.Errorf("tags %v, problems %v, deadline said %v", tags, problems, want.Deadline)
	}
	status, err := lifecycle.ParseStatus(tags[lifecycle.TagStatus])
	if err != nil || status.Deadline != read.Deadline {
		t.Errorf("the agent's status is %+v (%v), the deadline %v", status, err, read.Deadline)
	}
	if in.State.Name != types.InstanceStateNameRunning {
		t.Errorf("state %s", in.State.Name)
	}
	if in.MetadataOptions.HttpTokens != types.HttpTokensStateRequired {
		t.Errorf("metadata without a token: %s", in.MetadataOptions.HttpTokens)
	}
	if !strings.HasSuffix(aws.ToString(in.IamInstanceProfile.Arn), ":instance-profile/"+permissions.AgentRole) {
		t.Errorf("profile %s", aws.ToString(in.IamInstanceProfile.Arn))
	}
	volumes, err := api.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{want.ID}}}})
	if err != nil || len(volumes.Volumes) != 1 || !aws.ToBool(volumes.Volumes[0].Encrypted) || !lifecycle.Managed(account.TagMap(volumes.Volumes[0].Tags)) {
		t.Errorf("volumes %+v (%v)", volumes.Volumes, err)
	}
	groups, err := api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{aws.ToString(in.SecurityGroups[0].GroupId)}})
	if err != nil || len(groups.SecurityGroups[0].IpPermissions) != 1 || aws.ToString(groups.SecurityGroups[0].IpPermissions[0].IpRanges[0].CidrIp) != "127.0.0.1/32" {
		t.Errorf("security group %+v (%v)", groups.SecurityGroups, err)
	}
}

// killAgent ends spored inside an instance and keeps it from coming back.
func killAgent(t *testing.T, u *user, name string) {
	t.Helper()
	script := `rm -f /usr/local/bin/spored
for p in /proc/[0-9]*; do if [ "$(cat "$p/comm" 2>/dev/null)" = spored ]; then kill -9 "${p#/proc/}"; fi; done
for i in 1 2 3; do
  sleep 1
  for p in /proc/[0-9]*; do if [ "$(cat "$p/comm" 2>/dev/null)" = spored ]; then exit 7; fi; done
done`
	if r := u.try(nil, "spawn", "connect", "--local", name, "--", "sh", "-c", script); r.code != 0 {
		t.Fatalf("the agent was not killed: exit %d, %s", r.code, r.stderr)
	}
}

func awaitEnd(t *testing.T, api *ec2.Client, in instance) types.Instance {
	t.Helper()
	for {
		now := describe(t, api, in.ID)
		if now.State.Name == types.InstanceStateNameTerminated {
			return now
		}
		if time.Since(in.Deadline) > 30*time.Second {
			t.Fatalf("%s is %s half a minute after its deadline", in.ID, now.State.Name)
		}
		time.Sleep(200 * time.Millisecond) // a real machine is being waited for
	}
}

// checkTape reads who ended what: the first instance ended itself, once, not
// before its deadline; nobody asked for the end of the second.
func checkTape(t *testing.T, c *control.Client, first instance) {
	t.Helper()
	calls, err := c.Tape(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends []tape.Call
	for _, call := range calls {
		if call.Action == "TerminateInstances" {
			ends = append(ends, call)
		}
	}
	if len(ends) != 1 {
		t.Fatalf("TerminateInstances was called %d times: %+v", len(ends), ends)
	}
	end := ends[0]
	if !strings.HasSuffix(end.Principal, ":assumed-role/"+permissions.AgentRole+"/"+first.ID) || end.Error != "" {
		t.Errorf("%s asked for the end of the first instance: %+v", end.Principal, end)
	}
	if len(end.Needs) != 1 || !strings.HasSuffix(end.Needs[0].Resource, "/"+first.ID) {
		t.Errorf("it ended %+v", end.Needs)
	}
	if late := end.Time.Sub(first.Deadline); late < 0 || late > 5*time.Second {
		t.Errorf("it was ended %v after its deadline", late)
	}
}

func checkNothingLeft(t *testing.T, u *user, api *ec2.Client) {
	t.Helper()
	u.do(nil, "spawn", "cleanup", "--local", "--yes")
	managed := []types.Filter{{Name: aws.String("tag-key"), Values: []string{lifecycle.TagManaged}}}
	var left []string
	volumes, err := api.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: managed})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range volumes.Volumes {
		left = append(left, aws.ToString(v.VolumeId))
	}
	nics, err := api.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: managed})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nics.NetworkInterfaces {
		left = append(left, aws.ToString(n.NetworkInterfaceId))
	}
	groups, err := api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.SecurityGroups {
		if aws.ToString(g.GroupName) != "default" {
			left = append(left, aws.ToString(g.GroupId))
		}
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// checkNoSchedules looks for what would still end what has ended.
func checkNoSchedules(t *testing.T, target *awsx.Target) {
	t.Helper()
	out, err := account.SchedulerOf(target).ListSchedules(t.Context(), &scheduler.ListSchedulesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Schedules {
		t.Errorf("the schedule %s is left", aws.ToString(s.Name))
	}
}

// checkDown ends the cloud and looks for what it should have taken with it.
func checkDown(t *testing.T, u *user) {
	t.Helper()
	before := descendants(t, u.contact().PID)
	u.do(nil, "spawn", "local", "down")
	if lives := slices.DeleteFunc(before, func(pid int) bool { return !alive(pid) }); len(lives) > 0 {
		t.Errorf("processes live on: %v", lives)
	}
	if _, err := os.Stat(u.cloudDir()); !os.IsNotExist(err) {
		t.Errorf("the cloud's folder is still there: %v", err)
	}
}
