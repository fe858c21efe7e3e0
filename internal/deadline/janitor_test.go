package deadline

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// ours is a network of spawn's own.
var ours = Furniture{Group: "sg-0123456789abcdef0", VPC: "vpc-0123456789abcdef0", Gateway: "igw-0123456789abcdef0", Subnets: []string{"subnet-0123456789abcdef0"}}

// TestJanitorsAreWrittenAsRecorded holds the requests to the letter, as those
// that end instances are held.
func TestJanitorsAreWrittenAsRecorded(t *testing.T) {
	var requests []any
	for _, j := range ours.janitors() {
		requests = append(requests, said(t, j.schedule(JanitorFrom(tonight), role).create()))
	}
	got, err := json.MarshalIndent(requests, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/janitors.json"
	want, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(want)) != string(got) {
		t.Errorf("%s is not what is asked for (%v):\n%s", path, err, got)
	}
}

// Names are at most 64 characters, and tell what they are about.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func TestNamesOfJanitorsTellWhatTheyAreAbout(t *testing.T) {
	want := map[string]int{ours.Group: 1, ours.VPC: 1, ours.Gateway: 2, ours.Subnets[0]: 1}
	for _, j := range ours.janitors() {
		if len(j.name) > 64 {
			t.Errorf("%s has %d characters", j.name, len(j.name))
		}
		want[aboutOf(j.name)]--
	}
	for id, n := range want {
		if n != 0 {
			t.Errorf("%s: %d too few", id, n)
		}
	}
	for _, name := range []string{endName(box), cancelName(box)} {
		if got := aboutOf(name); got != box {
			t.Errorf("%s is about %s", name, got)
		}
	}
	if names := ours.Names(ours.Gateway); len(names) != 2 || len(ours.Names("sg-other")) != 0 {
		t.Errorf("of the gateway: %v", names)
	}
}

func TestManyLaunchesInARowNeedNotPutJanitorsOff(t *testing.T) {
	from := JanitorFrom(tonight)
	for later, want := range map[time.Duration]bool{0: true, -time.Hour: true, 30 * time.Minute: true, 31 * time.Minute: false, 8 * time.Hour: false} {
		last := lifecycle.DeadlineAt(tonight.Time().Add(later))
		if got := JanitorLateEnough(from, last); got != want {
			t.Errorf("%v later: %v", later, got)
		}
		if JanitorLateEnough(from, last) && from.Before(last.Time().Add(Grace)) {
			t.Errorf("%v later: the janitors begin before the deadline's own layers have acted", later)
		}
	}
}
