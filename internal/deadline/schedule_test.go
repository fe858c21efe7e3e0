package deadline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	box  = "i-0123456789abcdef0"
	spot = "sir-abcdefgh"
	role = "arn:aws:iam::123456789012:role/spawn-scheduler-role"
)

var (
	noon     = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)
	tonight  = lifecycle.DeadlineAt(noon.Add(8 * time.Hour))
	longPast = lifecycle.DeadlineAt(noon.Add(-48 * time.Hour))
)

// TestSchedulesAreWrittenAsRecorded holds the requests to the letter. AWS looks
// at a target's input only when it calls it: what is wrong in it would show hours
// later, as an instance that goes on.
func TestSchedulesAreWrittenAsRecorded(t *testing.T) {
	for name, all := range map[string][]schedule{
		"on-demand":          schedules(box, "", tonight, noon, role),
		"spot-persistent":    schedules(box, spot, tonight, noon, role),
		"past-deadline":      schedules(box, "", longPast, noon, role),
		"past-deadline-spot": schedules(box, spot, longPast, noon, role),
	} {
		t.Run(name, func(t *testing.T) {
			var requests []any
			for _, s := range all {
				requests = append(requests, said(t, s.create()))
			}
			got, err := json.MarshalIndent(requests, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".json")
			want, err := os.ReadFile(path)
			if err != nil || strings.TrimSpace(string(want)) != string(got) {
				t.Errorf("%s is not what is asked for (%v):\n%s", path, err, got)
			}
		})
	}
}

// TestUpdateSaysAllThatCreateSays: what an update leaves out goes back to its
// default, which would be a schedule that never ends.
func TestUpdateSaysAllThatCreateSays(t *testing.T) {
	for _, s := range schedules(box, spot, tonight, noon, role) {
		if made, moved := said(t, s.create()), said(t, s.update()); !reflect.DeepEqual(made, moved) || len(made) < 10 {
			t.Errorf("create says %v,\nupdate %v", made, moved)
		}
	}
}

// said is what a request says, by member; what it leaves out is not in it.
func said(t *testing.T, request any) map[string]any {
	t.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return withoutNull(all)
}

func withoutNull(all map[string]any) map[string]any {
	for key, value := range all {
		switch value := value.(type) {
		case nil:
			delete(all, key)
		case map[string]any:
			withoutNull(value)
		}
	}
	return all
}

func TestArmedForADeadline(t *testing.T) {
	start := tonight.Time().Add(Grace)
	at := func(from time.Time) Armed { return Armed{From: from, Until: from.Add(span)} }
	for name, tt := range map[string]struct {
		have Armed
		at   lifecycle.Deadline
		now  time.Time
		want bool
	}{
		"as it should be":                   {at(start), tonight, noon, true},
		"nothing":                           {Armed{}, tonight, noon, false},
		"too early":                         {at(start.Add(-time.Hour)), tonight, noon, false},
		"too late":                          {at(start.Add(time.Hour)), tonight, noon, false},
		"at it":                             {at(start), tonight, start.Add(time.Hour), true},
		"given up":                          {at(start), tonight, start.Add(span), false},
		"without an end, which is not ours": {Armed{From: start}, tonight, noon, false},
		"past, so as soon as possible":      {at(noon), longPast, noon, true},
	} {
		if got := tt.have.For(tt.at, tt.now); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
