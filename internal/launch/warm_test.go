package launch_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// household is a user who launches from one machine again and again.
type household struct {
	cloud cloudtest.Cloud
	*launch.Launcher
	key launch.Plan // whose SSH key all its launches use
}

func newHousehold(t *testing.T) household {
	t.Helper()
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	l.Cache = account.Cache{Dir: t.TempDir(), Endpoint: l.Endpoint, Caller: "me", Now: time.Now}
	return household{c, l, plan(t)}
}

// launch launches and returns the calls that it took, polling apart.
func (h household) launch(t *testing.T) []tape.Call {
	t.Helper()
	p := plan(t)
	p.Key = h.key.Key
	before := h.cloud.Local.Tape().Count()
	if _, err := h.Launch(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(h.cloud.Local.Tape().Calls(before), func(c tape.Call) bool { return c.Action == "DescribeInstances" })
}

// coldCalls is how many calls a cold launch may take, polling apart. Four of them
// are the cloud's layer of the deadline: role, policy, group, schedule; one lets
// the cloud take the security group away when nothing uses it any more.
const coldCalls = 18

// end terminates an instance and waits until it is gone, and its interface with
// it.
func end(t *testing.T, c cloudtest.Cloud, in ec2types.Instance) {
	t.Helper()
	ids := []string{aws.ToString(in.InstanceId)}
	if _, err := c.Target.EC2().TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids}); err != nil {
		t.Fatal(err)
	}
	gone := ec2.NewInstanceTerminatedWaiter(c.Target.EC2(), func(o *ec2.InstanceTerminatedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 100*time.Millisecond
	})
	if err := gone.Wait(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// together holds every call of a round until all of the round have arrived: a
// call that waits for another one of its round would wait for ever. What belongs
// to no round is let through.
func together(t *testing.T, c cloudtest.Cloud, rounds ...[]string) {
	t.Helper()
	type round struct {
		missing map[string]int
		all     chan struct{}
	}
	var mu sync.Mutex
	of := map[string][]*round{}
	for _, names := range rounds {
		r := &round{missing: map[string]int{}, all: make(chan struct{})}
		for _, name := range names {
			if r.missing[name]++; r.missing[name] == 1 {
				of[name] = append(of[name], r)
			}
		}
	}
	remove := c.Local.Tape().AddHook(func(p tape.Point, call tape.Call) tape.Verdict {
		if p != tape.Before {
			return tape.Continue
		}
		mu.Lock()
		var mine *round
		for _, r := range of[call.Action] {
			if r.missing[call.Action] > 0 {
				mine = r
				break
			}
		}
		if mine == nil {
			mu.Unlock()
			return tape.Continue
		}
		if mine.missing[call.Action]--; mine.missing[call.Action] == 0 {
			delete(mine.missing, call.Action)
		}
		if len(mine.missing) == 0 {
			close(mine.all)
		}
		mu.Unlock()
		select {
		case <-mine.all:
		case <-time.After(time.Minute):
			mu.Lock()
			defer mu.Unlock()
			t.Errorf("%s is held up: of its round %v did not come", call.Action, mine.missing)
		}
		return tape.Continue
	})
	t.Cleanup(remove)
}

func actions(calls []tape.Call) (names []string) {
	for _, c := range calls {
		names = append(names, c.Action)
	}
	return names
}

func TestCallsOfALaunch(t *testing.T) {
	h := newHousehold(t)
	together(
		t, h.cloud,
		[]string{"GetCallerIdentity"},
		[]string{"DescribeKeyPairs", "CreateSecurityGroup", "CreateRole", "CreateInstanceProfile", "CreateBucket", "HeadObject", "CreateRole", "CreateScheduleGroup"},
		[]string{"ImportKeyPair", "AuthorizeSecurityGroupIngress", "PutRolePolicy", "AddRoleToInstanceProfile", "PutObject", "PutRolePolicy"},
	)
	cold := h.launch(t)
	if n := len(cold); n > coldCalls {
		t.Errorf("a cold launch took %d calls: %v", n, actions(cold))
	}
	together(t, h.cloud, []string{"RunInstances", "HeadObject"}) // neither waits for the other
	warm := h.launch(t)
	if n := len(warm); n > 3 {
		t.Errorf("a warm launch took %d calls: %v", n, actions(warm))
	}
}

// What is remembered and gone is provided again, and the launch succeeds.
func TestAFactThatIsGoneIsFoundOutAgain(t *testing.T) {
	for name, remove := range map[string]func(context.Context, household) error{
		"the security group": func(ctx context.Context, h household) error {
			_, err := h.cloud.Target.EC2().DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupName: aws.String(account.SecurityGroupName(account.Loopback()))})
			return err
		},
		"the key": func(ctx context.Context, h household) error {
			_, err := h.cloud.Target.EC2().DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String(account.DefaultKeyName)})
			return err
		},
		"the instance profile": func(ctx context.Context, h household) error {
			client, name := account.IAMOf(h.cloud.Target), aws.String(permissions.AgentRole)
			if _, err := client.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: name}); err != nil {
				return err
			}
			_, err := client.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: name})
			return err
		},
		"the agent": func(ctx context.Context, h household) error {
			bucket := aws.String(account.BucketName("123456789012", "us-east-1"))
			client := account.S3Of(h.cloud.Target)
			listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
			if err != nil {
				return err
			}
			for _, o := range listed.Contents {
				if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: o.Key}); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			h.launch(t)
			for _, in := range instances(t, h.cloud) {
				end(t, h.cloud, in)
			}
			if err := remove(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			h.launch(t)
			listed, err := account.S3Of(h.cloud.Target).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(account.BucketName("123456789012", "us-east-1"))})
			if err != nil || !slices.ContainsFunc(listed.Contents, func(o types.Object) bool { return aws.ToInt64(o.Size) > 1e6 }) {
				t.Errorf("the agent is not in the bucket: %v", err)
			}
			if later := h.launch(t); len(later) > 3 {
				t.Errorf("the launch after that asked again: %v", actions(later))
			}
		})
	}
}

// TestAWrongClockMovesNoDeadline launches from a machine that remembers all it
// needs and whose clock is hours behind: the first that it hears from the service
// is the refusal of RunInstances.
func TestAWrongClockMovesNoDeadline(t *testing.T) {
	h := newHousehold(t)
	h.launch(t)
	if err := h.cloud.Local.Clock().Advance(3 * time.Hour); err != nil {
		t.Fatal(err)
	}
	later := launcher(t, h.cloud.Again(t))
	later.Cache, h.Launcher = h.Cache, later
	calls := slices.DeleteFunc(actions(h.launch(t)), func(name string) bool { return name == "" }) // refused before it was read
	if calls[0] != "RunInstances" {
		t.Errorf("something was asked before: %v", calls)
	}
	for _, in := range instances(t, h.cloud) {
		if in.State.Name == ec2types.InstanceStateNameTerminated {
			continue // the first one, at its deadline
		}
		tags, _ := lifecycle.ReadInstanceTags(account.TagMap(in.Tags))
		if late := tags.Deadline.Time().Sub(in.LaunchTime.Add(time.Hour)); late.Abs() > time.Minute {
			t.Errorf("launched at %s for an hour, it ends at %s", in.LaunchTime, tags.Deadline)
		}
	}
}
