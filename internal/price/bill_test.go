package price

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBillOfAnInstance(t *testing.T) {
	compute := FromUSD(0.1, "list", "2026-01-01")
	volume := []Volume{{Type: "gp3", SizeGiB: 73}} // 0.008 an hour
	tests := []struct {
		name                  string
		r                     Resources
		running, stopped, day string
		unknown               []string
		parts                 int
		estimated, credits    bool
	}{
		{"on demand", Resources{Region: "us-east-1", Compute: compute, Volumes: volume, PublicIPv4: true}, "$0.1130", "$0.0080", "$2.71", nil, 3, false, false},
		{"without an address", Resources{Region: "us-east-1", Compute: compute, Volumes: volume}, "$0.1080", "$0.0080", "$2.59", nil, 2, false, false},
		{"gp2", Resources{Region: "us-east-1", Compute: compute, Volumes: []Volume{{Type: "gp2", SizeGiB: 73}}}, "$0.1100", "$0.0100", "$2.64", nil, 2, false, false},
		{"two volumes", Resources{Region: "us-east-1", Compute: compute, Volumes: slices.Concat(volume, volume)}, "$0.1160", "$0.0160", "$2.78", nil, 2, false, false},
		{"an assumed size", Resources{Region: "us-east-1", Compute: compute, Volumes: []Volume{{Type: "gp3", SizeGiB: 73, Assumed: true}}}, "~$0.1080", "~$0.0080", "~$2.59", nil, 2, true, false},
		{"an unknown size", Resources{Region: "us-east-1", Compute: compute, Volumes: []Volume{{Type: "gp3"}}}, ">=$0.1000", "unknown", ">=$2.40", []string{"disk"}, 2, false, false},
		{"an unknown size, assumed", Resources{Region: "us-east-1", Compute: compute, Volumes: []Volume{{Type: "gp3", Assumed: true}}}, ">=$0.1000", "unknown", ">=$2.40", []string{"disk"}, 2, false, false},
		{"a type of unknown price", Resources{Region: "us-east-1", Compute: compute, Volumes: append([]Volume{{Type: "io2", SizeGiB: 9}}, volume...)}, ">=$0.1080", ">=$0.0080", ">=$2.59", []string{"disk"}, 2, false, false},
		{"another region", Resources{Region: "eu-west-1", Compute: compute, Volumes: volume, PublicIPv4: true}, ">=$0.1050", "unknown", ">=$2.52", []string{"disk"}, 3, false, false},
		{"an unknown compute", Resources{Region: "us-east-1", Volumes: volume}, ">=$0.0080", "$0.0080", ">=$0.19", []string{"compute"}, 2, false, false},
		{"paid in advance", Resources{Region: "us-east-1", PaidAhead: true, Volumes: volume, PublicIPv4: true}, "$0.0130", "$0.0080", "$0.31", nil, 2, false, false},
		{"credits", Resources{Region: "us-east-1", Type: "t3.micro", Compute: compute, Volumes: volume}, "$0.1080", "$0.0080", "$2.59", nil, 2, false, true},
	}
	for _, tt := range tests {
		b := tt.r.Bill()
		if got := b.Running().Dollars(); got != tt.running {
			t.Errorf("%s: running %s, want %s", tt.name, got, tt.running)
		}
		if got := b.Stopped().Dollars(); got != tt.stopped {
			t.Errorf("%s: stopped %s, want %s", tt.name, got, tt.stopped)
		}
		if got := b.Over(24 * time.Hour).String(); got != tt.day {
			t.Errorf("%s: a day %s, want %s", tt.name, got, tt.day)
		}
		if !slices.Equal(b.Unknown(), tt.unknown) || len(b.Parts()) != tt.parts || b.HasCredits() != tt.credits || b.Disk.Estimated != tt.estimated {
			t.Errorf("%s: unknown %q, parts %v, credits %v", tt.name, b.Unknown(), b.Parts(), b.Credits)
		}
		for _, p := range b.Parts() {
			if p.Price.Known() && (p.Price.Source == "" || p.Price.AsOf == "") {
				t.Errorf("%s: %s comes from nowhere", tt.name, p.Name)
			}
		}
	}
}

func TestCreditsAreAMostByVCPU(t *testing.T) {
	for instanceType, want := range map[string]string{
		"t3.micro": "0.1000", "t3a.2xlarge": "0.4000", "t4g.small": "0.0800", // 2, 8 and 2 vCPUs
		"t2.micro": "0.0000", "m7i.large": "0.0000", "": "0.0000",
		"t3.none": "unknown",
	} {
		if got := Credits(instanceType).String(); got != want {
			t.Errorf("%s: %s, want %s", instanceType, got, want)
		}
	}
}

func TestBillAsJSON(t *testing.T) {
	b := Resources{Region: "eu-west-1", Type: "t4g.small", Compute: FromUSD(0.1, "list", "2026-01-01"), Volumes: []Volume{{Type: "gp3", SizeGiB: 8}}}.Bill()
	text, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "running_usd_per_hour": null,
 "stopped_usd_per_hour": null,
 "stopped_usd_per_month": null,
 "parts": [
  {
   "name": "compute",
   "usd_per_hour": 0.1,
   "estimate": false,
   "source": "list",
   "as_of": "2026-01-01"
  },
  {
   "name": "disk",
   "usd_per_hour": null,
   "estimate": false
  }
 ],
 "unknown": [
  "disk"
 ],
 "at_most_on_top": {
  "name": "unlimited CPU credits",
  "usd_per_hour": 0.08,
  "estimate": false,
  "source": "AWS EC2 list price of unlimited CPU credits",
  "as_of": "2020-09-10"
 }
}`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(text), "\n")); diff != "" {
		t.Error(diff)
	}
}
