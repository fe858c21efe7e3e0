package find

import (
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
)

func zoneQuery(least int, patterns ...string) ZoneQuery {
	return ZoneQuery{Query: Query{Patterns: patterns, Regions: []string{"us-west-1", "us-east-1"}}, MinCount: least}
}

func TestZonesOfTheCatalog(t *testing.T) {
	rows, _, err := Zones(Known{}, zoneQuery(0, "m7i.large"))
	if err != nil || len(rows) != 2 || len(rows[0].Zones) != 2 || len(rows[1].Zones) != 5 {
		t.Fatalf("%+v %v", rows, err)
	}
	if rows[0].Told || !slices.Equal(rows[0].IDs, []string{"usw1-az1", "usw1-az3"}) {
		t.Errorf("%+v", rows[0])
	}
	rows, e, err := Zones(Known{}, zoneQuery(3, "m7i.large"))
	if err != nil || len(rows) != 1 || rows[0].Region != "us-east-1" || e.Fewer != 1 {
		t.Errorf("%+v %+v %v", rows, e, err)
	}
	if o := rows[0].Offer(); o.AvailabilityZone != "" || len(o.AvailabilityZones) != 5 || o.Spot {
		t.Errorf("%+v", o)
	}
}

func TestUnknownZonesAreNotEnough(t *testing.T) {
	rows, e, err := Zones(Known{}, zoneQuery(1, "m8a.large", "m7i.large"))
	if err != nil || len(rows) != 2 || len(e.Unknown) == 0 || !strings.Contains(e.Unknown[len(e.Unknown)-1], "m8a.large") {
		t.Errorf("%+v %+v %v", rows, e, err)
	}
	if rows, _, err := Zones(Known{}, zoneQuery(0, "m8a.large")); err != nil || len(rows) == 0 || rows[0].Zones != nil || rows[0].Offer().AvailabilityZones != nil {
		t.Errorf("%+v %v", rows, err)
	}
	if _, _, err := Zones(Known{}, zoneQuery(1, "m8a.large")); problem.KindOf(err) != problem.NotFound || !strings.Contains(err.Error(), "not known") {
		t.Error(err)
	}
	if _, _, err := Zones(Known{}, zoneQuery(6, "m7i.large")); problem.KindOf(err) != problem.NotFound || !strings.Contains(err.Error(), "the most is 5") {
		t.Error(err)
	}
}

func TestZonesThatEC2Named(t *testing.T) {
	known := surveyed([]string{"m7i.large"}, market.Region{Zones: answered(map[string][]string{"m7i.large": {"us-east-1b", "us-east-1c"}})})
	q := zoneQuery(0, "m7i.large")
	q.Regions = []string{"us-east-1"}
	rows, _, err := Zones(known, q)
	if err != nil || !rows[0].Told || rows[0].IDs != nil || !slices.Equal(rows[0].Zones, []string{"us-east-1b", "us-east-1c"}) {
		t.Errorf("%+v %v", rows, err)
	}
}

func TestRegions(t *testing.T) {
	byName := map[string]RegionRow{}
	for _, r := range Regions(Known{}) {
		byName[r.Name] = r
		if r.Enabled != catalog.Unknown {
			t.Errorf("%s: enabled is %s, and nobody was asked", r.Name, r.Enabled)
		}
		if (r.Types == 0) != (r.Level == 0) || r.Level != 0 && (r.Level < 0.9 || r.Level > 2) {
			t.Errorf("%+v", r)
		}
	}
	for _, name := range catalog.Regions() {
		if byName[name].Place == "" {
			t.Errorf("%s has no name in words", name)
		}
	}
	if r := byName["us-east-1"]; r.Level != 1 || r.Zones != 6 {
		t.Errorf("%+v", r)
	}
	if r := byName["ap-east-2"]; r.Place == "" || r.Types != 0 || r.Level != 0 {
		t.Errorf("%+v", r)
	}
	ordered := Regions(Known{})
	slices.SortStableFunc(ordered, CompareLevels)
	if ordered[0].Level > 1 || ordered[len(ordered)-1].Level != 0 {
		t.Errorf("%+v", ordered)
	}
}

func TestEnabledRegions(t *testing.T) {
	known := Known{Live: market.Survey{Enabled: answered([]string{"us-east-1", "xx-new-1"})}}
	enabled := map[string]catalog.Answer{}
	for _, r := range Regions(known) {
		enabled[r.Name] = r.Enabled
	}
	if enabled["us-east-1"] != catalog.Yes || enabled["xx-new-1"] != catalog.Yes || enabled["eu-south-1"] != catalog.No {
		t.Errorf("%v", enabled)
	}
	// Who asked about one region, or was refused, knows nothing about the others.
	known = surveyed(nil, market.Region{})
	known.Live.Enabled.Err = problem.New(problem.Denied, "no")
	for _, r := range Regions(known) {
		if r.Enabled != catalog.Unknown {
			t.Errorf("%s: %s", r.Name, r.Enabled)
		}
	}
}

func TestQuestion(t *testing.T) {
	q, err := Query{Patterns: []string{"M7i.large", "m8*", "c[67]g.large", "/^t3\\.(nano|micro)$/"}, Regions: []string{"eu-west-1"}}.Question()
	if err != nil || !slices.Equal(q.Types, []string{"m7i.large", "c6g.large", "c7g.large", "t3.nano", "t3.micro"}) ||
		!slices.Equal(q.Wildcards, []string{"m8*"}) || !slices.Equal(q.Regions, []string{"eu-west-1"}) {
		t.Errorf("%+v %v", q, err)
	}
	if _, err := (Query{Patterns: []string{"/(/"}}).Question(); problem.KindOf(err) != problem.Usage {
		t.Error(err)
	}
}
