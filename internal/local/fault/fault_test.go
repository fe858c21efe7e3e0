package fault_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/fault"
)

func newSet(t *testing.T) (*fault.Set, *clock.Clock) {
	t.Helper()
	c := clock.Frozen(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	return fault.NewSet(c.Now), c
}

func add(t *testing.T, s *fault.Set, r fault.Rule) fault.Rule {
	t.Helper()
	out, err := s.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestErrorAppliesToTheCallsThatWereCounted(t *testing.T) {
	s, _ := newSet(t)
	add(t, s, fault.Rule{Kind: fault.Error, Service: "ec2", Action: "RunInstances", After: 1, Times: 2, Code: "InsufficientInstanceCapacity"})
	var got []bool
	for range 5 {
		s.Meet("ec2", "DescribeInstances") // counts for nothing
		s.Meet("sts", "RunInstances")
		e := s.Meet("ec2", "RunInstances").Refusal
		got = append(got, e != nil)
		if e != nil && (e.Status != 500 || e.Code != "InsufficientInstanceCapacity") {
			t.Errorf("refused with %d %s", e.Status, e.Code)
		}
	}
	for i, want := range []bool{false, true, true, false, false} {
		if got[i] != want {
			t.Errorf("call %d: refused %v, want %v", i+1, got[i], want)
		}
	}
	if hits := s.List()[0].Hits; hits != 2 {
		t.Errorf("%d hits", hits)
	}
}

func TestThrottleIsABucket(t *testing.T) {
	s, clock := newSet(t)
	add(t, s, fault.Rule{Kind: fault.Throttle, Service: "ec2", Rate: 0.5, Burst: 2})
	pass := func() bool { return s.Meet("ec2", "DescribeInstances").Refusal == nil }
	passes := func() (n int) {
		for pass() {
			n++
		}
		return n
	}
	if n := passes(); n != 2 {
		t.Errorf("the burst is %d, not 2", n)
	}
	advance(t, clock, time.Second)
	if pass() {
		t.Error("half a token was enough")
	}
	advance(t, clock, time.Second)
	if n := passes(); n != 1 {
		t.Errorf("two seconds at half a call a second are %d calls", n)
	}
	advance(t, clock, time.Hour)
	if n := passes(); n != 2 {
		t.Errorf("the bucket holds %d, not the burst", n)
	}
}

func TestThrottledAsEachServiceWordsIt(t *testing.T) {
	s, _ := newSet(t)
	add(t, s, fault.Rule{Kind: fault.Throttle, Rate: 1e-9, Burst: 1})
	s.Meet("ec2", "DescribeInstances")
	for service, want := range map[string]struct {
		status int
		code   string
	}{
		"ec2": {503, "RequestLimitExceeded"}, "s3": {503, "SlowDown"}, "iam": {400, "Throttling"}, "sts": {400, "Throttling"},
		"ssm": {400, "ThrottlingException"}, "pricing": {400, "ThrottlingException"},
		"scheduler": {429, "ThrottlingException"}, "servicequotas": {400, "TooManyRequestsException"},
	} {
		e := s.Meet(service, "Any").Refusal
		if e == nil || e.Status != want.status || e.Code != want.code {
			t.Errorf("%s: %+v, want %+v", service, e, want)
		}
	}
}

func TestARefusedCallIsNotLost(t *testing.T) {
	s, _ := newSet(t)
	add(t, s, fault.Rule{Kind: fault.Lose, Times: 1})
	add(t, s, fault.Rule{Kind: fault.Error, Times: 1, Code: "InternalError", Status: 502, Message: "no"})
	add(t, s, fault.Rule{Kind: fault.Latency, Times: 1, Delay: time.Second})
	first := s.Meet("ec2", "RunInstances")
	if first.Lose || first.Wait != time.Second || first.Refusal == nil || first.Refusal.Status != 502 || first.Refusal.Message != "no" {
		t.Errorf("the first call meets %+v", first)
	}
	if second := s.Meet("ec2", "RunInstances"); !second.Lose || second.Refusal != nil || second.Wait != 0 {
		t.Errorf("the second call meets %+v", second)
	}
}

func TestCapacityByZoneAndType(t *testing.T) {
	s, _ := newSet(t)
	add(t, s, fault.Rule{Kind: fault.NoCapacity, Zone: "us-east-1a", Type: "m7i.large"})
	for _, c := range []struct {
		zone, kind string
		want       bool
	}{
		{"us-east-1a", "m7i.large", true}, {"us-east-1b", "m7i.large", false}, {"us-east-1a", "t3.micro", false},
	} {
		if got := s.NoCapacity(c.zone, c.kind); got != c.want {
			t.Errorf("%s in %s: %v", c.kind, c.zone, got)
		}
	}
	if s.Clear("") != 1 || s.NoCapacity("us-east-1a", "m7i.large") {
		t.Error("a rule that was cleared is in force")
	}
}

func TestLagEnds(t *testing.T) {
	s, clock := newSet(t)
	created := clock.Now()
	if s.Lagging(created) || s.ProfileUnknown(created) {
		t.Error("on without a rule")
	}
	add(t, s, fault.Rule{Kind: fault.Lag, Delay: 2 * time.Second})
	if !s.Lagging(created) || s.ProfileUnknown(created) || s.Lagging(created.Add(-2*time.Second)) {
		t.Error("lag is for what is younger than two seconds, profiles apart")
	}
	advance(t, clock, 2*time.Second)
	if s.Lagging(created) {
		t.Error("it lags for longer than it should")
	}
}

func TestClearTakesOne(t *testing.T) {
	s, _ := newSet(t)
	add(t, s, fault.Rule{Kind: fault.Lose})
	second := add(t, s, fault.Rule{Kind: fault.Lose})
	if n := s.Clear(second.ID); n != 1 || len(s.List()) != 1 || s.List()[0].ID == second.ID {
		t.Errorf("cleared %d, left %+v", n, s.List())
	}
	if s.Clear("f99") != 0 {
		t.Error("a rule that never was is cleared")
	}
}

func TestRulesAreChecked(t *testing.T) {
	s, _ := newSet(t)
	for _, r := range []fault.Rule{
		{},
		{Kind: "flood"},
		{Kind: fault.Throttle},
		{Kind: fault.Throttle, Rate: 1},
		{Kind: fault.Throttle, Rate: -1, Burst: 1},
		{Kind: fault.Throttle, Rate: math.NaN(), Burst: 1},
		{Kind: fault.Throttle, Rate: 1, Burst: 1, Times: 3},
		{Kind: fault.Error},
		{Kind: fault.Error, Code: "X", Status: 200},
		{Kind: fault.Error, Code: "X", Times: -1},
		{Kind: fault.Error, Code: "X", Delay: 1},
		{Kind: fault.NoCapacity},
		{Kind: fault.NoCapacity, Zone: "us-east-1a", Action: "RunInstances"},
		{Kind: fault.Latency},
		{Kind: fault.Lag, Delay: -1},
		{Kind: fault.Lag, Delay: 1, Service: "ec2"},
		{Kind: fault.ProfileDelay},
		{Kind: fault.Lose, Code: "X"},
		{Kind: fault.Quota},
		{Kind: fault.Quota, Code: "L-1216C47A"},
		{Kind: fault.Quota, Value: number(5)},
		{Kind: fault.Quota, Code: "L-00000000", Value: number(5)},
		{Kind: fault.Quota, Code: "L-1216C47A", Value: number(-1)},
		{Kind: fault.Quota, Code: "L-1216C47A", Value: number(math.NaN())},
		{Kind: fault.Quota, Code: "L-1216C47A", Value: number(math.Inf(1))},
		{Kind: fault.Quota, Code: "L-1216C47A", Value: number(5), NewAccount: true},
		{Kind: fault.Quota, Code: "L-1216C47A", Value: number(5), Region: "us-east-9"},
		{Kind: fault.Quota, NewAccount: true, Times: 1},
		{Kind: fault.NoCapacity, Zone: "us-east-1a", Region: "us-east-1"},
	} {
		if _, err := s.Add(r); err == nil {
			t.Errorf("taken: %+v", r)
		}
	}
	if len(s.List()) != 0 {
		t.Error("a refused rule is in force")
	}
}

func number(x float64) *float64 { return &x }

func TestTheNewestRuleSetsAQuota(t *testing.T) {
	s, _ := newSet(t)
	ask := func(region, code string) string { return fmt.Sprint(s.Quota(region, code)) }
	add := func(r fault.Rule) string {
		t.Helper()
		r.Kind = fault.Quota
		added, err := s.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		return added.ID
	}
	if got := ask("us-east-1", "L-1216C47A"); got != "0 false false" {
		t.Errorf("without a rule: %s", got)
	}
	add(fault.Rule{Code: "L-1216C47A", Value: number(8)})
	inEurope := add(fault.Rule{NewAccount: true, Region: "eu-west-1"})
	for _, c := range [][3]string{
		{"us-east-1", "L-1216C47A", "8 false true"},
		{"us-east-1", "L-DB2E81BA", "0 false false"},
		{"eu-west-1", "L-1216C47A", "0 true true"},
	} {
		if got := ask(c[0], c[1]); got != c[2] {
			t.Errorf("%s in %s: %s, want %s", c[1], c[0], got, c[2])
		}
	}
	s.Clear(inEurope)
	if got := ask("eu-west-1", "L-1216C47A"); got != "8 false true" {
		t.Errorf("after the newer rule: %s", got)
	}
}

func TestEventsAreChecked(t *testing.T) {
	for _, e := range []fault.Event{
		{},
		{Kind: fault.Rebalance},
		{Kind: fault.Rebalance, Instance: "i-1", Action: fault.Stop},
		{Kind: fault.HostDeath, Instance: "i-1"},
		{Kind: fault.HostDeath, Instance: "i-1", Action: fault.Stop, In: 1},
		{Kind: fault.SpotNotice, Instance: "i-1", Action: "nap"},
		{Kind: fault.SpotNotice, Instance: "i-1", In: -1},
		{Kind: fault.Rebalance, Instance: "i-1", In: 1},
		{Kind: fault.Scheduled, Instance: "i-1"},
		{Kind: fault.Scheduled, Instance: "i-1", Action: fault.Stop},
		{Kind: fault.Scheduled, Instance: "i-1", Action: "instance-stop", In: -1},
		{Kind: "flood", Instance: "i-1"},
	} {
		if e.Check() == nil {
			t.Errorf("taken: %+v", e)
		}
	}
}

func advance(t *testing.T, c *clock.Clock, d time.Duration) {
	t.Helper()
	if err := c.Advance(d); err != nil {
		t.Fatal(err)
	}
}
