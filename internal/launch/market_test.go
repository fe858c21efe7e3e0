package launch_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/cloudtest"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// resolve makes a plan for an offer, changed by the test.
func resolve(t *testing.T, o offer.Offer, change func(*launch.Spec)) (launch.Plan, error) {
	t.Helper()
	s := launch.Spec{Offer: o}
	if change != nil {
		change(&s)
	}
	p, err := launch.Resolve(s, machine(t))
	if err != nil {
		needAgent(t, err)
	}
	return p, err
}

// plans resolves what must resolve.
func plans(t *testing.T, o offer.Offer, change func(*launch.Spec)) launch.Plan {
	t.Helper()
	p, err := resolve(t, o, change)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func usd(f float64) *float64 { return &f }

func TestMarketOfAPlan(t *testing.T) {
	spotOffer := offer.Offer{InstanceType: "m7i.large", Spot: true, SpotPrice: usd(0.0321), PriceSource: "EC2", PriceAsOf: "2026-11-01"}
	tests := map[string]struct {
		offer  offer.Offer
		change func(*launch.Spec)
		market lifecycle.Market
		price  string // "" for whatever the catalog says
		source string
	}{
		"an offer":               {offer.Offer{InstanceType: "m7i.large"}, nil, lifecycle.OnDemand, "0.1008", "karpenter"},
		"a Spot offer":           {spotOffer, nil, lifecycle.Spot, "0.0321", "EC2"},
		"a Spot offer overruled": {spotOffer, func(s *launch.Spec) { s.Market = lifecycle.OnDemand }, lifecycle.OnDemand, "0.1008", "karpenter"},
		"an offer overruled":     {offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Market = lifecycle.Spot }, lifecycle.Spot, "", "ec2instances.info"},
		"an offer with both prices": {
			offer.Offer{InstanceType: "m7i.large", OnDemandPrice: usd(0.2), SpotPrice: usd(0.1), PriceSource: "list; Spot: history, 2026-11-02", PriceAsOf: "2026-11-01"},
			func(s *launch.Spec) { s.Market = lifecycle.Spot }, lifecycle.Spot, "0.1000", "history",
		},
		"a Spot price of EC2": {
			offer.Offer{InstanceType: "m7i.large", Spot: true, SpotPrice: usd(0.03), PriceSource: "Spot: EC2 Spot price history", PriceAsOf: "2026-11-01T10:00:00Z"},
			nil, lifecycle.Spot, "0.0300", "history",
		},
		"the catalog's average of a region": {
			offer.Offer{InstanceType: "m7i.large", Spot: true, SpotPrice: usd(0.03), PriceSource: "Spot: average of the region, " + price.Spot("us-east-1", "m7i.large").Source, PriceAsOf: "2025-05-28"},
			nil, lifecycle.Spot, "~0.0300", "average",
		},
		"a price without a source": {offer.Offer{InstanceType: "m7i.large", Spot: true, SpotPrice: usd(0.05)}, nil, lifecycle.Spot, "0.0500", "names no source"},
		"a reservation is no Spot": {offer.Offer{InstanceType: "m7i.large", Spot: true, ReservationID: "cr-0123456789abcdef0"}, nil, lifecycle.OnDemand, "0.1008", ""},
		"a Capacity Block":         {offer.Offer{InstanceType: "m7i.large", ReservationID: "cr-0123456789abcdef0", ReservationType: "capacity-block"}, nil, lifecycle.CapacityBlock, "unknown", ""},
	}
	for name, tt := range tests {
		c := plans(t, tt.offer, tt.change).First()
		if c.Market != tt.market || tt.price != "" && c.Price.String() != tt.price || !strings.Contains(c.Price.Source, tt.source) {
			t.Errorf("%s: %s, $%s from %q", name, c.Market, c.Price, c.Price.Source)
		}
	}
}

func TestMarketRefusals(t *testing.T) {
	reserved := offer.Offer{InstanceType: "m7i.large", ReservationID: "cr-0123456789abcdef0", ReservationType: "capacity-block"}
	plain := offer.Offer{InstanceType: "m7i.large"}
	tests := map[string]struct {
		offer  offer.Offer
		change func(*launch.Spec)
	}{
		"a maximum that is no price":      {plain, func(s *launch.Spec) { s.Market, s.SpotMaxPrice = lifecycle.Spot, "cheap" }},
		"a maximum below EC2's least":     {plain, func(s *launch.Spec) { s.Market, s.SpotMaxPrice = lifecycle.Spot, "0.001" }},
		"a negative maximum":              {plain, func(s *launch.Spec) { s.Market, s.SpotMaxPrice = lifecycle.Spot, "-1" }},
		"a maximum in hexadecimal":        {plain, func(s *launch.Spec) { s.Market, s.SpotMaxPrice = lifecycle.Spot, "0x1p-3" }},
		"a maximum without Spot":          {plain, func(s *launch.Spec) { s.SpotMaxPrice = "0.1" }},
		"a reservation that is not there": {plain, func(s *launch.Spec) { s.UseReservation = true }},
		"an id that is none":              {plain, func(s *launch.Spec) { s.Reservation = "r-1" }},
		"Spot in a reservation":           {reserved, func(s *launch.Spec) { s.Market = lifecycle.Spot }},
		"a Capacity Block on demand":      {reserved, func(s *launch.Spec) { s.Market = lifecycle.OnDemand }},
		"a zone of another region":        {plain, func(s *launch.Spec) { s.Zone, s.Region = "eu-west-1a", "us-east-1" }},
		"a region for a zone":             {plain, func(s *launch.Spec) { s.Zone = "us-east-1" }},
		"dearer than allowed":             {plain, func(s *launch.Spec) { s.MaxPrice = "0.05" }},
		"a price allowed that is none":    {plain, func(s *launch.Spec) { s.MaxPrice = "0" }},
		"an unknown price with a limit":   {reserved, func(s *launch.Spec) { s.MaxPrice = "100" }},
	}
	for name, tt := range tests {
		if _, err := resolve(t, tt.offer, tt.change); problem.KindOf(err) != problem.Usage || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMaximumBelowTheKnownPriceIsSaid(t *testing.T) {
	for most, warned := range map[string]bool{"0.002": true, "10": false} {
		p := plans(t, offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Market, s.SpotMaxPrice = lifecycle.Spot, most })
		if got := len(p.Notes) > 0; got != warned {
			t.Errorf("%s: %v", most, p.Notes)
		}
	}
}

func TestAZoneNamesItsRegion(t *testing.T) {
	p := plans(t, offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Zone = "us-west-2b" })
	if p.Region != "us-west-2" || !slices.Equal(p.First().Zones, []string{"us-west-2b"}) {
		t.Errorf("%s, %v", p.Region, p.First().Zones)
	}
}

func TestOthersAreCandidatesOnlyWhenNotDearer(t *testing.T) {
	at := func(name, region string) offer.Offer { return offer.Offer{InstanceType: name, Region: region} }
	others := []offer.Offer{
		at("m7i.xlarge", "us-east-1"), at("t3.micro", "eu-west-1"), at("t3.micro", "us-east-1"), at("m7i.lagre", "us-east-1"),
		{InstanceType: "c7i.large", Region: "us-east-1", ReservationID: "cr-0123456789abcdef0"},
		at("c7i.large", ""),
	}
	names := func(p launch.Plan) (out []string) {
		for _, c := range p.Candidates {
			out = append(out, c.Type.Name)
		}
		return out
	}
	p := plans(t, at("m7i.large", "us-east-1"), func(s *launch.Spec) { s.Others = others })
	if got := names(p); !slices.Equal(got, []string{"m7i.large", "t3.micro", "c7i.large"}) || len(p.Notes) != 4 {
		t.Errorf("%v\n%s", got, strings.Join(p.Notes, "\n"))
	}
	p = plans(t, at("m7i.large", "us-east-1"), func(s *launch.Spec) { s.Others, s.MaxPrice = others, "0.3" })
	if got := names(p); !slices.Equal(got, []string{"m7i.large", "m7i.xlarge", "t3.micro", "c7i.large"}) {
		t.Errorf("with a price allowed: %v", got)
	}
	// Nothing is known to be no dearer than what is unknown.
	p = plans(t, offer.Offer{InstanceType: unpriced(t), Region: "us-east-1"}, func(s *launch.Spec) { s.Others = others })
	if len(p.Candidates) != 1 {
		t.Errorf("fell through from an unknown price: %v", names(p))
	}
}

// unpriced is a type that can be launched and whose price nobody knows.
func unpriced(t *testing.T) string {
	t.Helper()
	for kind := range catalog.Types() {
		if kind.Architectures&(catalog.X86|catalog.Arm) != 0 && !price.OnDemand("us-east-1", kind.Name).Known() {
			return kind.Name
		}
	}
	t.Skip("the catalog has a price for every type in us-east-1")
	return ""
}

// spotRequests are those that the cloud knows.
func spotRequests(t *testing.T, c cloudtest.Cloud) []types.SpotInstanceRequest {
	t.Helper()
	out, err := c.Target.EC2().DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.SpotInstanceRequests
}

func TestASpotRequestIsTaggedAndClosesWithItsInstance(t *testing.T) {
	c := cloudtest.Local(t, nil)
	p := plans(t, offer.Offer{InstanceType: "t3.micro"}, func(s *launch.Spec) { s.Market, s.SpotMaxPrice = lifecycle.Spot, "0.010" })
	res, err := launcher(t, c).Launch(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if res.Members[0].Instance.Market != lifecycle.Spot || res.Members[0].Got.Market != lifecycle.Spot {
		t.Errorf("bought as %s", res.Members[0].Instance.Market)
	}
	all := spotRequests(t, c)
	if len(all) != 1 || aws.ToString(all[0].SpotPrice) != "0.010000" && aws.ToString(all[0].SpotPrice) != "0.01" || all[0].Type != types.SpotInstanceTypeOneTime ||
		all[0].InstanceInterruptionBehavior != types.InstanceInterruptionBehaviorTerminate || aws.ToString(all[0].SpotInstanceRequestId) != res.Members[0].Instance.SpotRequest {
		t.Fatalf("%+v", all)
	}
	tagged := false
	for _, tag := range all[0].Tags {
		tagged = tagged || aws.ToString(tag.Key) == lifecycle.TagLaunch && aws.ToString(tag.Value) == p.Launch
	}
	if !tagged {
		t.Errorf("the request has no tags of ours: %v", all[0].Tags)
	}
	if _, err := c.Target.EC2().TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{res.Members[0].Instance.ID}}); err != nil {
		t.Fatal(err)
	}
	for ends := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the cloud is being waited for
		if state := spotRequests(t, c)[0].State; state == types.SpotInstanceStateClosed {
			break
		} else if time.Now().After(ends) {
			t.Fatalf("the request is %s after the end of its instance", state)
		}
	}
}

func TestRefusedSpotSaysWhatToDo(t *testing.T) {
	c := cloudtest.Local(t, nil)
	p := plans(t, offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Market, s.SpotMaxPrice = lifecycle.Spot, "0.002" })
	_, err := launcher(t, c).Launch(t.Context(), p)
	if problem.KindOf(err) != problem.NoCapacity || !strings.Contains(problem.NextOf(err), "--spot-max-price") {
		t.Errorf("%v; next: %s", err, problem.NextOf(err))
	}
	if all := spotRequests(t, c); len(all) != 0 {
		t.Errorf("a request is left: %+v", all)
	}
	wantNothingLeft(t, c)
}

func TestNextZoneThenNextCandidateWithATokenOfItsOwn(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	cloud := l.EC2
	var asked, tokens []string
	l.EC2 = unkind{cloud, func(ctx context.Context, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
		asked = append(asked, string(in.InstanceType)+" "+aws.ToString(in.Placement.AvailabilityZone))
		tokens = append(tokens, aws.ToString(in.ClientToken))
		if len(asked) < 4 {
			return nil, &smithy.GenericAPIError{Code: "InsufficientInstanceCapacity", Message: "no"}
		}
		return cloud.RunInstances(ctx, in)
	}}
	var noted []string
	l.Events = func(e launch.Event) {
		if n, ok := e.(launch.Noted); ok {
			noted = append(noted, n.Text)
		}
	}
	zones := []string{"us-east-1b", "us-east-1a"}
	p := plans(t, offer.Offer{InstanceType: "m7i.large", Region: "us-east-1", AvailabilityZones: zones}, func(s *launch.Spec) {
		s.Others = []offer.Offer{{InstanceType: "t4g.micro", Region: "us-east-1", AvailabilityZones: zones}} // another architecture: another agent, another image
	})
	res, err := l.Launch(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"m7i.large us-east-1b", "m7i.large us-east-1a", "t4g.micro us-east-1b", "t4g.micro us-east-1a"}
	if !slices.Equal(asked, want) || len(noted) != 3 || !strings.Contains(noted[0], "us-east-1b") {
		t.Errorf("asked %v, noted %v", asked, noted)
	}
	if slices.Sort(tokens); len(slices.Compact(tokens)) != 4 {
		t.Errorf("tokens %v", tokens)
	}
	if res.Members[0].Instance.Type != "t4g.micro" || res.Members[0].Got.Type.Name != "t4g.micro" || res.Members[0].Instance.Zone != "us-east-1a" {
		t.Errorf("%+v", res)
	}
}

func TestNothingLeftToTry(t *testing.T) {
	c := cloudtest.Local(t, nil)
	l := launcher(t, c)
	calls := 0
	l.EC2 = unkind{l.EC2, func(context.Context, *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
		calls++
		return nil, &smithy.GenericAPIError{Code: "InsufficientInstanceCapacity", Message: "no"}
	}}
	p := plans(t, offer.Offer{InstanceType: "m7i.large", Region: "us-east-1", AvailabilityZones: []string{"us-east-1a", "us-east-1b"}}, nil)
	_, err := l.Launch(t.Context(), p)
	if calls != 2 || problem.KindOf(err) != problem.NoCapacity || problem.NextOf(err) == "" {
		t.Errorf("%d calls, %v", calls, err)
	}
	wantNothingLeft(t, c)
	// What is no lack of capacity leads nowhere else.
	calls = 0
	l.EC2 = unkind{l.EC2, func(context.Context, *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
		calls++
		return nil, &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"}
	}}
	p.Launch += "x"
	if _, err := l.Launch(t.Context(), p); calls != 1 || problem.KindOf(err) == problem.NoCapacity {
		t.Errorf("%d calls, %v", calls, err)
	}
}

var errDenied = &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"}

// reservations answers DescribeCapacityReservations.
type reservations struct {
	answer types.CapacityReservation
	err    error
}

func (r reservations) DescribeCapacityReservations(context.Context, *ec2.DescribeCapacityReservationsInput, ...func(*ec2.Options)) (*ec2.DescribeCapacityReservationsOutput, error) {
	if r.err != nil {
		return nil, r.err
	}
	return &ec2.DescribeCapacityReservationsOutput{CapacityReservations: []types.CapacityReservation{r.answer}}, nil
}

// reserve makes a reservation in the cloud.
func reserve(t *testing.T, c cloudtest.Cloud, instanceType, zone string) string {
	t.Helper()
	out, err := c.Target.EC2().CreateCapacityReservation(t.Context(), &ec2.CreateCapacityReservationInput{
		InstanceType: aws.String(instanceType), AvailabilityZone: aws.String(zone), InstanceCount: aws.Int32(1),
		InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix, InstanceMatchCriteria: types.InstanceMatchCriteriaTargeted,
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.CapacityReservation.CapacityReservationId)
}

func TestAReservationIsUsedAndThenFull(t *testing.T) {
	c := cloudtest.Local(t, nil)
	id := reserve(t, c, "m7i.large", "us-east-1d")
	p := plans(t, offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Reservation = id })
	ready, err := p.CheckReservation(t.Context(), c.Target.EC2(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	res, err := launcher(t, c).Launch(t.Context(), ready)
	if err != nil || res.Members[0].Instance.Reservation != id || res.Members[0].Instance.Zone != "us-east-1d" || res.Members[0].Instance.Market != lifecycle.OnDemand {
		t.Fatalf("%+v, %v", res.Members[0].Instance, err)
	}
	if _, err := p.CheckReservation(t.Context(), c.Target.EC2(), time.Now()); problem.KindOf(err) != problem.NoCapacity {
		t.Errorf("a full reservation: %v", err)
	}
	// Somebody else was quicker after it was read.
	late := plans(t, offer.Offer{InstanceType: "m7i.large", AvailabilityZone: "us-east-1d", Region: "us-east-1", ReservationID: id}, nil)
	_, err = launcher(t, c).Launch(t.Context(), late)
	if problem.KindOf(err) != problem.NoCapacity || !strings.Contains(problem.NextOf(err), "truffle capacity") {
		t.Errorf("%v; next: %s", err, problem.NextOf(err))
	}
	if all := instances(t, c); len(all) != 1 {
		t.Errorf("%d instances", len(all))
	}
}

func TestAReservationOfSomethingElseIsRefused(t *testing.T) {
	c := cloudtest.Local(t, nil)
	id := reserve(t, c, "m7i.large", "us-east-1d")
	for name, tt := range map[string]struct {
		change func(*launch.Spec)
	}{
		"another type": {func(s *launch.Spec) { s.Offer.InstanceType = "t3.micro" }},
		"another zone": {func(s *launch.Spec) { s.Zone = "us-east-1a" }},
		"not there":    {func(s *launch.Spec) { s.Reservation = "cr-00000000000000000" }},
	} {
		p := plans(t, offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Reservation = id; tt.change(s) })
		if _, err := p.CheckReservation(t.Context(), c.Target.EC2(), time.Now()); problem.KindOf(err) != problem.Usage || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A failed question is no answer: without the permission EC2 decides.
	p := plans(t, offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Reservation = id })
	p, err := p.CheckReservation(t.Context(), reservations{err: errDenied}, time.Now())
	if err != nil || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "unknown") {
		t.Errorf("%v, %v", p.Notes, err)
	}
}

// block is a Capacity Block that ends in a while.
func block(left time.Duration, now time.Time) reservations {
	return reservations{answer: types.CapacityReservation{
		InstanceType: aws.String("m7i.large"), AvailabilityZone: aws.String("us-east-1d"), State: types.CapacityReservationStateActive,
		InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix, AvailableInstanceCount: aws.Int32(1), TotalInstanceCount: aws.Int32(1),
		ReservationType: types.CapacityReservationTypeCapacityBlock, EndDate: aws.Time(now.Add(left)),
	}}
}

func TestAnInstanceEndsBeforeItsCapacityBlock(t *testing.T) {
	c := cloudtest.Local(t, nil)
	now := c.Target.Clock.Now().Truncate(time.Second)
	o := offer.Offer{InstanceType: "m7i.large", ReservationID: "cr-0123456789abcdef0", ReservationType: "capacity-block"}
	p, err := plans(t, o, func(s *launch.Spec) { s.TTL = "24h" }).CheckReservation(t.Context(), block(4*time.Hour, now), now)
	if err != nil {
		t.Fatal(err)
	}
	if want := 4*time.Hour - 35*time.Minute; p.Lifetime.TTL != want || p.Lifetime.Reason != lifecycle.BlockEnds || len(p.Notes) != 1 {
		t.Errorf("lives %v (%s), want %v; %v", p.Lifetime.TTL, p.Lifetime.Reason, want, p.Notes)
	}
	l := launcher(t, c)
	cloud := l.EC2
	l.EC2 = unkind{cloud, func(ctx context.Context, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
		if in.InstanceMarketOptions.MarketType != types.MarketTypeCapacityBlock || aws.ToString(in.Placement.AvailabilityZone) != "us-east-1d" ||
			aws.ToString(in.CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId) != o.ReservationID {
			t.Errorf("%+v", in)
		}
		plain := *in // the local cloud sells no Capacity Blocks
		plain.InstanceMarketOptions, plain.CapacityReservationSpecification = nil, nil
		return cloud.RunInstances(ctx, &plain)
	}}
	l.Now = func() time.Time { return now.Add(time.Minute) } // the preparation took a while
	res, err := l.Launch(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := lifecycle.DeadlineAt(now.Add(4*time.Hour - 35*time.Minute)); res.Members[0].Deadline != want || res.Members[0].Instance.Tags.Deadline != want {
		t.Errorf("ends at %v, tagged %v, want %v", res.Members[0].Deadline, res.Members[0].Instance.Tags.Deadline, want)
	}
	// Tags that contradict each other would let the later one win some day.
	if tags := res.Members[0].Instance.Tags; lifecycle.DeadlineAt(tags.Created.Add(tags.TTL)) != tags.Deadline {
		t.Errorf("created %v, ttl %v, deadline %v", tags.Created, tags.TTL, tags.Deadline)
	}
}

func TestACapacityBlockWithoutAKnownEndIsRefused(t *testing.T) {
	o := offer.Offer{InstanceType: "m7i.large", ReservationID: "cr-0123456789abcdef0", ReservationType: "capacity-block"}
	now := time.Now()
	if _, err := plans(t, o, nil).CheckReservation(t.Context(), reservations{err: errDenied}, now); !errors.Is(err, errDenied) {
		t.Errorf("without the permission: %v", err)
	}
	if _, err := plans(t, o, nil).CheckReservation(t.Context(), block(35*time.Minute, now), now); problem.KindOf(err) != problem.NoCapacity {
		t.Errorf("a block that is nearly over: %v", err)
	}
	// A short life needs no clamp.
	p, err := plans(t, o, func(s *launch.Spec) { s.TTL = "1h" }).CheckReservation(t.Context(), block(4*time.Hour, now), now)
	if err != nil || p.Lifetime.TTL != time.Hour || p.Lifetime.Reason != lifecycle.Asked {
		t.Errorf("%v %v", p.Lifetime, err)
	}
	// Whoever names the block by its id alone learns that it is one.
	p, err = plans(t, offer.Offer{InstanceType: "m7i.large"}, func(s *launch.Spec) { s.Reservation = o.ReservationID }).CheckReservation(t.Context(), block(4*time.Hour, now), now)
	if err != nil || p.First().Market != lifecycle.CapacityBlock {
		t.Errorf("%v %v", p.First().Market, err)
	}
}
