package local_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func spot(kind types.SpotInstanceType, behavior types.InstanceInterruptionBehavior) func(*ec2.RunInstancesInput) {
	return func(in *ec2.RunInstancesInput) {
		in.InstanceType = "m5.large"
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{
			MarketType:  types.MarketTypeSpot,
			SpotOptions: &types.SpotMarketOptions{SpotInstanceType: kind, InstanceInterruptionBehavior: behavior},
		}
	}
}

var persistent = spot(types.SpotInstanceTypePersistent, types.InstanceInterruptionBehaviorStop)

func (w *world) spotRequest(id string) types.SpotInstanceRequest {
	w.t.Helper()
	out, err := w.ec2(w.admin()).DescribeSpotInstanceRequests(w.t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{id}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.SpotInstanceRequests[0]
}

// wantSpot fails unless the request is in the state with the status.
func (w *world) wantSpot(id string, state types.SpotInstanceState, code string) types.SpotInstanceRequest {
	w.t.Helper()
	r := w.spotRequest(id)
	if r.State != state || *r.Status.Code != code {
		w.t.Errorf("the request is %s, %s; want %s, %s", r.State, *r.Status.Code, state, code)
	}
	return r
}

func (w *world) terminateAndAwait(id string) {
	w.t.Helper()
	_, err := w.ec2(w.admin()).TerminateInstances(w.t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	noError(w.t, err)
	w.await(id, types.InstanceStateNameTerminated)
}

func (w *world) cancelSpot(id string) {
	w.t.Helper()
	out, err := w.ec2(w.admin()).CancelSpotInstanceRequests(w.t.Context(), &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{id}})
	noError(w.t, err)
	if s := out.CancelledSpotInstanceRequests[0].State; s != types.CancelSpotInstanceRequestStateCancelled {
		w.t.Errorf("cancelled, it is %s", s)
	}
}

func TestSpotRulesOfALaunch(t *testing.T) {
	w := newWorld(t)
	options := func(edit func(*types.SpotMarketOptions)) func(*ec2.RunInstancesInput) {
		return func(in *ec2.RunInstancesInput) {
			persistent(in)
			edit(in.InstanceMarketOptions.SpotOptions)
		}
	}
	for code, list := range map[string][]func(*ec2.RunInstancesInput){
		"InvalidParameterCombination": {
			spot(types.SpotInstanceTypePersistent, ""), spot(types.SpotInstanceTypePersistent, "terminate"), spot(types.SpotInstanceTypeOneTime, "stop"),
			options(func(o *types.SpotMarketOptions) {
				o.SpotInstanceType, o.InstanceInterruptionBehavior, o.ValidUntil = "one-time", "", aws.Time(w.clock.Now().Add(time.Hour))
			}),
			func(in *ec2.RunInstancesInput) { hibernating(in); persistent(in) },
			func(in *ec2.RunInstancesInput) { hibernating(in); spot("", "")(in) },
		},
		"InvalidParameterValue": {
			options(func(o *types.SpotMarketOptions) { o.MaxPrice = aws.String("0.001") }),
			options(func(o *types.SpotMarketOptions) { o.MaxPrice = aws.String("cheap") }),
			options(func(o *types.SpotMarketOptions) { o.MaxPrice = aws.String("NaN") }),
			options(func(o *types.SpotMarketOptions) { o.ValidUntil = aws.Time(w.clock.Now().Add(-time.Hour)) }),
		},
		"SpotMaxPriceTooLow": {options(func(o *types.SpotMarketOptions) { o.MaxPrice = aws.String("0.0316") })},
		"UnsupportedOperation": {func(in *ec2.RunInstancesInput) {
			persistent(in)
			in.InstanceMarketOptions.MarketType = "capacity-block"
		}},
	} {
		for n, edit := range list {
			in := &ec2.RunInstancesInput{ImageId: aws.String(al2023), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
			edit(in)
			_, err := w.ec2(w.admin()).RunInstances(t.Context(), in)
			if err == nil {
				t.Errorf("%s, %d: launched", code, n)
				continue
			}
			wantCode(t, err, code)
		}
	}
	i := w.run(options(func(o *types.SpotMarketOptions) { o.MaxPrice = aws.String("0.03168") }))
	if r := w.spotRequest(*i.SpotInstanceRequestId); *r.SpotPrice != "0.031680" {
		t.Errorf("its price is %s", *r.SpotPrice)
	}
	both := w.run(func(in *ec2.RunInstancesInput) { hibernating(in); spot("persistent", "")(in) })
	if r := w.spotRequest(*both.SpotInstanceRequestId); r.InstanceInterruptionBehavior != types.InstanceInterruptionBehaviorHibernate {
		t.Errorf("with hibernation it is interrupted by %s", r.InstanceInterruptionBehavior)
	}
}

func TestOneTimeSpot(t *testing.T) {
	w := newWorld(t)
	i := w.run(func(in *ec2.RunInstancesInput) {
		spot("", "")(in)
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "spot-instances-request", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}
	})
	id, request := *i.InstanceId, *i.SpotInstanceRequestId
	if i.InstanceLifecycle != types.InstanceLifecycleTypeSpot {
		t.Errorf("its life cycle is %q", i.InstanceLifecycle)
	}
	w.await(id, types.InstanceStateNameRunning)
	if r := w.wantSpot(request, "active", "fulfilled"); *r.InstanceId != id || r.Type != "one-time" || *r.SpotPrice != "0.096000" || *r.Tags[0].Key != "a" {
		t.Errorf("the request is %+v", r)
	}
	if _, life := w.machines.get(id).ask(t, "/latest/meta-data/instance-life-cycle"); life != "spot" {
		t.Errorf("it believes to be %s", life)
	}
	_, err := w.ec2(w.admin()).StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "UnsupportedOperation")
	// Its shutdown behaviour is stop, which it cannot.
	w.machines.get(id).shutDown()
	w.await(id, types.InstanceStateNameTerminated)
	w.wantSpot(request, "closed", "instance-terminated-by-user")
	noError(t, w.clock.Advance(5*time.Hour))
	_, err = w.ec2(w.admin()).DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{request}})
	wantCode(t, err, "InvalidSpotInstanceRequestID.NotFound")
}

func TestPersistentSpotReplacesWhatEnds(t *testing.T) {
	w := newWorld(t)
	i := w.run(func(in *ec2.RunInstancesInput) {
		persistent(in)
		in.UserData = aws.String("IyEvYmluL3NoCg==")
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}
	})
	id, request := *i.InstanceId, *i.SpotInstanceRequestId
	w.await(id, types.InstanceStateNameRunning)
	w.terminateAndAwait(id)
	if r := w.wantSpot(request, "open", "instance-terminated-by-user"); r.InstanceId != nil {
		t.Errorf("open, it has the instance %s", *r.InstanceId)
	}
	noError(t, w.clock.Advance(2*time.Minute))
	next := w.wantSpot(request, "active", "fulfilled").InstanceId
	if next == nil || *next == id {
		t.Fatal("it was not replaced")
	}
	running := w.await(*next, types.InstanceStateNameRunning)
	if *running.SpotInstanceRequestId != request || len(running.Tags) != 1 {
		t.Errorf("the replacement is %+v", running)
	}
	if _, data := w.machines.get(*next).ask(t, "/latest/user-data"); data != "#!/bin/sh\n" {
		t.Errorf("its user-data is %q", data)
	}
	w.cancelSpot(request)
	w.wantSpot(request, "cancelled", "request-canceled-and-instance-running")
	w.await(*next, types.InstanceStateNameRunning)
	w.terminateAndAwait(*next)
	noError(t, w.clock.Advance(10*time.Minute))
	w.wantSpot(request, "cancelled", "instance-terminated-by-user")
}

func TestPersistentSpotStops(t *testing.T) {
	w := newWorld(t)
	api := w.ec2(w.admin())
	i := w.run(persistent)
	id, request := *i.InstanceId, *i.SpotInstanceRequestId
	w.await(id, types.InstanceStateNameRunning)
	stop := func() {
		t.Helper()
		_, err := api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
		noError(t, err)
		w.await(id, types.InstanceStateNameStopped)
		w.wantSpot(request, "disabled", "instance-stopped-by-user")
	}
	stop()
	noError(t, w.clock.Advance(10*time.Minute))
	w.wantSpot(request, "disabled", "instance-stopped-by-user") // nobody starts it but its user
	_, err := api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameRunning)
	w.wantSpot(request, "active", "fulfilled")
	stop()
	// Cancelling the request of a stopped instance terminates it.
	w.cancelSpot(request)
	w.await(id, types.InstanceStateNameTerminated)
	noError(t, w.clock.Advance(10*time.Minute))
	w.wantSpot(request, "cancelled", "instance-terminated-by-user")
	w.cancelSpot(request) // twice is no error
}

func TestSpotRequestsExpire(t *testing.T) {
	w := newWorld(t)
	i := w.run(func(in *ec2.RunInstancesInput) {
		persistent(in)
		in.InstanceMarketOptions.SpotOptions.ValidUntil = aws.Time(w.clock.Now().Add(time.Hour))
	})
	w.await(*i.InstanceId, types.InstanceStateNameRunning)
	noError(t, w.clock.Advance(59*time.Minute+30*time.Second))
	w.terminateAndAwait(*i.InstanceId)
	w.wantSpot(*i.SpotInstanceRequestId, "open", "instance-terminated-by-user")
	noError(t, w.clock.Advance(2*time.Minute)) // past its end when it would be fulfilled
	w.wantSpot(*i.SpotInstanceRequestId, "closed", "schedule-expired")
}

func TestCancellingNeedsOnlyTheRequest(t *testing.T) {
	w := newWorld(t)
	i := w.run(persistent)
	w.await(*i.InstanceId, types.InstanceStateNameRunning)
	_, err := w.ec2(w.admin()).StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{*i.InstanceId}})
	noError(t, err)
	w.await(*i.InstanceId, types.InstanceStateNameStopped)
	someone := w.user("ann", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:CancelSpotInstanceRequests",
		"Resource":"arn:aws:ec2:us-east-1:123456789012:spot-instances-request/`+*i.SpotInstanceRequestId+`"}]}`)
	_, err = w.ec2(someone).CancelSpotInstanceRequests(t.Context(), &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{*i.SpotInstanceRequestId}})
	noError(t, err)
	w.await(*i.InstanceId, types.InstanceStateNameTerminated)
	_, err = w.ec2(w.admin()).CancelSpotInstanceRequests(t.Context(), &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{"sir-zzzzzzzz"}})
	wantCode(t, err, "InvalidSpotInstanceRequestID.NotFound")
}
