package local_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (w *world) reserveCapacity(match types.InstanceMatchCriteria, count int32, edit func(*ec2.CreateCapacityReservationInput)) string {
	w.t.Helper()
	in := &ec2.CreateCapacityReservationInput{
		InstanceType: aws.String("m5.large"), InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix, AvailabilityZone: aws.String("us-east-1a"),
		InstanceCount: &count, InstanceMatchCriteria: match,
		TagSpecifications: []types.TagSpecification{{ResourceType: "capacity-reservation", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}},
	}
	if edit != nil {
		edit(in)
	}
	out, err := w.ec2(w.admin()).CreateCapacityReservation(w.t.Context(), in)
	noError(w.t, err)
	return *out.CapacityReservation.CapacityReservationId
}

func (w *world) wantCapacity(id string, state types.CapacityReservationState, left int32) {
	w.t.Helper()
	out, err := w.ec2(w.admin()).DescribeCapacityReservations(w.t.Context(), &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{id}})
	noError(w.t, err)
	if r := out.CapacityReservations[0]; r.State != state || *r.AvailableInstanceCount != left {
		w.t.Errorf("it is %s with room for %d; want %s and %d", r.State, *r.AvailableInstanceCount, state, left)
	}
}

func reservable(in *ec2.RunInstancesInput) {
	in.InstanceType = "m5.large"
	in.Placement = &types.Placement{AvailabilityZone: aws.String("us-east-1a")}
}

func into(id string) func(*ec2.RunInstancesInput) {
	return func(in *ec2.RunInstancesInput) {
		reservable(in)
		in.CapacityReservationSpecification = &types.CapacityReservationSpecification{CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: &id}}
	}
}

func (w *world) refusedLaunch(code string, edit func(*ec2.RunInstancesInput)) {
	w.t.Helper()
	in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	edit(in)
	_, err := w.ec2(w.admin()).RunInstances(w.t.Context(), in)
	wantCode(w.t, err, code)
}

func TestTargetedCapacity(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	id := w.reserveCapacity("targeted", 2, nil)
	if i := w.run(reservable); i.CapacityReservationId != nil {
		t.Error("a launch that does not name it runs in it")
	}
	w.wantCapacity(id, "active", 2)
	a, b := w.run(into(id)), w.run(into(id))
	if aws.ToString(a.CapacityReservationId) != id || *a.CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId != id {
		t.Errorf("it runs as %+v", a)
	}
	w.wantCapacity(id, "active", 0)
	w.refusedLaunch("ReservationCapacityExceeded", into(id))
	w.refusedLaunch("InvalidCapacityReservationId.NotFound", into("cr-00000000000000000"))
	w.refusedLaunch("InvalidCapacityReservationId.Malformed", into("reservation"))
	w.refusedLaunch("InvalidParameterValue", func(in *ec2.RunInstancesInput) { into(id)(in); in.InstanceType = "m5.xlarge" })
	w.refusedLaunch("InvalidParameterCombination", func(in *ec2.RunInstancesInput) { into(id)(in); persistent(in) })

	w.await(*a.InstanceId, types.InstanceStateNameRunning)
	_, err := api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{*a.InstanceId}})
	noError(t, err)
	w.await(*a.InstanceId, types.InstanceStateNameStopped)
	w.wantCapacity(id, "active", 1)
	c := w.run(into(id))
	_, err = api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{*a.InstanceId}})
	wantCode(t, err, "ReservationCapacityExceeded")
	w.terminateAndAwait(*c.InstanceId)
	w.terminateAndAwait(*b.InstanceId)
	w.wantCapacity(id, "active", 2)

	out, err := api.RunInstances(t.Context(), func() *ec2.RunInstancesInput {
		in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), MinCount: aws.Int32(1), MaxCount: aws.Int32(5)}
		into(id)(in)
		return in
	}())
	noError(t, err)
	if len(out.Instances) != 2 {
		t.Errorf("of five at most, %d fit into two places", len(out.Instances))
	}
	_, err = api.CancelCapacityReservation(t.Context(), &ec2.CancelCapacityReservationInput{CapacityReservationId: &id})
	noError(t, err)
	w.wantCapacity(id, "cancelled", 0)
	if i := w.await(*out.Instances[0].InstanceId, types.InstanceStateNameRunning); i.CapacityReservationId != nil {
		t.Error("it still runs in a reservation that is gone")
	}
	w.refusedLaunch("IncorrectState", into(id))
}

func TestOpenCapacity(t *testing.T) {
	w := newWorld(t)
	before := w.run(reservable)
	id := w.reserveCapacity("open", 2, func(in *ec2.CreateCapacityReservationInput) {
		in.EndDateType, in.EndDate = types.EndDateTypeLimited, aws.Time(w.clock.Now().Add(time.Hour))
	})
	w.wantCapacity(id, "active", 1) // what ran before is taken in
	if i := w.describe(*before.InstanceId); aws.ToString(i.CapacityReservationId) != id {
		t.Error("it is not in the reservation")
	}
	with := func(preference types.CapacityReservationPreference) func(*ec2.RunInstancesInput) {
		return func(in *ec2.RunInstancesInput) {
			reservable(in)
			in.CapacityReservationSpecification = &types.CapacityReservationSpecification{CapacityReservationPreference: preference}
		}
	}
	if i := w.run(with("none")); i.CapacityReservationId != nil {
		t.Error("one that wants none is in it")
	}
	if i := w.run(reservable); aws.ToString(i.CapacityReservationId) != id || i.CapacityReservationSpecification.CapacityReservationPreference != "open" {
		t.Errorf("one that fits is %+v", i)
	}
	if i := w.run(reservable); i.CapacityReservationId != nil {
		t.Error("it took one too many")
	}
	w.refusedLaunch("ReservationCapacityExceeded", with("capacity-reservations-only"))
	noError(t, w.clock.Advance(61*time.Minute))
	w.wantCapacity(id, "expired", 0)

	api := w.ec2(w.admin())
	found, err := api.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{Filters: filters("tag:a", "b", "state", "expired", "instance-type", "m5.*")})
	noError(t, err)
	if len(found.CapacityReservations) != 1 {
		t.Errorf("found %d", len(found.CapacityReservations))
	}
	for n, edit := range []func(*ec2.CreateCapacityReservationInput){
		func(in *ec2.CreateCapacityReservationInput) { in.InstanceCount = aws.Int32(1001) },
		func(in *ec2.CreateCapacityReservationInput) { in.InstanceType = aws.String("m5.giant") },
		func(in *ec2.CreateCapacityReservationInput) {
			in.InstancePlatform = types.CapacityReservationInstancePlatformWindows
		},
	} {
		in := &ec2.CreateCapacityReservationInput{
			InstanceType: aws.String("m5.large"), InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix,
			AvailabilityZone: aws.String("us-east-1a"), InstanceCount: aws.Int32(1),
		}
		edit(in)
		_, err := api.CreateCapacityReservation(t.Context(), in)
		if wantCode(t, err, "InvalidParameterValue"); t.Failed() {
			t.Fatal(n)
		}
	}
	token := func(in *ec2.CreateCapacityReservationInput) { in.ClientToken = aws.String("t") }
	if a, b := w.reserveCapacity("targeted", 1, token), w.reserveCapacity("targeted", 1, token); a != b {
		t.Error("the same token made two")
	}
}

func TestLaunchOptions(t *testing.T) {
	w := newWorld(t)
	i := w.run(func(in *ec2.RunInstancesInput) {
		in.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: aws.String("standard")}
		in.EbsOptimized = aws.Bool(true)
		in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}
	})
	if !*i.EbsOptimized || i.Monitoring.State != types.MonitoringStateEnabled {
		t.Errorf("launched as %+v", i)
	}
	credits := func(kind types.InstanceType, value string) func(*ec2.RunInstancesInput) {
		return func(in *ec2.RunInstancesInput) {
			in.InstanceType, in.CreditSpecification = kind, &types.CreditSpecificationRequest{CpuCredits: &value}
		}
	}
	w.refusedLaunch("InvalidParameterCombination", credits("m5.large", "standard"))
	w.refusedLaunch("InvalidParameterValue", credits("t3.micro", "some"))
}
