package cost

import (
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
)

var now = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

func placed(state lifecycle.State, edit func(*instance.Placed)) instance.Placed {
	in := instance.Placed{Region: "us-east-1", Instance: instance.Instance{
		ID: "i-0123456789abcdef0", Type: "m7i.large", Market: lifecycle.OnDemand, State: state, Launched: now.Add(-10 * time.Hour), PublicIP: "203.0.113.1",
	}}
	in.Tags.Created, in.Tags.Deadline = in.Launched.Add(-5*time.Second), lifecycle.DeadlineAt(now.Add(10*time.Hour))
	if edit != nil {
		edit(&in)
	}
	return in
}

// m7i.large costs 0.1008 an hour in us-east-1, 73 GiB of gp3 0.008, an address
// 0.005.
func TestWhatIsCountedAndWhatIsNotKnown(t *testing.T) {
	for name, tt := range map[string]struct {
		in            instance.Placed
		soFar, toCome string
	}{
		"runs since its launch": {placed(lifecycle.StateRunning, nil), "$1.14", "$1.14"},
		"was restarted": {placed(lifecycle.StateRunning, func(in *instance.Placed) {
			in.Tags.Created = in.Launched.Add(-20 * time.Hour)
		}), ">=$1.25", "$1.14"},
		"stopped, EC2 says when": {placed(lifecycle.StateStopped, func(in *instance.Placed) {
			in.Changed, in.PublicIP = now.Add(-5*time.Hour), ""
		}), ">=$0.58", "$0.08"},
		"stopped, nobody knows when": {placed(lifecycle.StateStopped, nil), ">=$0.08", "$0.08"},
		"ended, EC2 says when":       {placed(lifecycle.StateTerminated, func(in *instance.Placed) { in.Changed = now.Add(-5 * time.Hour) }), ">=$0.50", "$0.00"},
		"ended, nobody knows when":   {placed(lifecycle.StateTerminated, nil), "unknown", "$0.00"},
		"without a deadline":         {placed(lifecycle.StateRunning, func(in *instance.Placed) { in.Tags.Deadline = lifecycle.Deadline{} }), "$1.14", "unknown"},
		"of an unknown type":         {placed(lifecycle.StateRunning, func(in *instance.Placed) { in.Type = "x0.none" }), ">=$0.13", ">=$0.13"},
	} {
		volumes := []price.Volume{{Type: "gp3", SizeGiB: 73}}
		if tt.in.State == lifecycle.StateTerminated {
			volumes = nil
		}
		e := newEntry(tt.in, volumes, now)
		if e.Total.String() != tt.soFar || e.ToCome.String() != tt.toCome {
			t.Errorf("%s: so far %s (compute %s, disk %s, address %s), to come %s; want %s and %s", name, e.Total, e.Compute, e.Disk, e.Address, e.ToCome, tt.soFar, tt.toCome)
		}
	}
}

func TestThePlotFallsWhenAnInstanceEnds(t *testing.T) {
	long := newEntry(placed(lifecycle.StateRunning, nil), nil, now)
	short := newEntry(placed(lifecycle.StateRunning, func(in *instance.Placed) { in.Tags.Deadline = lifecycle.DeadlineAt(now.Add(5 * time.Hour)) }), nil, now)
	got := ahead([]entry{long, short}, now, long.deadline, 10)
	each := (0.1008 + 0.005) * 24 // the disk is not known
	for i, want := range []float64{2, 2, 2, 2, 2, 1, 1, 1, 1, 1} {
		if d := got[i] - want*each; d > 1e-6 || d < -1e-6 {
			t.Errorf("sample %d is %v, want %v", i, got[i], want*each)
		}
	}
}
