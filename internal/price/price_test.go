package price

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"pgregory.net/rapid"
)

func TestUnknownIsNeverANumber(t *testing.T) {
	unknown := []Price{
		{},
		FromUSD(0, "s", "2026-01-01"), FromUSD(-1, "s", "2026-01-01"), FromUSD(math.NaN(), "s", "2026-01-01"),
		FromUSD(math.Inf(1), "s", "2026-01-01"), OnDemand("us-east-1", "no.such"), OnDemand("xx-nowhere-1", "t3.micro"),
		OnDemand("us-east-1", "mac2.metal"), GP3("us-east-1", 0), GP3("eu-west-1", 8), Sum(Price{}, Price{}),
	}
	for i, p := range unknown {
		if p.Known() || p.USD() != nil || p.String() != "unknown" || p.Over(time.Hour).String() != "unknown" {
			t.Errorf("%d: %v is known", i, p)
		}
	}
}

func TestFromCatalog(t *testing.T) {
	p := OnDemand("us-east-1", "m7i.large")
	if !p.Known() || *p.USD() != 0.1008 || p.Estimated || p.Source == "" || p.AsOf == "" || p.String() != "0.1008" {
		t.Errorf("m7i.large: %+v", p)
	}
	if p := OnDemand("eu-west-1", "m8a.large"); !p.Known() || !p.Estimated || p.String()[0] != '~' {
		t.Errorf("an estimate is not marked: %v", p)
	}
	if p := Spot("us-east-1", "m7i.large"); !p.Known() || p.Cmp(OnDemand("us-east-1", "m7i.large")) >= 0 {
		t.Errorf("Spot: %v", p)
	}
}

// A sum is known exactly when all parts are; a part that is unknown never makes
// it look smaller than it is.
func TestSumKeepsWhatIsUnknown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Price {
			if rapid.Bool().Draw(t, "unknown") {
				return Price{}
			}
			p := FromUSD(float64(rapid.IntRange(1, 1e6).Draw(t, "micro"))/1e6, "s", "2026-01-01")
			p.Estimated = rapid.Bool().Draw(t, "estimated")
			return p
		})).Draw(t, "parts")
		var want int64
		known, estimated := 0, false
		for _, p := range parts {
			want += p.micro
			estimated = estimated || p.Estimated
			if p.Known() {
				known++
			}
		}
		sum := Sum(parts...)
		if sum.Known() != (known == len(parts)) || sum.micro != want || sum.Estimated != estimated {
			t.Fatalf("%v sum to %v", parts, sum)
		}
		if known < len(parts) && sum.USD() != nil {
			t.Fatalf("a partly known sum can be taken for a number: %v", sum)
		}
		if nested := Sum(sum, FromUSD(1, "s", "2026-01-01")); nested.Known() != sum.Known() {
			t.Fatalf("adding to %v made %v", sum, nested)
		}
	})
}

func TestInState(t *testing.T) {
	compute := FromUSD(1, "list", "2026-01-01")
	volume, address := 0.08*100/730, 0.005 // 100 GiB
	r := Resources{Region: "us-east-1", Compute: compute, VolumeGiB: 100, PublicIPv4: true}
	hibernating := r
	hibernating.Hibernating = true
	private := r
	private.PublicIPv4 = false
	tests := []struct {
		name  string
		r     Resources
		state lifecycle.State
		want  float64
	}{
		{"running", r, lifecycle.StateRunning, 1 + volume + address},
		{"running without an address", private, lifecycle.StateRunning, 1 + volume},
		{"pending", r, lifecycle.StatePending, volume + address},
		{"stopping", r, lifecycle.StateStopping, volume},
		{"going to hibernate", hibernating, lifecycle.StateStopping, 1 + volume + address},
		{"stopped", r, lifecycle.StateStopped, volume},
		{"shutting down", r, lifecycle.StateShuttingDown, volume},
		{"terminated", r, lifecycle.StateTerminated, 0},
	}
	for _, tt := range tests {
		p := tt.r.InState(tt.state)
		if !p.Known() || math.Abs(*p.USD()-tt.want) > 2e-6 {
			t.Errorf("%s: %v, want %.6f", tt.name, p, tt.want)
		}
	}
	if p := r.InState(lifecycle.StateUnknown); p.Known() || p.String() != "unknown" {
		t.Errorf("an unknown state costs %v", p)
	}
	elsewhere := r
	elsewhere.Region = "eu-west-1" // its gp3 price is not known
	if p := elsewhere.InState(lifecycle.StateRunning); p.Known() || p.String() != ">=1.0050" {
		t.Errorf("with an unknown part: %v", p)
	}
	if p := elsewhere.InState(lifecycle.StateStopped); p.String() != "unknown" {
		t.Errorf("only an unknown part: %v", p)
	}
	if p := elsewhere.InState(lifecycle.StateTerminated); !p.Known() || *p.USD() != 0 {
		t.Errorf("what is gone costs %v", p)
	}
}

func TestOver(t *testing.T) {
	p := FromUSD(0.1008, "s", "2026-01-01")
	for d, want := range map[time.Duration]string{8 * time.Hour: "$0.81", 45 * time.Second: "$0.0013", 0: "$0.00", -1: "unknown"} {
		if got := p.Over(d).String(); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if c := p.Over(time.Hour).Add(Cost{}); c.Known() || c.String() != ">=$0.10" {
		t.Errorf("with an unknown cost: %v", c)
	}
	if c := (Cost{}).Add(Cost{}); c.String() != "unknown" {
		t.Errorf("two unknown costs: %v", c)
	}
	estimate := p
	estimate.Estimated = true
	if got := estimate.Over(time.Hour).String(); got != "~$0.10" {
		t.Errorf("an estimate: %s", got)
	}
}

func TestCostAsJSON(t *testing.T) {
	p := FromUSD(0.5, "s", "2026-01-01")
	for want, c := range map[string]Cost{
		"1": p.Over(2 * time.Hour), "null": {}, "0": Sum().Over(time.Hour),
	} {
		if text, err := json.Marshal(c); err != nil || string(text) != want {
			t.Errorf("%v: %s %v, want %s", c, text, err, want)
		}
	}
	if text, err := json.Marshal(p.Over(time.Hour).Add(Cost{})); err != nil || string(text) != "null" {
		t.Errorf("a partly known cost: %s %v", text, err)
	}
}

func TestTheSumIsAsOldAsItsOldestPart(t *testing.T) {
	day, moment, later := FromUSD(1, "a", "2026-11-23"), FromUSD(1, "b", "2026-11-23T04:05:06Z"), FromUSD(1, "c", "2026-11-24T01:00:00Z")
	if got := Sum(later, moment).AsOf; got != moment.AsOf {
		t.Error(got)
	}
	if got := Sum(later, moment, day).AsOf; got != day.AsOf {
		t.Error(got)
	}
}
