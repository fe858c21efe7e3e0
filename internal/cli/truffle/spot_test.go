package truffle

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

func TestSpotFlags(t *testing.T) {
	tests := []struct {
		args     string
		kind     problem.Kind // 0: it is understood
		by       find.SpotOrder
		maxPrice string
	}{
		{"m7i.large", 0, find.ByPreference, "unknown"},
		{"m7i.large --sort-by-price --max-price 0.15", 0, find.ByPrice, "0.1500"},
		{"m7i.large --sort-by-price --sort-by price", 0, find.ByPrice, "unknown"},
		{"m7i.large --sort-by savings", 0, find.BySavings, "unknown"},
		{"m7i.large --chart --days 90 --output table", 0, find.ByPreference, "unknown"},
		{"", problem.Usage, "", ""},
		{"m7i.large --sort-by-price --sort-by savings", problem.Usage, "", ""},
		{"m7i.large --sort-by vcpus", problem.Usage, "", ""},
		{"m7i.large --max-price 0", problem.Usage, "", ""},
		{"m7i.large --max-price -0.1", problem.Usage, "", ""},
		{"m7i.large --max-price NaN", problem.Usage, "", ""},
		{"m7i.large --max-price cheap", problem.Usage, "", ""},
		{"m7i.large --chart", problem.Usage, "", ""}, // into a pipe
		{"m7i.large --days 3", problem.Usage, "", ""},
		{"m7i.large --chart --output table --days 0", problem.Usage, "", ""},
		{"m7i.large --chart --output table --days 91", problem.Usage, "", ""},
	}
	for _, tt := range tests {
		var got *spotOptions
		root := New(Factory{Streams: term.Plain(nil, nil), Env: noEnv, Now: time.Now})
		cmd := newSpot(Factory{Env: noEnv, Now: time.Now}, func(o spotOptions) error { got = &o; return nil })
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetFlagErrorFunc(root.FlagErrorFunc())
		cmd.SetArgs(strings.Fields(tt.args))
		err := cmd.Execute()
		switch {
		case tt.kind != 0:
			if err == nil || problem.KindOf(err) != tt.kind || problem.NextOf(err) == "" || got != nil {
				t.Errorf("%s: %v", tt.args, err)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.args, err)
		case got.Query.By != tt.by || got.Query.MaxPrice.String() != tt.maxPrice:
			t.Errorf("%s: by %s up to %s", tt.args, got.Query.By, got.Query.MaxPrice)
		}
	}
}

// A chart is legible at 60 columns, and zones are told apart by their names.
func TestAChartFits(t *testing.T) {
	to := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	history := func(zone string, usd ...float64) find.SpotHistory {
		h := find.SpotHistory{Type: "p5.48xlarge", Zone: zone, From: to.AddDate(0, 0, -3), To: to}
		for i, p := range usd {
			h.Prices = append(h.Prices, market.SpotPrice{Type: h.Type, Zone: zone, Price: price.FromUSD(p, "EC2", "2026-11-23"), Since: h.From.Add(time.Duration(i-1) * 10 * time.Hour)})
		}
		return h
	}
	c := spotChart{"p5.48xlarge in us-east-1", []find.SpotHistory{
		history("us-east-1a", 25.1, 26.5, 24.9), history("us-east-1b", 25.0),
		{Type: "p5.48xlarge", Zone: "us-east-1c", From: to.AddDate(0, 0, -3), To: to, Prices: []market.SpotPrice{
			{Price: price.FromUSD(30, "EC2", "2026-11-23"), Since: to.Add(-time.Hour)},
		}},
	}}
	for _, columns := range []int{60, 100} {
		text := c.text(columns)
		widest := 0
		for line := range strings.Lines(text) {
			widest = max(widest, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
		}
		if widest > columns || widest < columns*3/4 {
			t.Errorf("a chart of %d columns for %d:\n%s", widest, columns, text)
		}
		if strings.Contains(text, "\x1b") || strings.Contains(text, "NaN") {
			t.Errorf("%q", text)
		}
		for _, zone := range []string{"us-east-1a: 24.9000 to 26.5000, now 24.9000", "us-east-1b: 25.0000 to 25.0000, now 25.0000", "us-east-1c: 30.0000"} {
			if strings.Count(text, zone) != 1 {
				t.Errorf("%s is not told once:\n%s", zone, text)
			}
		}
		if strings.Count(text, "20 Nov") != 3 {
			t.Errorf("a plot does not say when it begins:\n%s", text)
		}
	}
	if testing.Verbose() {
		t.Log("\n" + c.text(60))
	}
}

func TestAChartWithoutPricesSaysSo(t *testing.T) {
	if text := (spotChart{title: "m7i.large in us-east-1"}).text(60); !strings.Contains(text, "no prices") {
		t.Errorf("%q", text)
	}
}

func TestTheScoresCaveat(t *testing.T) {
	known := find.Known{Live: market.Survey{Regions: []market.Region{{Name: "us-east-1", Scores: market.Fact[map[string]int]{AsOf: time.Now()}}}}}
	three := make([]find.SpotRow, 3)
	for i, name := range []string{"a.large", "b.large", "c.large"} {
		three[i].Region, three[i].Type.Name, three[i].Score = "us-east-1", name, 7
	}
	if notes := scoreCaveats(known, three); len(notes) != 1 || !strings.Contains(notes[0], "right now") || strings.Contains(notes[0], "representative") {
		t.Error(notes)
	}
	if notes := scoreCaveats(known, three[:2]); len(notes) != 1 || !strings.Contains(notes[0], "not representative") {
		t.Error(notes)
	}
	three[0].Region, three[0].Score = "eu-west-1", 0
	if notes := scoreCaveats(known, three); len(notes) != 2 || !strings.Contains(notes[0], "eu-west-1 are not known") {
		t.Error(notes)
	}
	if notes := scoreCaveats(find.Known{}, three[:1]); len(notes) != 1 || !strings.Contains(notes[0], "not known") {
		t.Error(notes)
	}
}
