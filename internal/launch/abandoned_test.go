package launch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// died is a launch that asked for instances and died before it did anything with
// them, and whoever comes after it.
type died struct {
	cloudtest.Cloud
	me  account.Identity
	dir string
}

func die(t *testing.T, asked ...*ec2.RunInstancesInput) died {
	t.Helper()
	d := died{Cloud: cloudtest.Local(t, nil), dir: t.TempDir()}
	var err error
	if d.me, err = account.Identify(t.Context(), account.STSOf(d.Target)); err != nil {
		t.Fatal(err)
	}
	if err := account.EnsureScheduler(t.Context(), account.IAMOf(d.Target), account.SchedulerOf(d.Target), d.me, func() lifecycle.Origin { return lifecycle.Origin{} }, func(account.Kind, string) {}); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Begin(d.dir, journal.Header{Launch: "died", Account: d.me.Account, Region: d.Target.Region, Endpoint: d.Target.Endpoint, Created: d.Local.Clock().Now()})
	if err != nil {
		t.Fatal(err)
	}
	for i, request := range asked {
		tags := lifecycle.InstanceTags{Name: "it", Origin: lifecycle.Origin{Owner: d.me.ARN, Launch: "died"}, Deadline: lifecycle.DeadlineAt(d.Local.Clock().Now().Add(time.Hour))}
		request.ClientToken, request.InstanceType = aws.String(fmt.Sprint("died-", i)), types.InstanceTypeM7iLarge
		request.ImageId = aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")
		request.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags.Tags())}}
		frozen, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Record(journal.Entry{Kind: journal.Attempt, ID: aws.ToString(request.ClientToken), At: d.Local.Clock().Now(), Request: frozen}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Target.EC2().RunInstances(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d died) finish(t *testing.T) {
	t.Helper()
	if _, err := launch.FinishAbandoned(t.Context(), d.dir, d.Target.Endpoint, d.Target.Region, d.Target.EC2(), backstop(d.Cloud)); err != nil {
		t.Fatal(err)
	}
}

func (d died) journals(t *testing.T) int {
	t.Helper()
	left, err := journal.Abandoned(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range left {
		if err := r.Release(); err != nil {
			t.Fatal(err)
		}
	}
	return len(left)
}

func (d died) names(t *testing.T) (names []string) {
	t.Helper()
	for _, in := range instances(t, d.Cloud) {
		names = append(names, account.TagMap(in.Tags)[lifecycle.TagName])
	}
	return slices.Sorted(slices.Values(names))
}

func several(n int32) *ec2.RunInstancesInput {
	return &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(n)}
}

// TestInstancesOfALaunchThatDiedAreToldApart: a name that one of them was given
// stays its own.
func TestInstancesOfALaunchThatDiedAreToldApart(t *testing.T) {
	d := die(t, several(2), several(1))
	named := aws.ToString(instances(t, d.Cloud)[0].InstanceId)
	if _, err := d.Target.EC2().CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{named}, Tags: account.EC2Tags(map[string]string{lifecycle.TagName: "it-2"})}); err != nil {
		t.Fatal(err)
	}
	d.finish(t)
	if got := d.names(t); !slices.Equal(got, []string{"it-1", "it-2", "it-3"}) {
		t.Errorf("they are called %q", got)
	}
	if name := account.TagMap(instances(t, d.Cloud)[0].Tags)[lifecycle.TagName]; name != "it-2" {
		t.Errorf("the one that had its name is called %s now", name)
	}
	if d.journals(t) != 0 {
		t.Error("the launch is finished, and its journal is not closed")
	}
}

func TestTheOnlyInstanceOfALaunchThatDiedKeepsItsName(t *testing.T) {
	d := die(t, several(1))
	d.finish(t)
	if got := d.names(t); !slices.Equal(got, []string{"it"}) {
		t.Errorf("it is called %q", got)
	}
}

// TestAPersistentRequestOfALaunchThatDiedIsBound: its instance could not end for
// good without it.
func TestAPersistentRequestOfALaunchThatDiedIsBound(t *testing.T) {
	request := several(1)
	request.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{
		SpotInstanceType: types.SpotInstanceTypePersistent, InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop,
	}}
	d := die(t, request)
	d.finish(t)
	in := instances(t, d.Cloud)[0]
	if got := account.TagMap(in.Tags)[lifecycle.TagSpotRequest]; got == "" || got != aws.ToString(in.SpotInstanceRequestId) {
		t.Errorf("the instance says its request is %q, it is %s", got, aws.ToString(in.SpotInstanceRequestId))
	}
	out, err := d.Target.EC2().DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("arn:aws:ec2:us-east-1:%s:instance/%s", d.me.Account, aws.ToString(in.InstanceId))
	if got := account.TagMap(out.SpotInstanceRequests[0].Tags)[lifecycle.TagInstance]; got != want {
		t.Errorf("the request says its instance is %q, it is %s", got, want)
	}
	if ids := armed(t, d.Cloud); len(ids) != 2 {
		t.Errorf("schedules: %v", ids)
	}
}

// TestWhatADeadLaunchMadeUnheardIsThisMachinesOwn, and is not, while an instance
// may still come to be seen, forgotten.
func TestWhatADeadLaunchMadeUnheardIsThisMachinesOwn(t *testing.T) {
	for name, age := range map[string]time.Duration{"just now": 0, "a while ago": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			d := die(t, several(1))
			origin := func() lifecycle.Origin {
				return lifecycle.Origin{Owner: d.me.ARN, Launch: "died", Created: d.Local.Clock().Now()}
			}
			group, err := account.EnsureGroup(t.Context(), d.Target.EC2(), "", account.Loopback(), origin, func(account.Kind, string) {})
			if err != nil {
				t.Fatal(err)
			}
			recall := func() {
				t.Helper()
				if err := launch.RecallAbandoned(context.Background(), d.dir, d.Target.Endpoint, d.Target.Region, d.me, d.Target.EC2(), d.Local.Clock().Now().Add(age)); err != nil {
					t.Fatal(err)
				}
			}
			recall()
			if d.journals(t) != 1 {
				t.Fatal("an instance lives that was not armed, and its journal is closed")
			}
			if _, err := d.Target.EC2().TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{aws.ToString(instances(t, d.Cloud)[0].InstanceId)}}); err != nil {
				t.Fatal(err)
			}
			waiter := ec2.NewInstanceTerminatedWaiter(d.Target.EC2(), func(o *ec2.InstanceTerminatedWaiterOptions) { o.MinDelay = time.Millisecond })
			if err := waiter.Wait(t.Context(), &ec2.DescribeInstancesInput{}, time.Minute); err != nil {
				t.Fatal(err)
			}
			recall()
			made, err := journal.Made(d.dir)
			if err != nil || !maps.Equal(made, map[string]bool{group.SecurityGroup: true}) {
				t.Errorf("this machine made %v (%v), want %s", made, err, group.SecurityGroup)
			}
			if closed := d.journals(t) == 0; closed != (age > 0) {
				t.Errorf("closed: %v", closed)
			}
		})
	}
}
