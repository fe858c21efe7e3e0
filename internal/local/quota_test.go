package local_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

const (
	onDemandStandard = "L-1216C47A"
	spotStandard     = "L-34B43A08"
)

func (w *world) setQuota(code string, vcpus float64) {
	w.t.Helper()
	w.faulty(fault.Rule{Kind: fault.Quota, Code: code, Value: &vcpus})
}

func ofType(name types.InstanceType) func(*ec2.RunInstancesInput) {
	return func(in *ec2.RunInstancesInput) { in.InstanceType = name }
}

func (w *world) stopAndAwait(id string) {
	w.t.Helper()
	_, err := w.ec2(w.admin()).StopInstances(w.t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(w.t, err)
	w.await(id, types.InstanceStateNameStopped)
}

func (w *world) start(ids ...string) error {
	_, err := w.ec2(w.admin()).StartInstances(w.t.Context(), &ec2.StartInstancesInput{InstanceIds: ids})
	return err
}

// What runs counts, of every family in the quota; what is stopped does not.
func TestLaunchesAndStartsAreHeldToTheQuota(t *testing.T) {
	w := newWorld(t)
	w.setQuota(onDemandStandard, 6)
	first := *w.run(ofType("m5.xlarge")).InstanceId // 4 vCPUs
	second := *w.run(ofType("c5.large")).InstanceId // 2
	w.refusedLaunch("VcpuLimitExceeded", ofType("t3.micro"))
	w.run(persistent) // Spot has a quota of its own
	elsewhere := w.admin()
	elsewhere.region = "eu-west-1"
	_, err := w.ec2(elsewhere).RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	noError(t, err) // and so has every region

	w.await(first, types.InstanceStateNameRunning)
	w.stopAndAwait(first)
	third := *w.run(ofType("r5.large")).InstanceId
	wantCode(t, w.start(first), "VcpuLimitExceeded")
	w.await(second, types.InstanceStateNameRunning)
	w.terminateAndAwait(second)
	noError(t, w.start(first))
	w.await(third, types.InstanceStateNameRunning)
	w.stopAndAwait(third)
	w.await(first, types.InstanceStateNameRunning)
	w.stopAndAwait(first)
	fourth := *w.run(ofType("t3.micro")).InstanceId // 2, which leaves 4: not enough for both of 4 and 2
	wantCode(t, w.start(first, third), "VcpuLimitExceeded")
	for _, id := range []string{first, third} {
		if s := w.describe(id).State.Name; s != types.InstanceStateNameStopped {
			t.Errorf("of a start that was refused one is %s", s)
		}
	}
	w.await(fourth, types.InstanceStateNameRunning)
}

func TestALaunchTakesWhatTheQuotaLeaves(t *testing.T) {
	w := newWorld(t)
	w.setQuota(onDemandStandard, 5)
	in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), InstanceType: "t3.micro", MinCount: aws.Int32(3), MaxCount: aws.Int32(4)}
	api := w.ec2(w.admin())
	_, err := api.RunInstances(t.Context(), in)
	wantCode(t, err, "VcpuLimitExceeded")
	in.MinCount = aws.Int32(1)
	out, err := api.RunInstances(t.Context(), in)
	noError(t, err)
	if len(out.Instances) != 2 {
		t.Errorf("five vCPUs ran %d instances of two each", len(out.Instances))
	}
}

func TestANewAccountRunsNoGPUs(t *testing.T) {
	w := newWorld(t)
	w.faulty(fault.Rule{Kind: fault.Quota, NewAccount: true})
	w.refusedLaunch("VcpuLimitExceeded", ofType("g5.xlarge"))
	w.refusedLaunch("MaxSpotInstanceCountExceeded", func(in *ec2.RunInstancesInput) {
		spot("", "")(in)
		in.InstanceType = "g5.xlarge"
	})
	w.run(ofType("m5.xlarge"))
}

// A request that waits for its instance keeps its place in the quota.
func TestSpotRequestsThatWaitAreInTheQuota(t *testing.T) {
	w := newWorld(t)
	w.setQuota(spotStandard, 3)
	i := w.run(persistent) // of 2 vCPUs
	w.await(*i.InstanceId, types.InstanceStateNameRunning)
	w.refusedLaunch("MaxSpotInstanceCountExceeded", persistent)
	w.terminateAndAwait(*i.InstanceId)
	w.wantSpot(*i.SpotInstanceRequestId, "open", "instance-terminated-by-user")
	w.refusedLaunch("MaxSpotInstanceCountExceeded", persistent)
	noError(t, w.clock.Advance(2*time.Minute))
	next := *w.wantSpot(*i.SpotInstanceRequestId, "active", "fulfilled").InstanceId
	w.await(next, types.InstanceStateNameRunning)
	w.stopAndAwait(next) // by its user, so that the request does not wait
	other := w.run(persistent)
	wantCode(t, w.start(next), "MaxSpotInstanceCountExceeded")
	w.cancelSpot(*other.SpotInstanceRequestId)
	w.await(*other.InstanceId, types.InstanceStateNameRunning)
	w.terminateAndAwait(*other.InstanceId)
	noError(t, w.start(next))
}
