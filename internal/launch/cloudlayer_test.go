package launch_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// backstop is the cloud's layer as somebody other than the launch sees it.
func backstop(c cloudtest.Cloud) deadline.Cloud {
	return deadline.Cloud{
		API: account.SchedulerOf(c.Target), Clock: deadline.Real(c.Local.Clock().Now),
		Who: func(ctx context.Context) (account.Identity, error) {
			return account.Identify(ctx, account.STSOf(c.Target))
		},
	}
}

// armed are the ids of the instances that the cloud would end.
func armed(t *testing.T, c cloudtest.Cloud) (ids []string) {
	t.Helper()
	all, err := backstop(c).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		ids = append(ids, s.Instance)
	}
	return ids
}

func TestLaunchArmsTheCloud(t *testing.T) {
	c := cloudtest.Local(t, nil)
	res, err := launcher(t, c).Launch(t.Context(), plan(t))
	if err != nil || res.Members[0].Backstop != nil {
		t.Fatalf("%v, %v", err, res.Members[0].Backstop)
	}
	have, err := backstop(c).Read(t.Context(), res.Members[0].Instance.ID, "")
	if err != nil || !have.For(res.Members[0].Deadline, time.Now()) {
		t.Errorf("the cloud acts from %v, the deadline is %v (%v)", have.From, res.Members[0].Deadline, err)
	}
}

// TestWhatIsKnownIsNotMadeAgain: a launch that is told that role and group are
// there makes one call for this layer, and heals what it was told wrongly.
func TestWhatIsKnownIsNotMadeAgain(t *testing.T) {
	c := cloudtest.Local(t, nil)
	kept := account.Cache{Dir: t.TempDir(), Endpoint: c.Target.Endpoint, Caller: "me", Now: time.Now}
	calls := func() (asked []string) {
		before := len(c.Local.Tape().Calls(0))
		l := launcher(t, c)
		l.Cache = kept
		res, err := l.Launch(t.Context(), plan(t))
		if err != nil || res.Members[0].Backstop != nil || !slices.Contains(armed(t, c), res.Members[0].Instance.ID) {
			t.Fatalf("%v, %v", err, res.Members[0].Backstop)
		}
		for _, call := range c.Local.Tape().Calls(0)[before:] {
			if call.Service == "scheduler" && call.Action != "ListSchedules" {
				asked = append(asked, call.Action)
			}
		}
		return asked
	}
	if asked := calls(); !slices.Contains(asked, "CreateScheduleGroup") {
		t.Errorf("in a new account: %v", asked)
	}
	if asked := calls(); !slices.Equal(asked, []string{"CreateSchedule"}) {
		t.Errorf("the second time: %v", asked)
	}
}

// TestWithoutSchedulerTheLaunchSucceeds: two layers are left, and that is said.
func TestWithoutSchedulerTheLaunchSucceeds(t *testing.T) {
	c := cloudtest.Local(t, nil)
	who := cloudtest.As(t, c, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"scheduler:*","Resource":"*"}]}`)
	l := launcher(t, cloudtest.Cloud{Name: c.Name, Local: c.Local, Target: who})
	var lacks []launch.Lack
	l.Events = func(e launch.Event) {
		if lacking, ok := e.(launch.Lacking); ok {
			lacks = append(lacks, lacking.Lack)
		}
	}
	res, err := l.Launch(t.Context(), plan(t))
	if err != nil || !awserr.IsDenied(res.Members[0].Backstop) {
		t.Fatalf("%v, %v", err, res.Members[0].Backstop)
	}
	ask := permissions.For(permissions.CloudLayer, "aws", "123456789012").Indented()
	if len(lacks) != 1 || lacks[0].Permission != ask || !slices.Equal(lacks, res.Lacks) {
		t.Errorf("lacks: %q", lacks)
	}
	tags := account.TagMap(instances(t, c)[0].Tags)
	if tags[lifecycle.TagBackstop] != lifecycle.BackstopMissing || len(armed(t, c)) > 0 {
		t.Errorf("tags %v, armed %v", tags, armed(t, c))
	}
}

// TestAnAdministratorsRoleServesWhoMayMakeNone: an account whose role and group
// are there needs no permission to make them.
func TestAnAdministratorsRoleServesWhoMayMakeNone(t *testing.T) {
	c := cloudtest.Local(t, nil)
	admin, err := account.Identify(t.Context(), account.STSOf(c.Target))
	if err != nil {
		t.Fatal(err)
	}
	if err := account.EnsureScheduler(t.Context(), account.IAMOf(c.Target), account.SchedulerOf(c.Target), admin, func() lifecycle.Origin { return lifecycle.Origin{} }, func(account.Kind, string) {}); err != nil {
		t.Fatal(err)
	}
	who := cloudtest.As(t, c, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":["scheduler:CreateScheduleGroup","iam:CreateRole","iam:PutRolePolicy"],"Resource":["arn:aws:scheduler:*:*:*","arn:aws:iam::*:role/spawn-scheduler-role"]}]}`)
	res, err := launcher(t, cloudtest.Cloud{Name: c.Name, Local: c.Local, Target: who}).Launch(t.Context(), plan(t))
	if err != nil || res.Members[0].Backstop != nil || !slices.Equal(armed(t, c), []string{res.Members[0].Instance.ID}) {
		t.Errorf("%v, %v, armed %v", err, res.Members[0].Backstop, armed(t, c))
	}
}

func TestUndoRemovesTheSchedule(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	l.Patience = time.Minute
	ctx, interrupt := context.WithCancel(t.Context())
	was := false
	l.Events = func(e launch.Event) {
		if ended, ok := e.(launch.Ended); ok && ended.Step == launch.StepBackstop {
			was = ended.Err == nil
			interrupt()
		}
	}
	if _, err := l.Launch(ctx, plan(t)); err == nil || !was {
		t.Fatalf("armed %v, %v", was, err)
	}
	wantNothingLeft(t, c)
	if ids := armed(t, c); len(ids) > 0 {
		t.Errorf("schedules are left: %v", ids)
	}
}

// immortal is EC2 that ends nothing.
type immortal struct{ launch.EC2 }

func (immortal) TerminateInstances(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error) {
	return nil, errors.New("no")
}

// TestWhatCannotBeUndoneKeepsItsSchedule: it is what still ends the instance.
func TestWhatCannotBeUndoneKeepsItsSchedule(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	l.EC2, l.Patience = immortal{l.EC2}, time.Minute
	ctx, interrupt := context.WithCancel(t.Context())
	l.Events = func(e launch.Event) {
		if ended, ok := e.(launch.Ended); ok && ended.Step == launch.StepBackstop {
			interrupt()
		}
	}
	if _, err := l.Launch(ctx, plan(t)); err == nil {
		t.Fatal("it was not interrupted")
	}
	if ids := armed(t, c); len(ids) != 1 {
		t.Errorf("armed: %v", ids)
	}
}

// fussy is a runtime that has no room for its first machine.
type fussy struct {
	runtime.Runtime
	boots *atomic.Int32
}

func (f fussy) Boot(ctx context.Context, m runtime.Machine) (runtime.Running, error) {
	if f.boots.Add(1) == 1 {
		return nil, runtime.ErrNoCapacity
	}
	return f.Runtime.Boot(ctx, m)
}

// TestWhatEC2TookBackKeepsNoSchedule: the first instance becomes terminated
// instead of running, and the next zone's is the one that stays.
func TestWhatEC2TookBackKeepsNoSchedule(t *testing.T) {
	c := cloudtest.Local(t, fussy{none.New(), new(atomic.Int32)})
	p := plans(t, offer.Offer{InstanceType: "m7i.large", Region: "us-east-1", AvailabilityZones: []string{"us-east-1b", "us-east-1a"}}, func(*launch.Spec) {})
	res, err := launcher(t, c).Launch(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(instances(t, c)); n != 2 {
		t.Fatalf("%d instances: this test shows nothing", n)
	}
	if ids := armed(t, c); !slices.Equal(ids, []string{res.Members[0].Instance.ID}) {
		t.Errorf("armed %v, launched %s", ids, res.Members[0].Instance.ID)
	}
}

// TestAnAbandonedLaunchIsArmedOnce: the laptop died between RunInstances and
// CreateSchedule; the next command does what is missing, and the one after it
// asks for nothing.
func TestAnAbandonedLaunchIsArmedOnce(t *testing.T) {
	for name, answered := range map[string]bool{"with RunInstances answered": true, "without an answer": false} {
		t.Run(name, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			dir, cloud := t.TempDir(), backstop(c)
			me, err := cloud.Who(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := account.EnsureScheduler(t.Context(), account.IAMOf(c.Target), account.SchedulerOf(c.Target), me, func() lifecycle.Origin { return lifecycle.Origin{} }, func(account.Kind, string) {}); err != nil {
				t.Fatal(err)
			}
			tags := lifecycle.InstanceTags{Origin: lifecycle.Origin{Owner: me.ARN, Launch: "died"}, Deadline: lifecycle.DeadlineAt(time.Now().Add(time.Hour))}
			out, err := c.Target.EC2().RunInstances(t.Context(), &ec2.RunInstancesInput{
				MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro, ClientToken: aws.String("died-1"),
				ImageId:           aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: account.EC2Tags(tags.Tags())}},
			})
			if err != nil {
				t.Fatal(err)
			}
			id := aws.ToString(out.Instances[0].InstanceId)
			j, err := journal.Begin(dir, journal.Header{Launch: "died", Account: me.Account, Region: c.Target.Region, Endpoint: c.Target.Endpoint})
			if err != nil {
				t.Fatal(err)
			}
			entries := []journal.Entry{{Kind: journal.Attempt, ID: "died-1"}, {Kind: journal.Instance, ID: id}}
			if !answered {
				entries = entries[:1]
			}
			for _, e := range entries {
				if err := j.Record(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			arm := func() []string {
				done, err := launch.FinishAbandoned(t.Context(), dir, c.Target.Endpoint, c.Target.Region, c.Target.EC2(), cloud)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, in := range done {
					ids = append(ids, in.ID)
				}
				return ids
			}
			if elsewhere, err := launch.FinishAbandoned(t.Context(), dir, "http://elsewhere", c.Target.Region, nil, cloud); err != nil || len(elsewhere) > 0 {
				t.Errorf("for another cloud: %v, %v", elsewhere, err)
			}
			if got := arm(); !slices.Equal(got, []string{id}) || !slices.Equal(armed(t, c), []string{id}) {
				t.Errorf("armed %v, and there are %v", got, armed(t, c))
			}
			before := len(c.Local.Tape().Calls(0))
			if got := arm(); len(got) > 0 {
				t.Errorf("armed again: %v", got)
			}
			if calls := c.Local.Tape().Calls(0)[before:]; answered && len(calls) > 0 {
				t.Errorf("it asked again: %+v", calls)
			}
		})
	}
}

// unscheduled is Scheduler that is down.
type unscheduled struct{ launch.SchedulerAPI }

func (unscheduled) CreateSchedule(context.Context, *scheduler.CreateScheduleInput, ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	return nil, errors.New("no answer")
}

func TestASchedulerThatIsDownStopsNoLaunch(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	l.Scheduler = unscheduled{l.Scheduler}
	res, err := l.Launch(t.Context(), plan(t))
	if err != nil || res.Members[0].Backstop == nil || awserr.IsDenied(res.Members[0].Backstop) {
		t.Fatalf("%v, %v", err, res.Members[0].Backstop)
	}
	if _, tagged := account.TagMap(instances(t, c)[0].Tags)[lifecycle.TagBackstop]; tagged {
		t.Error("it is written down that the caller was refused")
	}
}
