package kept_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/market/kept"
	"github.com/spawn-ec2/spawn/internal/price"
)

const search = market.Types | market.Zones | market.OnDemand | market.Spot

func now() time.Time { return time.Date(2026, 11, 23, 4, 5, 6, 7, time.UTC) }

// question is one about a region that knows everything.
func question() market.Question {
	return market.Question{
		Regions: []string{"eu-west-1"}, Types: []string{"m7i.large"}, Wildcards: []string{"t3.*"}, Since: now().Add(-24 * time.Hour),
		Facets: search | market.History | market.Scores | market.Reservations | market.Blocks | market.Quotas,
	}
}

func fact[T any](v T) market.Fact[T] { return market.Fact[T]{Value: v, AsOf: now().UTC()} }

// everything is an answer with every fact known.
func everything() market.Survey {
	spot := market.SpotPrice{Type: "m7i.large", Zone: "eu-west-1a", Price: price.FromUSD(0.0412, "EC2 Spot price history", "2026-11-23T04:05:06Z"), Since: now().Add(-30 * time.Hour).UTC()}
	m7i, _ := catalog.Lookup("m7i.large")
	return market.Survey{Question: question(), Regions: []market.Region{{
		Name: "eu-west-1", Types: fact([]catalog.Type{m7i}), Zones: fact(map[string][]string{"m7i.large": {"eu-west-1a"}}),
		OnDemand: fact(map[string]price.Price{"m7i.large": price.FromUSD(0.1008, "AWS price list", "2026-11-23T04:05:06Z")}),
		Spot:     fact([]market.SpotPrice{spot}), History: fact([]market.SpotPrice{spot}), Scores: fact(map[string]int{"eu-west-1a": 7}),
		Reservations: fact([]market.Reservation{{ID: "cr-1", Type: "m7i.large", Total: 3, Available: 2, Start: now().UTC()}}),
		Blocks:       fact([]market.Block{{ID: "cb-1", Hours: 24, Fee: price.FromUSD(812.5, "", "").Over(time.Hour)}, {ID: "cb-2"}}),
		Quotas:       fact([]market.Quota{{Code: "L-1216C47A", Name: "Running", VCPUs: 5}}),
	}}}
}

func write(t *testing.T, dir, identity string) {
	t.Helper()
	if err := kept.New(dir, identity, now).Write(everything()); err != nil {
		t.Fatal(err)
	}
}

// read is what is kept for an identity some time later.
func read(dir, identity string, later time.Duration, anyAge bool) market.Survey {
	return kept.New(dir, identity, func() time.Time { return now().Add(later) }).Read(question(), anyAge)
}

func TestKeptAnswersAreWhatWasAnswered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "market")
	write(t, dir, "me")
	got := read(dir, "me", time.Second, false)
	if !got.Complete() || !got.Regions[0].Spot.Kept {
		t.Fatalf("%+v", got)
	}
	want := everything().Regions[0]
	same := cmp.AllowUnexported(price.Price{}, price.Cost{})
	for _, pair := range [][2]any{
		{want.Types.Value, got.Regions[0].Types.Value},
		{want.Zones.Value, got.Regions[0].Zones.Value},
		{want.OnDemand.Value, got.Regions[0].OnDemand.Value},
		{want.Spot.Value, got.Regions[0].Spot.Value},
		{want.History.Value, got.Regions[0].History.Value},
		{want.Scores.Value, got.Regions[0].Scores.Value},
		{want.Reservations.Value, got.Regions[0].Reservations.Value},
		{want.Blocks.Value, got.Regions[0].Blocks.Value},
		{want.Quotas.Value, got.Regions[0].Quotas.Value},
	} {
		if diff := cmp.Diff(pair[0], pair[1], same); diff != "" {
			t.Error(diff)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestKeptAnswersGrowStaleByFacet(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "me")
	for _, tt := range []struct {
		later time.Duration
		want  market.Facet
	}{
		{59 * time.Second, question().Facets},
		{2 * time.Minute, question().Facets &^ (market.Reservations | market.Blocks)},
		{11 * time.Minute, market.Types | market.Zones | market.OnDemand | market.Quotas},
		{2 * time.Hour, market.Types | market.Zones | market.OnDemand},
		{25 * time.Hour, 0},
		{-time.Minute, 0}, // from a future
	} {
		got := read(dir, "me", tt.later, false)
		r, _ := got.Region("eu-west-1")
		if r.Facets() != tt.want {
			t.Errorf("after %s: %b, want %b", tt.later, r.Facets(), tt.want)
		}
		if old := read(dir, "me", tt.later, true); !old.Complete() {
			t.Errorf("after %s, of any age: %+v", tt.later, old)
		}
	}
}

func TestKeptAnswersBelongToOneAccount(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "me")
	if got := read(dir, "somebody else", time.Second, true); len(got.Regions) != 0 {
		t.Errorf("%+v", got)
	}
	q := question()
	q.Types = []string{"m7i.xlarge"}
	if got := kept.New(dir, "me", now).Read(q, true); len(got.Regions) != 0 {
		t.Errorf("%+v", got)
	}
	q = question()
	q.Since = q.Since.Add(-time.Hour) // longer ago than what is kept
	if got := kept.New(dir, "me", now).Read(q, true); got.Regions[0].Facets() != q.Facets&^market.History {
		t.Errorf("%b", got.Regions[0].Facets())
	}
}

func TestDamagedFilesAreNone(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "me")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", string(whole[:len(whole)/2]), strings.Replace(string(whole), `"version":1`, `"version":2`, 1)} {
		if err := os.WriteFile(files[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := read(dir, "me", time.Second, true); len(got.Regions) != 0 {
			t.Errorf("%.20q: %+v", text, got)
		}
	}
	write(t, dir, "me")
	if got := read(dir, "me", time.Second, false); !got.Complete() {
		t.Error("a damaged file stays")
	}
}

func TestTheFolderStaysBounded(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	for i := range 700 {
		path := filepath.Join(dir, "f"+time.Duration(i).String()+".json")
		if i == 0 {
			path = old
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now(), now().Add(-time.Duration(700-i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "me")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) > 600 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("the oldest is still there")
	}
	if got := read(dir, "me", 0, false); !got.Complete() {
		t.Error("the youngest is gone")
	}
}

func TestAnAnswerKeepsOlderFactsBesideIt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "me")
	later := now().Add(5 * time.Minute)
	again := market.Survey{Question: question(), Regions: []market.Region{{Name: "eu-west-1", Scores: market.Fact[map[string]int]{Value: map[string]int{"eu-west-1a": 3}, AsOf: later}}}}
	if err := kept.New(dir, "me", func() time.Time { return later }).Write(again); err != nil {
		t.Fatal(err)
	}
	r, _ := read(dir, "me", 6*time.Minute, true).Region("eu-west-1")
	if r.Facets() != question().Facets || r.Scores.Value["eu-west-1a"] != 3 || !r.Types.AsOf.Equal(now()) {
		t.Errorf("%b %+v %s", r.Facets(), r.Scores, r.Types.AsOf)
	}
}
