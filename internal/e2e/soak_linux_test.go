package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// TestSoak lets three agents live under systemd for as long as SPAWN_SOAK says:
// one that nobody disturbs, one on a Spot Instance, which looks for notices
// every four seconds, and one that is asked, told and extended all the time.
// None may grow, none may be restarted. make soak-agent runs it for ten minutes.
func TestSoak(t *testing.T) {
	if os.Getenv("SPAWN_SOAK") == "" {
		t.Skip("not asked for (SPAWN_SOAK): make soak-agent runs it, for ten minutes")
	}
	length, err := time.ParseDuration(os.Getenv("SPAWN_SOAK"))
	if err != nil {
		t.Fatal(err)
	}
	needAgents(t)
	s := newSite(t)
	boxes := []*box{
		s.launch(t, "quiet", "--ttl", "1d"),
		s.launch(t, "quiet-spot", "--spot", "--ttl", "1d"),
		s.launch(t, "busy-spot", "--spot", "--ttl", "1d"),
	}
	busy := boxes[2]
	time.Sleep(30 * time.Second) // real time: what an agent does at its start is over
	var first []vitals
	for _, b := range boxes {
		first = append(first, b.vitals())
	}
	end := time.Now().Add(length)
	busy.excite(t, length)
	for time.Now().Before(end) {
		busy.do("spored status > /dev/null; spored config > /dev/null; spored keepalive 1m")
		busy.spawn("extend", "1m")
	}
	for i, b := range boxes {
		last := b.vitals()
		share := 100 * (last.Spent - first[i].Spent) / float64(last.At.Sub(first[i].At))
		t.Logf("%s, %v: %.4f %% of a core; at first %v, at last %v", b.name, length, share, first[i], last)
		// Two connections may happen to be open, each a descriptor and two goroutines.
		if last.Goroutines > first[i].Goroutines+4 || last.Descriptors > first[i].Descriptors+2 {
			t.Errorf("the agent of %s grew from %v to %v", b.name, first[i], last)
		}
		if restarts := b.show("spored", "NRestarts"); restarts != "0" {
			t.Errorf("the agent of %s was restarted %s times\n%s", b.name, restarts, b.journal())
		}
	}
}

// excite gives the agent all notices that there are.
func (b *box) excite(t *testing.T, length time.Duration) {
	_, control := b.site.user.contact().look(t)
	defer control.Close()
	for _, e := range []fault.Event{
		{Kind: fault.Rebalance, Instance: b.ID},
		{Kind: fault.SpotNotice, Instance: b.ID, In: 2 * length},
	} {
		if err := control.Inflict(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// vitals are what an agent's process holds and has used.
type vitals struct {
	At          time.Time
	Goroutines  int
	Descriptors int
	Resident    float64 // MB
	Spent       float64 // nanoseconds on a processor, of all its threads
}

func (v vitals) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.1f MB", v.Goroutines, v.Descriptors, v.Resident)
}

// vitals reads them five times and takes the least: a sensor that reads just now
// and whoever asks are no growth.
func (b *box) vitals() (least vitals) {
	b.t.Helper()
	for i := range 5 {
		v := b.vitalsNow()
		if i > 0 {
			v.Goroutines, v.Descriptors = min(v.Goroutines, least.Goroutines), min(v.Descriptors, least.Descriptors)
		}
		least = v
		time.Sleep(700 * time.Millisecond)
	}
	return least
}

func (b *box) vitalsNow() (v vitals) {
	b.t.Helper()
	v.At = time.Now()
	v.Spent = b.spent()
	var kilobytes float64
	pid := "/proc/$(systemctl show --value -p MainPID spored)"
	out := b.do("ls " + pid + "/fd | wc -l; awk '$1 == \"VmRSS:\" { print $2 }' " + pid + "/status")
	if _, err := fmt.Sscan(out, &v.Descriptors, &kilobytes); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
	v.Resident = kilobytes / 1e3
	var status struct {
		Goroutines int `json:"goroutines"`
	}
	text := b.do("spored status -o json")
	if err := json.Unmarshal([]byte(text), &status); err != nil || status.Goroutines == 0 {
		b.t.Fatalf("%v: %s", err, text)
	}
	v.Goroutines = status.Goroutines
	return v
}

// spent is for how many nanoseconds the agent has been on a processor:
// hundredths of a second are too coarse for what is measured.
//
// https://docs.kernel.org/scheduler/sched-stats.html
func (b *box) spent() (nanoseconds float64) {
	b.t.Helper()
	out := b.do("awk '{ sum += $1 } END { printf \"%.0f\", sum }' /proc/$(systemctl show --value -p MainPID spored)/task/*/schedstat")
	if _, err := fmt.Sscan(out, &nanoseconds); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
	return nanoseconds
}
