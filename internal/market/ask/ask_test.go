package ask_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/market/ask"
	"github.com/spawn-ec2/spawn/internal/problem"
)

const search = market.Types | market.Zones | market.OnDemand | market.Spot

func now() time.Time { return time.Date(2026, 11, 23, 4, 5, 6, 7, time.UTC) }

func survey(t *testing.T, c cloudtest.Cloud, q market.Question) market.Survey {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	return ask.Ask(ctx, ask.Of(c.Target), now, market.Survey{Question: q})
}

// one is the answer of the one region that was asked.
func one(t *testing.T, c cloudtest.Cloud, q market.Question) market.Region {
	t.Helper()
	s := survey(t, c, q)
	if len(s.Regions) != 1 || s.Err != nil {
		t.Fatalf("%d regions, %v", len(s.Regions), s.Err)
	}
	return s.Regions[0]
}

func TestTypesZonesAndSpotPrices(t *testing.T) {
	cloudtest.Each(t, func(t *testing.T, c cloudtest.Cloud) {
		r := one(t, c, market.Question{Regions: []string{"us-east-1"}, Types: []string{"m5.large"}, Wildcards: []string{"g4dn.*"}, Facets: market.Types | market.Zones | market.Spot})
		if !r.Types.Known() || !r.Zones.Known() || !r.Spot.Known() {
			t.Fatalf("types: %v, zones: %v, Spot: %v", r.Types.Err, r.Zones.Err, r.Spot.Err)
		}
		byName := map[string]catalog.Type{}
		for _, got := range r.Types.Value {
			byName[got.Name] = got
		}
		large, gpu := byName["m5.large"], byName["g4dn.12xlarge"]
		if large.VCPUs != 2 || large.MemoryMiB != 8192 || large.Architectures.Preferred() != "x86_64" || large.Hibernation != catalog.Yes || large.LocalDisk != catalog.No || c.Local != nil && large.NetworkMbps == 0 {
			t.Errorf("%+v", large)
		}
		if gpus, _ := gpu.GPUs(); gpus != 4 || gpu.Accelerators.Model != "NVIDIA T4" || gpu.LocalDisk != catalog.Yes || gpu.LocalDiskGB != 900 {
			t.Errorf("%+v", gpu)
		}
		if large.Source.AsOf != "2026-11-23" || !strings.Contains(large.Source.Name, "EC2") {
			t.Errorf("%+v", large.Source)
		}
		if len(byName) < 7 || slices.ContainsFunc(r.Types.Value, func(t catalog.Type) bool { return t.Family() != "g4dn" && t.Name != "m5.large" }) {
			t.Errorf("%v", slices.Sorted(maps.Keys(byName)))
		}
		if zones := r.Zones.Value["m5.large"]; !slices.Contains(zones, "us-east-1a") || !slices.IsSorted(zones) {
			t.Errorf("%v", zones)
		}
		// moto takes no wildcards in a filter of this one operation.
		if c.Local != nil && len(r.Zones.Value) != len(byName) {
			t.Errorf("zones of %d types, %d types", len(r.Zones.Value), len(byName))
		}
		seen := map[string]bool{}
		for _, p := range r.Spot.Value {
			if seen[p.Type+p.Zone] || !p.Price.Known() || p.Price.AsOf != "2026-11-23T04:05:06Z" || p.Since.IsZero() {
				t.Errorf("%+v", p)
			}
			seen[p.Type+p.Zone] = true
		}
		if !seen["m5.largeus-east-1a"] {
			t.Errorf("%v", seen)
		}
	})
}

func TestListPrices(t *testing.T) {
	r := one(t, cloudtest.Local(t, nil), market.Question{Regions: []string{"eu-west-1"}, Types: []string{"m7i.large", "nope.large"}, Wildcards: []string{"t3.*"}, Facets: market.OnDemand})
	want, _ := catalog.Offered("eu-west-1", "m7i.large")
	got := r.OnDemand.Value["m7i.large"]
	if usd := got.USD(); usd == nil || int64(*usd*1e6+0.5) != want.OnDemand.MicroUSD || got.AsOf != "2026-11-23T04:05:06Z" || got.Source != "AWS price list" {
		t.Errorf("%+v, want %+v (%v)", got, want.OnDemand, r.OnDemand.Err)
	}
	if _, there := r.OnDemand.Value["nope.large"]; there || len(r.OnDemand.Value) != 8 {
		t.Errorf("%v", r.OnDemand.Value)
	}
}

// Every region, every facet of a family, in two round trips: even when each
// call takes a second.
func TestAFamilyEverywhereIsTwoRoundTripsDeep(t *testing.T) {
	c := cloudtest.Local(t, nil)
	if _, err := c.Local.Faults().Add(fault.Rule{Kind: fault.Latency, Delay: time.Second}); err != nil {
		t.Fatal(err)
	}
	before := c.Local.Tape().Count()
	s := survey(t, c, market.Question{First: "eu-west-1", Wildcards: []string{"m7i.*"}, Facets: search})
	calls := c.Local.Tape().Calls(before)
	if depth := tape.Depth(calls); depth > 2 {
		t.Errorf("%d round trips deep", depth)
	}
	if len(s.Regions) < 25 || s.Regions[0].Name != "eu-west-1" || len(calls) != 1+4*len(s.Regions) {
		t.Errorf("%d calls, %d regions, first %s", len(calls), len(s.Regions), s.Regions[0].Name)
	}
	for _, r := range s.Regions {
		if r.Facets() != search {
			t.Errorf("%s: %b: %v %v %v %v", r.Name, r.Facets(), r.Types.Err, r.Zones.Err, r.OnDemand.Err, r.Spot.Err)
		}
		for _, found := range r.Types.Value {
			if found.Family() != "m7i" {
				t.Errorf("%s has %s", r.Name, found.Name)
			}
		}
	}
	if len(s.Regions[0].Types.Value) != 11 || len(s.Regions[0].OnDemand.Value) != 11 {
		t.Errorf("%d types, %d prices", len(s.Regions[0].Types.Value), len(s.Regions[0].OnDemand.Value))
	}
}

// All types fit into no page; they are asked at the same time.
func TestAllTypesOfARegion(t *testing.T) {
	c := cloudtest.Local(t, nil)
	if _, err := c.Local.Faults().Add(fault.Rule{Kind: fault.Latency, Delay: time.Second}); err != nil {
		t.Fatal(err)
	}
	before := c.Local.Tape().Count()
	r := one(t, c, market.Question{Regions: []string{"us-east-1"}, Wildcards: []string{"*"}, Facets: search})
	if depth := tape.Depth(c.Local.Tape().Calls(before)); depth > 2 {
		t.Errorf("%d round trips deep", depth)
	}
	offered := 0
	for known := range catalog.Types() {
		if _, ok := catalog.Offered("us-east-1", known.Name); ok {
			offered++
		}
	}
	if len(r.Types.Value) != offered || offered < 800 || len(r.Zones.Value) != offered || len(r.OnDemand.Value) < 700 || len(r.Spot.Value) < 2000 {
		t.Errorf("%d types of %d, %d zones, %d prices, %d Spot prices: %v", len(r.Types.Value), offered, len(r.Zones.Value), len(r.OnDemand.Value), len(r.Spot.Value), r.Types.Err)
	}
}

func TestOneCallForManyTypes(t *testing.T) {
	c := cloudtest.Local(t, nil)
	var names []string
	for known := range catalog.Types() {
		if len(names) < 60 {
			names = append(names, known.Name)
		}
	}
	before := c.Local.Tape().Count()
	r := one(t, c, market.Question{Regions: []string{"us-east-1"}, Types: names, Facets: search})
	if calls := c.Local.Tape().Count() - before; calls != 4 || r.Facets() != search {
		t.Errorf("%d calls, %b", calls, r.Facets())
	}
}

// A region that fails says why and hides nothing of the others.
func TestFailuresStayWhereTheyAre(t *testing.T) {
	tests := []struct {
		code, action string
		want         string
		kind         problem.Kind
	}{
		{"UnauthorizedOperation", "DescribeSpotPriceHistory", "ec2:DescribeSpotPriceHistory", problem.Denied},
		{"RequestLimitExceeded", "DescribeSpotPriceHistory", "minute", problem.Failed},
		{"OptInRequired", "DescribeSpotPriceHistory", "enable the region", problem.Denied},
		{"AuthFailure", "DescribeSpotPriceHistory", "enable the region", problem.Denied},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			c := cloudtest.Local(t, nil)
			// Without other facets, the failing region is the only one that uses the action.
			if _, err := c.Local.Faults().Add(fault.Rule{Kind: fault.Error, Action: tt.action, Code: tt.code}); err != nil {
				t.Fatal(err)
			}
			r := one(t, c, market.Question{Regions: []string{"us-east-1"}, Types: []string{"m7i.large"}, Facets: search})
			if r.Spot.Known() || r.Spot.Value != nil || problem.KindOf(r.Spot.Err) != tt.kind || !strings.Contains(problem.NextOf(r.Spot.Err), tt.want) {
				t.Errorf("%v, next %q", r.Spot.Err, problem.NextOf(r.Spot.Err))
			}
			if r.Facets() != search&^market.Spot || len(r.Types.Value) != 1 {
				t.Errorf("%b: %v", r.Facets(), r.Types.Err)
			}
		})
	}
}

func TestNoAnswerInTime(t *testing.T) {
	c := cloudtest.Local(t, nil)
	if _, err := c.Local.Faults().Add(fault.Rule{Kind: fault.Latency, Action: "DescribeInstanceTypes", Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // enough for the others on a busy machine
	defer cancel()
	s := ask.Ask(ctx, ask.Of(c.Target), now, market.Survey{Question: market.Question{Regions: []string{"us-east-1", "eu-west-1"}, Types: []string{"m7i.large"}, Facets: search}})
	for _, r := range s.Regions {
		if r.Facets() != search&^market.Types || r.Types.Err == nil || !strings.Contains(r.Types.Err.Error(), "no answer in time") {
			t.Errorf("%s: %b %v", r.Name, r.Facets(), r.Types.Err)
		}
	}
}

func TestWhatIsKnownIsNotAskedAgain(t *testing.T) {
	c := cloudtest.Local(t, nil)
	q := market.Question{Regions: []string{"us-east-1"}, Types: []string{"m7i.large"}, Facets: market.Types | market.Zones}
	s := survey(t, c, q)
	s.Question.Facets |= market.Spot
	before := c.Local.Tape().Count()
	s = ask.Ask(t.Context(), ask.Of(c.Target), now, s)
	if calls := c.Local.Tape().Calls(before); len(calls) != 1 || calls[0].Action != "DescribeSpotPriceHistory" || s.Regions[0].Facets() != s.Question.Facets {
		t.Errorf("%v", calls)
	}
}

func TestWhatTheAccountMayHave(t *testing.T) {
	c := cloudtest.Local(t, nil)
	five := 5.0
	if _, err := c.Local.Faults().Add(fault.Rule{Kind: fault.Quota, Code: "L-34B43A08", Value: &five}); err != nil {
		t.Fatal(err)
	}
	client := c.Target.EC2In("us-east-1")
	if _, err := client.CreateCapacityReservation(t.Context(), &ec2.CreateCapacityReservationInput{
		InstanceType: aws.String("m5.large"), InstancePlatform: "Linux/UNIX", InstanceCount: aws.Int32(3), AvailabilityZone: aws.String("us-east-1b"), InstanceMatchCriteria: "targeted",
	}); err != nil {
		t.Fatal(err)
	}
	r := one(t, c, market.Question{
		Regions: []string{"us-east-1"}, Types: []string{"p5.48xlarge", "m7i.large", "c7i.large"},
		Facets: market.Reservations | market.Blocks | market.Quotas | market.Scores | market.History, Since: now().Add(-24 * time.Hour),
	})
	if len(r.Reservations.Value) != 1 || r.Reservations.Value[0].Available != 3 || !r.Reservations.Value[0].Targeted || r.Reservations.Value[0].Kind != "default" {
		t.Errorf("%+v %v", r.Reservations.Value, r.Reservations.Err)
	}
	if len(r.Blocks.Value) != 1 || r.Blocks.Value[0].Type != "p5.48xlarge" || r.Blocks.Value[0].Hours != 24 || !r.Blocks.Value[0].Fee.Known() || r.Blocks.Value[0].Start.IsZero() {
		t.Errorf("%+v %v", r.Blocks.Value, r.Blocks.Err)
	}
	if i := slices.IndexFunc(r.Quotas.Value, func(q market.Quota) bool { return q.Code == "L-34B43A08" }); i < 0 || !r.Quotas.Value[i].Spot || r.Quotas.Value[i].VCPUs != 5 {
		t.Errorf("%+v %v", r.Quotas.Value, r.Quotas.Err)
	}
	if score := r.Scores.Value["us-east-1a"]; score < 1 || score > 10 {
		t.Errorf("%v %v", r.Scores.Value, r.Scores.Err)
	}
	if len(r.History.Value) == 0 || !r.History.Known() {
		t.Errorf("%v", r.History.Err)
	}
}
