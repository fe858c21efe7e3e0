package find

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func reserved(id, typeName, zone string, edit func(*market.Reservation)) market.Reservation {
	r := market.Reservation{ID: id, Type: typeName, Zone: zone, Kind: "default", State: "active", Platform: "Linux/UNIX", Total: 4, Available: 2, Start: asked.Add(-time.Hour)}
	if edit != nil {
		edit(&r)
	}
	return r
}

func reservations(list ...market.Reservation) Known {
	return surveyed(nil, market.Region{Reservations: answered(list)})
}

func capacityQuery() CapacityQuery { return CapacityQuery{Regions: []string{"us-east-1"}, Now: asked} }

func ids(rows []CapacityRow) []string {
	var all []string
	for _, r := range rows {
		all = append(all, r.Reservation.ID)
	}
	return all
}

func TestObstacles(t *testing.T) {
	for want, edit := range map[string]func(*market.Reservation){
		"":                       func(*market.Reservation) {},
		"it is for Windows":      func(r *market.Reservation) { r.Platform = "Windows" },
		"it begins later":        func(r *market.Reservation) { r.State = "scheduled" },
		"it is over":             func(r *market.Reservation) { r.End = asked },
		"it is full":             func(r *market.Reservation) { r.Available = 0 },
		"it is pending":          func(r *market.Reservation) { r.State = "pending" },
		"it is for RHEL with HA": func(r *market.Reservation) { r.Platform, r.Available = "RHEL with HA", 0 },
	} {
		rows, _, err := Capacity(reservations(reserved("cr-1", "m5.large", "us-east-1a", edit)), capacityQuery())
		if err != nil || rows[0].Obstacle != want {
			t.Errorf("%q, want %q: %v", rows[0].Obstacle, want, err)
		}
	}
	future := reserved("cr-1", "m5.large", "us-east-1a", func(r *market.Reservation) { r.Start = asked.Add(time.Hour) })
	if rows, _, err := Capacity(reservations(future), capacityQuery()); err != nil || rows[0].Obstacle == "" {
		t.Errorf("one of the future can be launched into: %v", err)
	}
}

func TestAvailableCapacityComesFirst(t *testing.T) {
	known := reservations(
		reserved("cr-1", "a1.large", "us-east-1a", func(r *market.Reservation) { r.Available = 0 }),
		reserved("cr-2", "m5.xlarge", "us-east-1a", nil),
		reserved("cr-3", "m5.large", "us-east-1b", nil),
		reserved("cr-4", "m5.large", "us-east-1a", nil),
		reserved("cr-5", "p5.48xlarge", "us-east-1a", func(r *market.Reservation) { r.Kind = "capacity-block" }),
	)
	q := capacityQuery()
	rows, _, err := Capacity(known, q)
	if want := []string{"cr-4", "cr-3", "cr-2", "cr-5", "cr-1"}; err != nil || !slices.Equal(ids(rows), want) {
		t.Errorf("%v %v", ids(rows), err)
	}
	q.AvailableOnly = true
	if rows, e, err := Capacity(known, q); err != nil || len(rows) != 4 || e.Unavailable != 1 {
		t.Errorf("%v %v", ids(rows), err)
	}
	q.GPUOnly = true
	rows, e, err := Capacity(known, q)
	if err != nil || !slices.Equal(ids(rows), []string{"cr-5"}) || e.NoGPU != 4 {
		t.Fatalf("%v %+v %v", ids(rows), e, err)
	}
	o := rows[0].Offer()
	if o.ReservationID != "cr-5" || o.ReservationType != "capacity-block" || *o.AvailableCapacity != 2 || o.AvailabilityZone != "us-east-1a" ||
		o.Spot || o.SpotPrice != nil || *o.GPUs != 8 || o.OnDemandPrice == nil || !strings.Contains(o.PriceSource, "paid in advance") {
		t.Errorf("%+v", o)
	}
	var pipe bytes.Buffer
	if err := offer.Write(&pipe, []offer.Offer{o}); err != nil {
		t.Fatal(err)
	}
	if _, err := offer.Read(&pipe); err != nil {
		t.Error(err)
	}
	q = capacityQuery()
	q.Types = []string{"m5.*", "p5.48xlarge"}
	if rows, e, err := Capacity(known, q); err != nil || len(rows) != 4 || e.OtherType != 1 {
		t.Errorf("%v %v", ids(rows), err)
	}
}

func TestATypeThatNobodyKnows(t *testing.T) {
	known := reservations(reserved("cr-1", "z99.giga", "us-east-1a", nil))
	q := capacityQuery()
	q.Types = []string{"z99.giga"}
	rows, _, err := Capacity(known, q)
	if err != nil || len(rows) != 1 {
		t.Fatal(err)
	}
	if o := rows[0].Offer(); o.VCPUs != nil || o.GPUs != nil || o.OnDemandPrice != nil || o.PriceSource != "" {
		t.Errorf("invented: %+v", o)
	}
	q.GPUOnly = true
	if _, e, err := Capacity(known, q); problem.KindOf(err) != problem.NotFound || e.UnknownGPU != 1 {
		t.Errorf("%+v %v", e, err)
	}
	q.Types = []string{"m5.larg"} // a typing error is not "none"
	if _, _, err := Capacity(known, q); problem.KindOf(err) != problem.NotFound || !strings.Contains(problem.NextOf(err), "m5.large") {
		t.Error(err)
	}
}

// That a region failed must never look as if it had nothing.
func TestAFailureIsNotNone(t *testing.T) {
	denied := problem.New(problem.Denied, "not allowed").WithNext("ask for ec2:DescribeCapacityReservations")
	known := reservations()
	known.Live.Regions = append(known.Live.Regions, market.Region{Name: "eu-west-1", Reservations: market.Fact[[]market.Reservation]{Err: denied}})
	q := capacityQuery()
	if _, _, err := Capacity(known, q); problem.KindOf(err) != problem.NotFound {
		t.Errorf("a region with nothing: %v", err)
	}
	q.Regions = []string{"us-east-1", "eu-west-1"}
	if _, _, err := Capacity(known, q); problem.KindOf(err) != problem.Denied || !strings.Contains(err.Error(), "eu-west-1") || problem.NextOf(err) != denied.Next {
		t.Errorf("nothing and a failure: %v", err)
	}
	known.Live.Regions[0].Reservations = answered([]market.Reservation{reserved("cr-1", "m5.large", "us-east-1a", nil)})
	rows, e, err := Capacity(known, q)
	if err != nil || len(rows) != 1 || len(e.Failed) != 1 || e.Failed[0].Region != "eu-west-1" {
		t.Errorf("something and a failure: %v %+v %v", ids(rows), e, err)
	}
	if _, _, err := Capacity(Known{}, q); problem.KindOf(err) != problem.Denied || problem.NextOf(err) == "" {
		t.Errorf("nobody was asked: %v", err)
	}
	if _, _, err := Blocks(known, q); problem.KindOf(err) != problem.Denied {
		t.Errorf("nobody was asked about blocks: %v", err)
	}
}

func TestBlocks(t *testing.T) {
	block := func(id, typeName string, days int) market.Block {
		start := asked.AddDate(0, 0, days)
		return market.Block{ID: id, Type: typeName, Zone: "us-east-1a", Instances: 1, Hours: 24, Start: start, End: start.AddDate(0, 0, 1), Fee: price.FromUSD(10, "EC2", "2026-11-23").Over(24 * time.Hour)}
	}
	known := surveyed(nil, market.Region{Blocks: answered([]market.Block{block("cb-1", "trn1.32xlarge", 1), block("cb-2", "p5.48xlarge", 2), block("cb-3", "p5.48xlarge", 1)})})
	q := capacityQuery()
	rows, _, err := Blocks(known, q)
	if err != nil || len(rows) != 3 || rows[0].Block.ID != "cb-3" || rows[2].Block.ID != "cb-1" {
		t.Errorf("%+v %v", rows, err)
	}
	q.GPUOnly = true
	if rows, _, err := Blocks(known, q); err != nil || len(rows) != 2 {
		t.Errorf("%+v %v", rows, err)
	}
}
