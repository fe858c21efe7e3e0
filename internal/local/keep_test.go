package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
)

// keptWorld is a world in a folder that outlives it. What happens at the end of
// the test is up to the test: see restarts.
func keptWorld(t *testing.T, dir string) *world {
	t.Helper()
	return startWorld(t, dir, true)
}

// restarts closes a cloud as an orderly end of its process does.
func (w *world) restarts() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	noError(w.t, w.Close(ctx))
}

func TestACloudThatIsKeptComesBackTheSame(t *testing.T) {
	dir := t.TempDir()
	w := keptWorld(t, dir)
	ctx, api := t.Context(), w.ec2(w.admin())
	admin := w.Admin()
	identity, err := w.sts(w.admin()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	noError(t, err)
	account := *identity.Account
	w.role("agent", agentPolicy)
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("g"), Description: aws.String("d")})
	noError(t, err)
	_, err = w.s3(w.admin()).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("kept-kept")})
	noError(t, err)
	for _, key := range []string{"stays", "goes"} {
		_, err = w.s3(w.admin()).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("kept-kept"), Key: &key, Body: strings.NewReader("body of " + key)})
		noError(t, err)
	}
	runs := *w.run(func(in *ec2.RunInstancesInput) {
		in.ClientToken, in.SecurityGroupIds, in.UserData = aws.String("once"), []string{*group.GroupId}, aws.String("IyEvYmluL3NoCg==")
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("agent")}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("n")}}}}
	}).InstanceId
	stopped, ended := *w.run(nil).InstanceId, *w.run(nil).InstanceId
	for _, id := range []string{runs, stopped, ended} {
		w.await(id, types.InstanceStateNameRunning)
	}
	_, err = api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{stopped}})
	noError(t, err)
	_, err = api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{ended}})
	noError(t, err)
	w.await(stopped, types.InstanceStateNameStopped)
	w.await(ended, types.InstanceStateNameTerminated)
	before := w.describe(runs)
	disk := filepath.Join(dir, "instances", runs, "mark")
	noError(t, os.WriteFile(disk, []byte("x"), 0o600))
	noError(t, w.clock.Advance(30*time.Minute))
	shown := w.clock.Now()
	w.restarts()

	w = keptWorld(t, dir)
	if w.Admin() != admin {
		t.Fatal("the administrator has other credentials")
	}
	if w.clock.Now().Before(shown) {
		t.Error("cloud time went back")
	}
	api = w.ec2(w.admin())
	identity, err = w.sts(w.admin()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	noError(t, err)
	if *identity.Account != account {
		t.Errorf("the account is %s, not %s", *identity.Account, account)
	}
	after := w.await(runs, types.InstanceStateNameRunning)
	if !after.LaunchTime.Equal(*before.LaunchTime) || *after.PrivateIpAddress != *before.PrivateIpAddress || *after.PublicIpAddress != *before.PublicIpAddress ||
		*after.Tags[0].Value != "n" || *after.SecurityGroups[0].GroupId != *group.GroupId || *after.IamInstanceProfile.Arn != *before.IamInstanceProfile.Arn {
		t.Errorf("the instance is %+v,\nit was %+v", after, before)
	}
	if !exists(disk) {
		t.Error("its disk is another one")
	}
	if w.machines.get(runs) == nil || w.machines.get(stopped) != nil || w.machines.get(ended) != nil {
		t.Error("machines are on that should not be, or off that should be on")
	}
	if c := w.inside(runs); c.key == "" {
		t.Error("the instance has no role's credentials")
	}
	again, err := api.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ClientToken: aws.String("once"), SecurityGroupIds: []string{*group.GroupId}, UserData: aws.String("IyEvYmluL3NoCg=="),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("agent")},
		TagSpecifications:  []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("n")}}}},
	})
	noError(t, err)
	if *again.Instances[0].InstanceId != runs {
		t.Error("the client token was forgotten: it launched another instance")
	}
	_, err = w.iam(w.admin()).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("agent")})
	noError(t, err)
	_, err = w.s3(w.admin()).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("kept-kept"), Key: aws.String("stays")})
	noError(t, err)
	_, err = api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{stopped}})
	noError(t, err)
	w.await(stopped, types.InstanceStateNameRunning)
	noError(t, w.clock.Advance(31*time.Minute))
	_, err = api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{ended}})
	wantCode(t, err, "InvalidInstanceID.NotFound")
}

// What had begun when the cloud ended is not left half done.
func TestWhatWasUnderWayIsSettledAfterARestart(t *testing.T) {
	dir := t.TempDir()
	w := keptWorld(t, dir)
	api := w.ec2(w.admin())
	id := func(prepare func(*fakeMachine)) string {
		id := *w.run(nil).InstanceId
		w.await(id, types.InstanceStateNameRunning)
		prepare(w.machines.get(id))
		return id
	}
	slow := make(chan struct{}) // their machines do not get to their end
	never := func(m *fakeMachine) { m.slow = slow }
	stopping, ending, lost := id(never), id(never), id(func(*fakeMachine) {})
	_, err := api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{stopping}})
	noError(t, err)
	_, err = api.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{ending}})
	noError(t, err)
	w.machines.mu.Lock()
	w.machines.hold = make(chan struct{}) // the next one never comes up
	w.machines.mu.Unlock()
	launching := *w.run(nil).InstanceId
	copied := t.TempDir()
	copyState(t, dir, copied, lost)

	w2 := keptWorld(t, copied)
	for id, want := range map[string]types.InstanceStateName{
		stopping: types.InstanceStateNameStopped, ending: types.InstanceStateNameTerminated,
		launching: types.InstanceStateNameTerminated, lost: types.InstanceStateNameTerminated,
	} {
		i := w2.await(id, want)
		if (id == launching || id == lost) && *i.StateReason.Code != "Server.InternalError" {
			t.Errorf("%s ended for %s", id, *i.StateReason.Code)
		}
		if w2.machines.get(id) != nil {
			t.Errorf("%s is on", id)
		}
	}
	if exists(filepath.Join(copied, "instances", "i-stray")) || exists(filepath.Join(copied, "instances", ending)) {
		t.Error("disks are left that no instance has")
	}
	close(slow)
	close(w.machines.hold)
}

// copyState makes in another folder what a crash would leave of a cloud that
// still runs: the file of its state, once it is up to date, and the disks, but
// for one, and one of nobody.
func copyState(t *testing.T, from, to, without string) {
	t.Helper()
	time.Sleep(1100 * time.Millisecond) // what is promised is to be saved within a second of real time
	text, err := os.ReadFile(filepath.Join(from, "state.db"))
	noError(t, err)
	noError(t, os.WriteFile(filepath.Join(to, "state.db"), text, 0o600))
	noError(t, os.CopyFS(filepath.Join(to, "instances"), os.DirFS(filepath.Join(from, "instances"))))
	noError(t, os.RemoveAll(filepath.Join(to, "instances", without)))
	noError(t, os.MkdirAll(filepath.Join(to, "instances", "i-stray"), 0o700))
}

// What was to happen at a time happens after a restart, too.
func TestTimersSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	w := keptWorld(t, dir)
	end := w.clock.Now().Add(time.Hour)
	waiting := w.run(func(in *ec2.RunInstancesInput) {
		persistent(in)
		in.InstanceMarketOptions.SpotOptions.ValidUntil = &end
	})
	resuming := w.run(persistent)
	for _, i := range []types.Instance{waiting, resuming} {
		w.await(*i.InstanceId, types.InstanceStateNameRunning)
	}
	noError(t, w.clock.Advance(time.Hour-30*time.Second))
	w.terminateAndAwait(*waiting.InstanceId)
	noError(t, w.Inflict(fault.Event{Kind: fault.SpotNotice, Instance: *resuming.InstanceId, In: 10 * time.Minute}))
	reservation := w.reserveCapacity("targeted", 1, func(in *ec2.CreateCapacityReservationInput) {
		in.EndDateType, in.EndDate = types.EndDateTypeLimited, aws.Time(w.clock.Now().Add(time.Hour))
	})
	w.restarts()

	w = keptWorld(t, dir)
	w.await(*resuming.InstanceId, types.InstanceStateNameRunning)
	w.wantSpot(*waiting.SpotInstanceRequestId, "open", "instance-terminated-by-user")
	w.wantCapacity(reservation, "active", 1)
	noError(t, w.clock.Advance(2*time.Minute))
	w.wantSpot(*waiting.SpotInstanceRequestId, "closed", "schedule-expired")
	noError(t, w.clock.Advance(9*time.Minute))
	w.await(*resuming.InstanceId, types.InstanceStateNameStopped)
	w.restarts()

	w = keptWorld(t, dir)
	noError(t, w.clock.Advance(2*time.Minute))
	w.await(*resuming.InstanceId, types.InstanceStateNameRunning)
	w.wantSpot(*resuming.SpotInstanceRequestId, "active", "fulfilled")
	w.wantCapacity(reservation, "active", 1)
	noError(t, w.clock.Advance(time.Hour))
	w.wantCapacity(reservation, "expired", 0)
	noError(t, w.clock.Advance(4*time.Hour)) // and what is over is forgotten
	_, err := w.ec2(w.admin()).DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{
		SpotInstanceRequestIds: []string{*waiting.SpotInstanceRequestId},
	})
	wantCode(t, err, "InvalidSpotInstanceRequestID.NotFound")
}

// A host that cannot boot an instance again has it stopped.
func TestAnInstanceThatCannotBootAgainIsStopped(t *testing.T) {
	dir := t.TempDir()
	w := keptWorld(t, dir)
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	w.restarts()
	broken := &machines{byID: map[string]*fakeMachine{}, bootErr: errors.New("no such luck")}
	w = startWorldWith(t, dir, true, broken)
	if i := w.await(id, types.InstanceStateNameStopped); *i.StateReason.Code != "Server.InternalError" {
		t.Errorf("it stopped for %s", *i.StateReason.Code)
	}
}

func TestStateIsKeptForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	keptWorld(t, dir).restarts()
	o := local.Options{Dir: dir, Keep: true, Runtime: none.New(), Addr: "127.0.0.1:1"}
	for name, edit := range map[string]func(*local.Options){
		"another account":       func(o *local.Options) { o.Account = "999999999999" },
		"another administrator": func(o *local.Options) { o.Admin = local.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "s"} },
	} {
		other := o
		edit(&other)
		if _, err := local.New(other); err == nil {
			t.Errorf("%s took the state", name)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "state.db"))
	noError(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the credentials has the mode %s", info.Mode())
	}
	o.Keep = false
	c, err := local.New(o)
	noError(t, err)
	noError(t, c.Close(t.Context()))
	if exists(filepath.Join(dir, "state.db")) {
		t.Error("a cloud that is not kept left the state of an earlier one")
	}
}
