package launch_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func launcher(t *testing.T, c cloudtest.Cloud) *launch.Launcher {
	t.Helper()
	return &launch.Launcher{
		EC2: c.Target.EC2(), STS: account.STSOf(c.Target), IAM: account.IAMOf(c.Target), S3: account.S3Of(c.Target), Scheduler: account.SchedulerOf(c.Target),
		ObjectURLs: account.ObjectURLs(c.Target),
		Address:    func(context.Context) (netip.Prefix, error) { return account.Loopback(), nil },
		Now:        c.Target.Clock.Now,
		Journals:   t.TempDir(),
		Endpoint:   c.Target.Endpoint,
		Patience:   time.Second, // nobody boots here who could answer
		Events:     func(launch.Event) {},
	}
}

func plan(t *testing.T) launch.Plan {
	t.Helper()
	s := specOf("t3.micro")
	s.TTL, s.Name, s.CreateKey = "1h", "it", true
	p, err := launch.Resolve(s, machine(t))
	if err != nil {
		needAgent(t, err)
		t.Fatal(err)
	}
	return p
}

// instances are all that the cloud shows, ended ones too.
func instances(t *testing.T, c cloudtest.Cloud) []types.Instance {
	t.Helper()
	out, err := c.Target.EC2().DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var all []types.Instance
	for _, r := range out.Reservations {
		all = append(all, r.Instances...)
	}
	return all
}

func wantNothingLeft(t *testing.T, c cloudtest.Cloud) {
	t.Helper()
	for _, in := range instances(t, c) {
		if in.State.Name != types.InstanceStateNameTerminated {
			t.Errorf("%s is %s", aws.ToString(in.InstanceId), in.State.Name)
		}
	}
	groups, err := c.Target.EC2().DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.SecurityGroups {
		if lifecycle.Managed(account.TagMap(g.Tags)) {
			t.Errorf("the security group %s is left", aws.ToString(g.GroupName))
		}
	}
}

func TestLaunchMakesWhatThePlanSays(t *testing.T) {
	// moto cannot judge this: it wants a size for the root volume, which AWS
	// takes from the image (EbsBlockDevice in the API reference).
	c := cloudtest.Local(t, nil)
	p, l := plan(t), launcher(t, c)
	var heard error
	l.Events = func(e launch.Event) {
		if ended, ok := e.(launch.Ended); ok && ended.Step == launch.StepReady {
			heard = ended.Err
		}
	}
	res, err := l.Launch(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	all := instances(t, c)
	if len(all) != 1 || aws.ToString(all[0].InstanceId) != res.Members[0].Instance.ID {
		t.Fatalf("%d instances", len(all))
	}
	in := all[0]
	tags, problems := lifecycle.ReadInstanceTags(account.TagMap(in.Tags))
	if len(problems) > 0 || tags.Deadline != res.Members[0].Deadline || tags.Deadline != lifecycle.DeadlineAt(tags.Created.Add(time.Hour)) || tags.Owner == "" {
		t.Errorf("tags %+v, problems %v", tags, problems)
	}
	if string(in.InstanceType) != "t3.micro" || aws.ToString(in.KeyName) != account.DefaultKeyName || in.IamInstanceProfile == nil {
		t.Errorf("type %s, key %s, profile %v", in.InstanceType, aws.ToString(in.KeyName), in.IamInstanceProfile)
	}
	if res.Members[0].Ready || heard == nil {
		t.Error("nothing booted, and the agent is said to be ready")
	}
	if left, err := os.ReadDir(l.Journals); err != nil || len(left) == 1 && strings.HasSuffix(left[0].Name(), ".journal") {
		t.Errorf("the launch is complete, and its journal says it is not: %v, %v", left, err)
	}
}

// unkind is EC2 with a RunInstances of the test's own.
type unkind struct {
	launch.EC2
	run func(context.Context, *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error)
}

func (u unkind) RunInstances(ctx context.Context, in *ec2.RunInstancesInput, _ ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error) {
	return u.run(ctx, in)
}

func TestRefusedLaunchLeavesNothing(t *testing.T) {
	for _, code := range []string{"InsufficientInstanceCapacity", "UnauthorizedOperation", "InvalidParameterValue"} {
		t.Run(code, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			l := launcher(t, c)
			l.EC2 = unkind{l.EC2, func(context.Context, *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
				return nil, &smithy.GenericAPIError{Code: code, Message: "no"}
			}}
			_, err := l.Launch(t.Context(), plan(t))
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != code {
				t.Errorf("the cause is lost: %v", err)
			}
			wantNothingLeft(t, c)
		})
	}
}

func TestLostAnswerDoesNotLoseTheInstance(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	ec2API := l.EC2
	l.EC2 = unkind{ec2API, func(ctx context.Context, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
		if _, err := ec2API.RunInstances(ctx, in); err != nil {
			return nil, err
		}
		return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	}}
	res, err := l.Launch(t.Context(), plan(t))
	if err != nil {
		t.Fatal(err)
	}
	if all := instances(t, c); len(all) != 1 || aws.ToString(all[0].InstanceId) != res.Members[0].Instance.ID {
		t.Errorf("%d instances, and %q was found", len(all), res.Members[0].Instance.ID)
	}
}

func TestInterruptedLaunchIsUndone(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	l.Patience = time.Minute
	ctx, interrupt := context.WithCancel(t.Context())
	l.Events = func(e launch.Event) {
		if began, ok := e.(launch.Began); ok && began.Step == launch.StepReady {
			interrupt()
		}
	}
	_, err := l.Launch(ctx, plan(t))
	if problem.KindOf(err) != problem.Interrupted {
		t.Errorf("got %v", err)
	}
	if len(instances(t, c)) != 1 {
		t.Error("the instance was not even made: this test shows nothing")
	}
	wantNothingLeft(t, c)
}

// unbootable is a runtime whose machines never start.
type unbootable struct{}

func (unbootable) Name() string { return "unbootable" }
func (unbootable) Boot(context.Context, runtime.Machine) (runtime.Running, error) {
	return nil, errors.New("the host died")
}

func TestInstanceThatNeverRunsIsToldWithItsReason(t *testing.T) {
	c := cloudtest.Local(t, unbootable{})
	_, err := launcher(t, c).Launch(t.Context(), plan(t))
	if err == nil || !strings.Contains(err.Error(), "Server.InternalError") {
		t.Errorf("got %v", err)
	}
	wantNothingLeft(t, c)
}
