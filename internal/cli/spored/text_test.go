package spored

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/agent/control"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestStatusText(t *testing.T) {
	exit := 1
	got := statusText(control.Status{
		Agent: "1.2.3", Instance: "i-0abc", Started: noon.Add(-26 * time.Hour), Now: noon, Phase: lifecycle.PhaseReady,
		Deadline: lifecycle.DeadlineAt(noon.Add(90 * time.Minute)),
		Next:     &control.End{At: noon.Add(30 * time.Minute), Action: "stop", Why: "idle"},
		Idle: control.Idle{
			Timeout: 3600, Action: "stop", Now: true, Since: noon.Add(-30 * time.Minute), Last: "a key was typed", At: noon.Add(30 * time.Minute),
		},
		Signals: []control.Signal{
			{Name: "cpu", Detail: "CPU 1 % of 2 processors over 5m (idle below 5 %)"},
			{Name: "gpu", Active: true, Error: "nvidia-smi did not answer in 5s"},
			{Name: "keyboard", Active: true, Detail: "pts/0", Last: noon.Add(-90 * time.Second)},
		},
		Sampled: noon.Add(-5 * time.Second), OSTimer: "armed",
		Notices: []control.Notice{{Kind: core.SpotInterruption, ID: "x", Action: "terminate", At: noon.Add(2 * time.Minute)}},
		Tag:     control.Tag{Value: "phase=ready", Written: noon.Add(-time.Minute)},
		Scripts: []sense.Script{{Name: "10-setup", Started: noon.Add(-time.Hour), Ended: noon.Add(-time.Hour), Exit: &exit}},
	})
	want := `instance    i-0abc
agent       1.2.3, started 2026-11-22T10:00:00Z (1d 2h ago)
state       ready
deadline    2026-11-23T13:30:00Z (in 1h 30m)
next end    2026-11-23T12:30:00Z (in 30m): stop, idle
idle        yes, since 2026-11-23T11:30:00Z (30m ago) (stop after 1h without use): 2026-11-23T12:30:00Z (in 30m)
activity    2026-11-23T11:30:00Z (30m ago): a key was typed
script      10-setup ended 2026-11-23T11:00:00Z (1h ago) with exit code 1
os timer    armed
notices     spot interruption terminate 2026-11-23T12:02:00Z (in 2m)
told spawn  2026-11-23T11:59:00Z (1m ago): phase=ready

Signals, read 2026-11-23T11:59:55Z (5s ago):
cpu       quiet   CPU 1 % of 2 processors over 5m (idle below 5 %)
gpu       failed  counts as use: nvidia-smi did not answer in 5s
keyboard  in use  pts/0 (last 2026-11-23T11:58:30Z (1m 30s ago))
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestStatusTextOfNothingKnown: what is not known is said to be unknown, never
// none and never nought.
func TestStatusTextOfNothingKnown(t *testing.T) {
	got := statusText(control.Status{Now: noon, Idle: control.Idle{Timeout: 3600, Because: []string{"no reading yet"}}})
	want := `instance    unknown
agent       unknown, started at an unknown time
state       unknown
deadline    unknown: no policy and no tag was read yet
idle        no (unknown after 1h without use): no reading yet
os timer    unknown
notices     unknown: EC2 was not asked yet
told spawn  nothing yet

No sensor was read yet, which counts as use.
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigText(t *testing.T) {
	got := configText(control.Config{Settings: []control.Setting{
		{Name: "deadline", Value: "2026-11-23T13:30:00Z", From: "the tag spawn:deadline"},
		{Name: "pre-stop", From: "the file /etc/spored/policy.json"},
		{Name: "bad", Value: "a\x1b[2J\nb", From: "x"},
	}})
	want := "deadline  2026-11-23T13:30:00Z  from the tag spawn:deadline\n" +
		"pre-stop  none                  from the file /etc/spored/policy.json\n" +
		"bad       a [2J b               from x\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
