package local_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// faulty puts a rule in force.
func (w *world) faulty(r fault.Rule) {
	w.t.Helper()
	_, err := w.Faults().Add(r)
	noError(w.t, err)
}

// launchIn launches a t3.micro in a zone, or in any if it is empty, without
// trying again.
func (w *world) launchIn(zone string, edit ...func(*ec2.RunInstancesInput)) (types.Instance, error) {
	in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	if zone != "" {
		in.Placement = &types.Placement{AvailabilityZone: &zone}
	}
	for _, f := range edit {
		f(in)
	}
	out, err := w.ec2(w.admin()).RunInstances(w.t.Context(), in, once)
	if err != nil {
		return types.Instance{}, err
	}
	return out.Instances[0], nil
}

func once(o *ec2.Options) { o.Retryer = aws.NopRetryer{} }

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != status {
		t.Errorf("got %v, want the status %d", err, status)
	}
}

func (w *world) count() int {
	w.t.Helper()
	out, err := w.ec2(w.admin()).DescribeInstances(w.t.Context(), &ec2.DescribeInstancesInput{})
	noError(w.t, err)
	n := 0
	for _, r := range out.Reservations {
		n += len(r.Instances)
	}
	return n
}

func TestThrottledCallsHaveNoEffect(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.Throttle, Action: "RunInstances", Rate: 0.01, Burst: 1})
	_, err := w.launchIn("")
	noError(t, err)
	_, err = w.launchIn("")
	wantCode(t, err, "RequestLimitExceeded")
	wantStatus(t, err, http.StatusServiceUnavailable)
	if n := w.count(); n != 1 {
		t.Errorf("there are %d instances, want 1", n)
	}
	noError(t, w.clock.Advance(100*time.Second))
	_, err = w.ec2(w.admin()).RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
	noError(t, err)
}

// Each service's own client understands how its service refuses.
func TestErrorsReachEveryProtocol(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.Error, Code: "InternalError", Message: "as ordered"})
	ctx := t.Context()
	_, err := w.ec2(w.admin()).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{}, once)
	wantCode(t, err, "InternalError")
	wantStatus(t, err, http.StatusInternalServerError)
	_, err = w.sts(w.admin()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })
	wantCode(t, err, "InternalError")
	_, err = w.s3(w.admin()).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("b-b-b")}, func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	wantCode(t, err, "InternalError")
	if err == nil || !strings.Contains(err.Error(), "as ordered") {
		t.Errorf("the message is not the one that was ordered: %v", err)
	}
}

func TestNoCapacity(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.NoCapacity, Zone: "us-east-1a", Type: "t3.micro"})
	_, err := w.launchIn("us-east-1a")
	wantCode(t, err, "InsufficientInstanceCapacity")
	wantStatus(t, err, http.StatusInternalServerError)
	_, err = w.launchIn("us-east-1a", func(in *ec2.RunInstancesInput) { in.InstanceType = "t3.small" })
	noError(t, err)
	_, err = w.launchIn("us-east-1a", func(in *ec2.RunInstancesInput) { in.DryRun = aws.Bool(true) })
	wantCode(t, err, "DryRunOperation")
	for range 6 { // more than there are zones: EC2 would come to each
		i, err := w.launchIn("")
		noError(t, err)
		if *i.Placement.AvailabilityZone == "us-east-1a" {
			t.Error("EC2 chose the zone without capacity")
		}
	}
	w.faulty(fault.Rule{Kind: fault.NoCapacity, Type: "t3.micro"})
	_, err = w.launchIn("")
	wantCode(t, err, "InsufficientInstanceCapacity")
}

func TestNoCapacityForAStart(t *testing.T) {
	w := newWorld(t)
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	api := w.ec2(w.admin())
	_, err := api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameStopped)
	w.faulty(fault.Rule{Kind: fault.NoCapacity, Type: "t3.micro"})
	_, err = api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}, once)
	wantCode(t, err, "InsufficientInstanceCapacity")
	if s := w.describe(id).State.Name; s != types.InstanceStateNameStopped {
		t.Errorf("it is %s", s)
	}
	w.Faults().Clear("")
	_, err = api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
}

// The answer waits for cloud time, not for ours.
func TestLatency(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.Latency, Service: "sts", Delay: time.Hour, Times: 1})
	answered := make(chan error, 1)
	go func() {
		_, err := w.sts(w.admin()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		answered <- err
	}()
	for until := time.Now().Add(10 * time.Second); w.Faults().List()[0].Hits == 0 && time.Now().Before(until); time.Sleep(time.Millisecond) {
	}
	select {
	case err := <-answered:
		t.Fatalf("answered at once: %v", err)
	default:
	}
	noError(t, w.clock.Advance(59*time.Minute))
	select {
	case err := <-answered:
		t.Fatalf("answered after 59 minutes: %v", err)
	default:
	}
	noError(t, w.clock.Advance(time.Minute))
	noError(t, <-answered)
}

// A client that tries again with its token gets the instance that it never
// heard of.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.Lose, Action: "RunInstances", Times: 1})
	token := func(in *ec2.RunInstancesInput) { in.ClientToken = aws.String("lost") }
	if _, err := w.launchIn("us-east-1a", token); err == nil {
		t.Fatal("the lost answer came")
	}
	if n := w.count(); n != 1 {
		t.Fatalf("there are %d instances, want the one of which nobody heard", n)
	}
	_, err := w.launchIn("us-east-1a", token)
	noError(t, err)
	if n := w.count(); n != 1 {
		t.Errorf("there are %d instances after the second try", n)
	}
}

func TestWhatIsNewIsInvisibleForAWhile(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.Lag, Delay: time.Hour})
	ctx, api := t.Context(), w.ec2(w.admin())
	id := *w.run(nil).InstanceId
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("g"), Description: aws.String("d")})
	noError(t, err)
	named := func() error {
		_, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		return err
	}
	groupNamed := func() error {
		_, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*group.GroupId}})
		return err
	}
	wantCode(t, named(), "InvalidInstanceID.NotFound")
	wantCode(t, groupNamed(), "InvalidGroup.NotFound")
	_, err = w.launchIn("", func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{*group.GroupId} })
	wantCode(t, err, "InvalidGroup.NotFound")
	if n := w.count(); n != 0 {
		t.Errorf("%d instances are listed", n)
	}
	groups, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	noError(t, err)
	if slices.ContainsFunc(groups.SecurityGroups, func(g types.SecurityGroup) bool { return *g.GroupId == *group.GroupId }) {
		t.Error("the new group is listed")
	}
	noError(t, w.clock.Advance(time.Hour))
	noError(t, named())
	noError(t, groupNamed())
	if n := w.count(); n != 1 {
		t.Errorf("%d instances are listed after an hour", n)
	}
}

func TestANewProfileIsUnknownForAWhile(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.ProfileDelay, Delay: 10 * time.Minute})
	w.role("late", agentPolicy)
	use := func(in *ec2.RunInstancesInput) {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("late")}
	}
	_, err := w.launchIn("", use)
	wantCode(t, err, "InvalidParameterValue")
	if err == nil || !strings.Contains(err.Error(), "Invalid IAM Instance Profile name") {
		t.Errorf("got %v", err)
	}
	_, err = w.iam(w.admin()).GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: aws.String("late")})
	noError(t, err) // IAM itself knows it
	noError(t, w.clock.Advance(10*time.Minute))
	out, err := w.ec2(w.admin()).RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("late")},
	})
	noError(t, err)
	if out.Instances[0].IamInstanceProfile == nil {
		t.Error("it was launched without the profile")
	}
}
