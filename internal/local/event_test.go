package local_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

const (
	actionPath    = "/latest/meta-data/spot/instance-action"
	timePath      = "/latest/meta-data/spot/termination-time"
	rebalancePath = "/latest/meta-data/events/recommendations/rebalance"
	scheduledPath = "/latest/meta-data/events/maintenance/scheduled"
)

// spotInstance launches a Spot Instance that EC2 interrupts in a way, and waits until it
// runs.
func (w *world) spotInstance(behavior types.InstanceInterruptionBehavior) (id string) {
	w.t.Helper()
	options := &types.SpotMarketOptions{InstanceInterruptionBehavior: behavior, SpotInstanceType: types.SpotInstanceTypeOneTime}
	if behavior != types.InstanceInterruptionBehaviorTerminate {
		options.SpotInstanceType = types.SpotInstanceTypePersistent
	}
	id = *w.run(func(in *ec2.RunInstancesInput) {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: options}
	}).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	return id
}

// EC2 does what the request says. The time alone is announced for a termination
// only.
func TestSpotInterruptionIsAnnouncedThenDone(t *testing.T) {
	for action, want := range map[types.InstanceInterruptionBehavior]struct {
		state  types.InstanceStateName
		reason string
		time   int // status of the older path
	}{
		"terminate": {types.InstanceStateNameTerminated, "Server.SpotInstanceTermination", 200},
		"stop":      {types.InstanceStateNameStopped, "Server.SpotInstanceShutdown", 404},
	} {
		t.Run(string(action), func(t *testing.T) {
			w := newWorld(t)
			id := w.spotInstance(action)
			inside := w.machines.get(id)
			if code, _ := inside.ask(t, actionPath); code != 404 {
				t.Errorf("without a notice: %d", code)
			}
			due := w.clock.Now().Add(time.Hour)
			noError(t, w.Inflict(fault.Event{Kind: fault.SpotNotice, Instance: id, In: time.Hour}))
			var notice struct {
				Action string
				Time   time.Time
			}
			_, text := inside.ask(t, actionPath)
			noError(t, json.Unmarshal([]byte(text), &notice))
			if late := notice.Time.Sub(due); notice.Action != string(action) || late < -2*time.Second || late > 10*time.Second {
				t.Errorf("the notice is %+v", notice)
			}
			if code, text := inside.ask(t, timePath); code != want.time || (code == 200 && text != notice.Time.Format(time.RFC3339)) {
				t.Errorf("termination-time: %d %s", code, text)
			}
			if s := w.describe(id).State.Name; s != types.InstanceStateNameRunning {
				t.Errorf("it is %s at once", s)
			}
			noError(t, w.clock.Advance(time.Hour))
			i := w.await(id, want.state)
			if *i.StateReason.Code != want.reason {
				t.Errorf("the reason is %s, want %s", *i.StateReason.Code, want.reason)
			}
		})
	}
}

// Hibernation begins at once. Only EC2 resumes what it has hibernated, and it
// does; a notice that was given earlier is forgotten.
func TestSpotInterruptionByHibernation(t *testing.T) {
	w := newWorld(t)
	i := w.run(func(in *ec2.RunInstancesInput) { hibernating(in); spot(types.SpotInstanceTypePersistent, "")(in) })
	id, request := *i.InstanceId, *i.SpotInstanceRequestId
	w.await(id, types.InstanceStateNameRunning)
	machine := w.machines.get(id)
	machine.slow = make(chan struct{})
	noError(t, w.Inflict(fault.Event{Kind: fault.SpotNotice, Instance: id, In: time.Hour}))
	w.await(id, types.InstanceStateNameStopping)
	close(machine.slow)
	if i := w.await(id, types.InstanceStateNameStopped); *i.StateReason.Code != "Server.SpotInstanceShutdown" || i.PublicIpAddress != nil {
		t.Errorf("it stopped for %s, with %v", *i.StateReason.Code, i.PublicIpAddress)
	}
	if r := w.wantSpot(request, "open", "instance-stopped-no-capacity"); aws.ToString(r.InstanceId) != id {
		t.Errorf("the request waits for %s", aws.ToString(r.InstanceId))
	}
	wantCode(t, w.start(id), "IncorrectSpotRequestState")
	noError(t, w.clock.Advance(2*time.Minute))
	w.await(id, types.InstanceStateNameRunning)
	w.wantSpot(request, "active", "fulfilled")
	if code, _ := w.machines.get(id).ask(t, actionPath); code != 404 {
		t.Errorf("resumed, it still has a notice: %d", code)
	}
	noError(t, w.clock.Advance(2*time.Hour))
	if s := w.describe(id).State.Name; s != types.InstanceStateNameRunning {
		t.Errorf("it is %s when the old notice has run out", s)
	}
	// The request's end is the end of what EC2 has hibernated.
	noError(t, w.Inflict(fault.Event{Kind: fault.SpotNotice, Instance: id}))
	w.await(id, types.InstanceStateNameStopped)
	w.cancelSpot(request)
	w.await(id, types.InstanceStateNameTerminated)
}

// A second notice replaces the first, and a stop forgets it.
func TestSpotNoticeDoesNotOutliveItsInstancesRun(t *testing.T) {
	w := newWorld(t)
	id := w.spotInstance("stop")
	notice := func(in time.Duration) {
		noError(t, w.Inflict(fault.Event{Kind: fault.SpotNotice, Instance: id, In: in}))
	}
	notice(time.Hour)
	notice(3 * time.Hour)
	noError(t, w.clock.Advance(2*time.Hour))
	if s := w.describe(id).State.Name; s != types.InstanceStateNameRunning {
		t.Fatalf("it is %s when its first notice has run out", s)
	}
	api := w.ec2(w.admin())
	_, err := api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameStopped)
	_, err = api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameRunning)
	if code, _ := w.machines.get(id).ask(t, actionPath); code != 404 {
		t.Errorf("the notice is there after a stop: %d", code)
	}
	noError(t, w.clock.Advance(2*time.Hour))
	if s := w.describe(id).State.Name; s != types.InstanceStateNameRunning {
		t.Errorf("it is %s", s)
	}
}

func TestOnlySpotInstancesAreInterrupted(t *testing.T) {
	w := newWorld(t)
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	for _, kind := range []fault.EventKind{fault.SpotNotice, fault.Rebalance} {
		if err := w.Inflict(fault.Event{Kind: kind, Instance: id}); err == nil {
			t.Errorf("%s happened to an instance on demand", kind)
		}
	}
}

func TestRebalanceRecommendation(t *testing.T) {
	w := newWorld(t)
	id := w.spotInstance("terminate")
	inside := w.machines.get(id)
	if code, _ := inside.ask(t, rebalancePath); code != 404 {
		t.Errorf("without a recommendation: %d", code)
	}
	noError(t, w.Inflict(fault.Event{Kind: fault.Rebalance, Instance: id}))
	_, text := inside.ask(t, rebalancePath)
	var notice struct{ NoticeTime time.Time }
	noError(t, json.Unmarshal([]byte(text), &notice))
	if age := w.clock.Now().Sub(notice.NoticeTime); age < 0 || age > 10*time.Second {
		t.Errorf("recommended %s ago", age)
	}
}

// Maintenance is announced to any instance, and forgotten with its host.
func TestScheduledEvent(t *testing.T) {
	w := newWorld(t)
	id := *w.run(nil).InstanceId
	w.await(id, types.InstanceStateNameRunning)
	if code, _ := w.machines.get(id).ask(t, scheduledPath); code != 404 {
		t.Errorf("with nothing scheduled: %d", code)
	}
	for _, code := range []string{"system-reboot", "instance-retirement"} {
		noError(t, w.Inflict(fault.Event{Kind: fault.Scheduled, Instance: id, Action: code, In: time.Hour}))
	}
	_, text := w.machines.get(id).ask(t, scheduledPath)
	var events []struct{ NotBefore, Code, EventId, State string }
	noError(t, json.Unmarshal([]byte(text), &events))
	if len(events) != 2 || events[1].Code != "instance-retirement" || events[0].EventId == events[1].EventId || events[0].State != "active" {
		t.Fatalf("announced: %s", text)
	}
	at, err := time.Parse("2 Jan 2006 15:04:05 MST", events[0].NotBefore)
	noError(t, err)
	if left := at.Sub(w.clock.Now()); left > time.Hour || left < 59*time.Minute {
		t.Errorf("it begins in %s", left)
	}
	api := w.ec2(w.admin())
	_, err = api.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameStopped)
	_, err = api.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	noError(t, err)
	w.await(id, types.InstanceStateNameRunning)
	if code, _ := w.machines.get(id).ask(t, scheduledPath); code != 404 {
		t.Errorf("on another host: %d", code)
	}
}

// A machine that is slow to shut down dies at once with its host.
func TestHostDeath(t *testing.T) {
	for action, want := range map[string]struct {
		state  types.InstanceStateName
		reason string
	}{
		fault.Terminate: {types.InstanceStateNameTerminated, "Server.InternalError"},
		fault.Stop:      {types.InstanceStateNameStopped, "Server.ScheduledStop"},
	} {
		t.Run(action, func(t *testing.T) {
			w := newWorld(t)
			id := *w.run(nil).InstanceId
			w.await(id, types.InstanceStateNameRunning)
			w.machines.get(id).slow = make(chan struct{}) // never shuts down in order
			noError(t, w.Inflict(fault.Event{Kind: fault.HostDeath, Instance: id, Action: action}))
			i := w.await(id, want.state)
			if *i.StateReason.Code != want.reason {
				t.Errorf("the reason is %s, want %s", *i.StateReason.Code, want.reason)
			}
			if err := w.Inflict(fault.Event{Kind: fault.HostDeath, Instance: id, Action: action}); err == nil {
				t.Error("it died twice")
			}
		})
	}
}

func TestNothingHappensToAnInstanceThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	err := w.Inflict(fault.Event{Kind: fault.Rebalance, Instance: "i-00000000000000000"})
	if err == nil || !strings.Contains(err.Error(), "InvalidInstanceID.NotFound") {
		t.Errorf("got %v", err)
	}
}
