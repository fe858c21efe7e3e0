package find

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

var asked = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

func answered[T any](value T) market.Fact[T] { return market.Fact[T]{Value: value, AsOf: asked} }

func spotAt(typeName, zone string, usd float64) market.SpotPrice {
	return market.SpotPrice{Type: typeName, Zone: zone, Price: price.FromUSD(usd, "EC2 Spot price history", "2026-11-23T04:00:00Z"), Since: asked.Add(-time.Hour)}
}

// surveyed is what EC2 said about the types in us-east-1.
func surveyed(types []string, r market.Region) Known {
	r.Name = "us-east-1"
	return Known{Live: market.Survey{Question: market.Question{Regions: []string{"us-east-1"}, Types: types}, Regions: []market.Region{r}}}
}

func spotQuery(patterns ...string) SpotQuery {
	return SpotQuery{Query: Query{Patterns: patterns, Regions: []string{"us-east-1"}}}
}

func spotNames(rows []SpotRow) []string {
	var all []string
	for _, r := range rows {
		all = append(all, r.Type.Name+"@"+r.Zone)
	}
	return all
}

func TestSpotIsARowAZone(t *testing.T) {
	known := surveyed([]string{"m7i.large", "m7a.large"}, market.Region{
		Spot:   answered([]market.SpotPrice{spotAt("m7i.large", "us-east-1b", 0.06), spotAt("m7i.large", "us-east-1a", 0.04), spotAt("m7a.large", "us-east-1a", 0.05)}),
		Scores: answered(map[string]int{"us-east-1a": 9}),
	})
	q := spotQuery("m7i.large", "m7a.large")
	rows, _, err := Spot(known, q)
	if want := []string{"m7i.large@us-east-1a", "m7i.large@us-east-1b", "m7a.large@us-east-1a"}; err != nil || !slices.Equal(spotNames(rows), want) {
		t.Fatalf("%v %v", spotNames(rows), err)
	}
	if rows[0].Score != 9 || rows[1].Score != 0 {
		t.Errorf("scores %d and %d", rows[0].Score, rows[1].Score)
	}
	if percent, estimated, ok := rows[0].Savings(); percent != 60 || estimated || !ok { // of 0.1008
		t.Errorf("saves %d, estimated: %v, known: %v", percent, estimated, ok)
	}
	o := rows[1].Offer()
	if !o.Spot || o.AvailabilityZone != "us-east-1b" || *o.SpotPrice != 0.06 || *o.OnDemandPrice != 0.1008 ||
		o.PriceAsOf != "2026-11-23T04:00:00Z" || !strings.HasPrefix(o.PriceSource, "Spot: EC2 Spot price history") {
		t.Errorf("%+v", o)
	}
	q.By = ByPrice
	rows, _, err = Spot(known, q)
	if want := []string{"m7i.large@us-east-1a", "m7a.large@us-east-1a", "m7i.large@us-east-1b"}; err != nil || !slices.Equal(spotNames(rows), want) {
		t.Errorf("%v %v", spotNames(rows), err)
	}
	q.MaxPrice = price.FromUSD(0.05, "", "")
	rows, e, err := Spot(known, q)
	if err != nil || len(rows) != 2 || e.Dearer != 1 || e.Unknown != 0 {
		t.Errorf("%v %+v %v", spotNames(rows), e, err)
	}
}

func TestASpotAverageIsNoPriceOfAZone(t *testing.T) {
	rows, _, err := Spot(Known{}, spotQuery("m7i.large"))
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v %v", spotNames(rows), err)
	}
	r := rows[0]
	_, estimated, ok := r.Savings()
	if o := r.Offer(); !r.Average() || !estimated || !ok || o.AvailabilityZone != "" || o.AvailabilityZones != nil {
		t.Errorf("%+v", o)
	} else {
		spotSource, spotAsOf := o.SpotSource()
		onDemandSource, onDemandAsOf, _ := o.OnDemandSource()
		if spotSource != "average of the region, "+r.Price.Source || spotAsOf != r.Price.AsOf || onDemandSource != r.OnDemand.Source || onDemandAsOf != r.OnDemand.AsOf {
			t.Errorf("Spot from %q of %s, on demand from %q of %s", spotSource, spotAsOf, onDemandSource, onDemandAsOf)
		}
	}
	if r.InterruptionSource.AsOf == "" {
		t.Error("the interruptions have no date")
	}
}

// An unknown price is neither cheap nor dear.
func TestUnknownSpotPrices(t *testing.T) {
	q := spotQuery("m7i.large", "m8a.large")
	q.By = ByPrice
	rows, e, err := Spot(Known{}, q)
	if want := []string{"m7i.large@", "m8a.large@"}; err != nil || !slices.Equal(spotNames(rows), want) || e.Unknown != 0 {
		t.Fatalf("%v %v", spotNames(rows), err)
	}
	if o := rows[1].Offer(); o.SpotPrice != nil || !o.Spot || o.PriceSource != rows[1].OnDemand.Source {
		t.Errorf("%+v", o)
	}
	q.MaxPrice = price.FromUSD(1, "", "")
	rows, e, err = Spot(Known{}, q)
	if err != nil || len(rows) != 1 || e.Unknown != 1 {
		t.Errorf("%v %+v %v", spotNames(rows), e, err)
	}
	for _, order := range []SpotOrder{ByName, BySavings, ByInterruption} {
		q := spotQuery("m8a.large", "m7i.large")
		q.By = order
		if rows, _, err := Spot(Known{}, q); err != nil || rows[0].Type.Name != "m7i.large" {
			t.Errorf("%s: %v %v", order, spotNames(rows), err)
		}
	}
}

func TestWhatEC2DoesNotSellAsSpotIsNoAverage(t *testing.T) {
	known := surveyed([]string{"m7i.large", "t3.micro"}, market.Region{Spot: answered([]market.SpotPrice{spotAt("t3.micro", "us-east-1a", 0.003)})})
	rows, e, err := Spot(known, spotQuery("m7i.large", "t3.micro"))
	if err != nil || !slices.Equal(spotNames(rows), []string{"t3.micro@us-east-1a"}) || !slices.Equal(e.NotSold, []string{"m7i.large in us-east-1"}) {
		t.Errorf("%v %+v %v", spotNames(rows), e, err)
	}
	if _, _, err := Spot(known, spotQuery("m7i.large")); problem.KindOf(err) != problem.NotFound {
		t.Error(err)
	}
	// If EC2 failed to answer, the catalog's average stands.
	known = surveyed([]string{"m7i.large"}, market.Region{Spot: market.Fact[[]market.SpotPrice]{Err: problem.New(problem.Failed, "throttled")}})
	if rows, e, err := Spot(known, spotQuery("m7i.large")); err != nil || len(rows) != 1 || !rows[0].Average() || len(e.NotSold) > 0 {
		t.Errorf("%v %+v %v", spotNames(rows), e, err)
	}
}

func TestSpotOrders(t *testing.T) {
	for order, key := range map[SpotOrder]func(SpotRow) float64{
		ByPrice:        func(r SpotRow) float64 { return *r.Price.USD() },
		BySavings:      func(r SpotRow) float64 { n, _, _ := r.Savings(); return -float64(n) },
		ByInterruption: func(r SpotRow) float64 { return float64(r.Interruption) },
	} {
		q := spotQuery("m[67]*", "t3*")
		q.By = order
		rows, _, err := Spot(Known{}, q)
		if err != nil {
			t.Fatal(err)
		}
		last, known := math.Inf(-1), true
		for i, r := range rows {
			isKnown := r.Price.Known() && (order != ByInterruption || r.Interruption != catalog.InterruptionUnknown)
			if isKnown && !known {
				t.Fatalf("%s: %d is known and comes after an unknown one", order, i)
			}
			if known = isKnown; !known {
				continue
			}
			if key(r) < last {
				t.Fatalf("%s: %d is out of order", order, i)
			}
			last = key(r)
		}
	}
}

func TestNothingIsCheapEnough(t *testing.T) {
	q := spotQuery("m7i.*")
	q.MaxPrice = price.FromUSD(0.001, "", "")
	_, _, err := Spot(Known{}, q)
	if problem.KindOf(err) != problem.NotFound || !strings.Contains(err.Error(), "0.0312") || !strings.Contains(err.Error(), "m7i.large") {
		t.Error(err)
	}
	q = spotQuery("m8a.large")
	q.MaxPrice = price.FromUSD(100, "", "")
	if _, _, err = Spot(Known{}, q); problem.KindOf(err) != problem.NotFound || !strings.Contains(err.Error(), "known") {
		t.Error(err)
	}
}

func TestEverySpotOfferCanBeRead(t *testing.T) {
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		rows, _, err := Spot(Known{}, SpotQuery{Query: Query{Patterns: []string{"*"}, Regions: []string{region}}})
		if err != nil || len(rows) < 500 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		var offers []offer.Offer
		for _, r := range rows {
			offers = append(offers, r.Offer())
		}
		var pipe bytes.Buffer
		if err := offer.Write(&pipe, offers); err != nil {
			t.Fatal(err)
		}
		read, err := offer.Read(&pipe)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(offers, read); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSpotHistory(t *testing.T) {
	at := func(hours int, usd float64, zone string) market.SpotPrice {
		p := spotAt("m7i.large", zone, usd)
		p.Since = asked.Add(time.Duration(hours) * time.Hour)
		return p
	}
	known := surveyed([]string{"m7i.large"}, market.Region{History: answered([]market.SpotPrice{
		at(-2, 0.05, "us-east-1a"), at(-30, 0.02, "us-east-1a"), at(-8, 0.04, "us-east-1a"), at(-5, 0.06, "us-east-1b"),
	})})
	known.Live.Question.Since = asked.Add(-10 * time.Hour)
	histories, err := known.SpotHistories("us-east-1", "m7i.large")
	if err != nil || len(histories) != 2 || histories[0].Zone != "us-east-1a" {
		t.Fatalf("%+v %v", histories, err)
	}
	if got := histories[0].Sampled(11); !slices.Equal(got, []float64{.02, .02, .04, .04, .04, .04, .04, .04, .05, .05, .05}) {
		t.Errorf("%v", got)
	}
	if got := histories[1].Sampled(3); !math.IsNaN(got[0]) || got[1] != 0.06 || got[2] != 0.06 {
		t.Errorf("before the first price that is known there is %v", got)
	}
	if low, high := histories[0].Extremes(); low != 0.02 || high != 0.05 {
		t.Errorf("%v to %v", low, high)
	}
	known.Live.Question.Since = asked.Add(-7 * time.Hour) // the price of 0.02 is over by then
	histories, err = known.SpotHistories("us-east-1", "m7i.large")
	if low, _ := histories[0].Extremes(); err != nil || low != 0.04 {
		t.Errorf("the lowest is %v %v", low, err)
	}
	if _, err := (Known{}).SpotHistories("us-east-1", "m7i.large"); problem.KindOf(err) != problem.Denied {
		t.Errorf("nobody was asked: %v", err)
	}
}
