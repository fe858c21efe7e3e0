package crash_test

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// scenario is a run of spawn that is killed.
type scenario struct {
	name       string
	noDefault  bool // the region has no default VPC
	prepare    func(t *testing.T, m machine)
	args       []string
	count      int  // how many instances it may launch
	persistent bool // of a Spot request that would replace them
}

// launchArgs launch an instance that nobody waits for: nothing boots here.
func launchArgs(more ...string) []string {
	return append([]string{"launch", "--instance-type", "m7i.large", "--ttl", "1h", "--name", "it", "--create-key", "--no-wait", "--yes"}, more...)
}

func launched(t *testing.T, m machine) {
	t.Helper()
	m.must(t, launchArgs()...)
}

// leftOver has launched two instances, of which one is past its deadline.
func leftOver(t *testing.T, m machine) {
	t.Helper()
	m.must(t, launchArgs()...)
	m.must(t, launchArgs()...)
	first := m.living(t)[0]
	m.must(t, "terminate", first.ID, "--yes", "--region", "us-east-1")
	m.pass(t, time.Hour+5*time.Minute)
}

func scenarios() []scenario {
	return []scenario{
		{name: "cold launch", args: launchArgs(), count: 1},
		{name: "warm launch", args: launchArgs(), count: 2, prepare: launched},
		{name: "launch without a default VPC", noDefault: true, args: launchArgs(), count: 1},
		{name: "launch of persistent Spot", args: launchArgs("--spot", "--hibernate"), count: 1, persistent: true},
		{name: "launch of three", args: launchArgs("--count", "3"), count: 3},
		{name: "terminate", args: []string{"terminate", "it", "--yes", "--region", "us-east-1"}, count: 1, prepare: launched},
		{name: "extend", args: []string{"extend", "it", "1h", "--region", "us-east-1"}, count: 1, prepare: launched},
		{name: "shorten", args: []string{"extend", "it", "=20m", "--region", "us-east-1"}, count: 1, prepare: launched},
		{name: "cleanup", args: []string{"cleanup", "--yes"}, count: 2, prepare: leftOver},
		{name: "cleanup without a default VPC", noDefault: true, args: []string{"cleanup", "--yes"}, count: 2, prepare: leftOver},
	}
}

// found are the deaths of a scenario after which something was wrong once: each
// sample has them.
func (s scenario) found() (all []death) {
	for at, elsewhere := range map[boundary]bool{
		{"CreateSecurityGroup", 1, tape.Effect}: false, // a group that no journal knew
		{"CreateVpc", 1, tape.Effect}:           false, // a VPC that no journal knew
		{"CreateSubnet", 3, tape.Effect}:        false,
		{"RunInstances", 1, tape.Effect}:        false, // an instance that no journal knew
		{"CreateTags", 1, tape.Before}:          false, // a persistent request without its bond, instances of one name
		{"CreateSchedule", 1, tape.Effect}:      true,  // a request that would be cancelled, an instance that would not be ended
	} {
		own := s.name == "launch of persistent Spot" || s.name == "launch of three"
		switch at.action {
		case "CreateVpc", "CreateSubnet", "CreateSecurityGroup":
			own = s.noDefault && s.args[0] == "launch"
		case "RunInstances":
			own = s.name == "cold launch"
		}
		if own {
			all = append(all, death{s, at, elsewhere})
		}
	}
	return all
}

// death is one run of a scenario that is killed, and who cleans up then.
type death struct {
	scenario
	at        boundary
	elsewhere bool // another machine cleans up, which has no journal
}

func (d death) String() string {
	where := "here"
	if d.elsewhere {
		where = "elsewhere"
	}
	return strings.Join([]string{strings.ReplaceAll(d.name, " ", "_"), d.at.String(), where}, "/")
}

// sample is how many deaths, and troubles, of each scenario make test takes.
const sample = 5

// all tells that every boundary is taken: SPAWN_CRASH=all, which make crash sets.
func all() bool { return os.Getenv("SPAWN_CRASH") == "all" }

// seed is that of the sample: SPAWN_CRASH_SEED, or another one each day, so that
// a failure can be looked at again.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SPAWN_CRASH_SEED")
	if text == "" {
		return uint64(time.Now().Unix() / 86400)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestKilledAnywhereNothingIsLeft kills spawn at the boundaries of its calls.
func TestKilledAnywhereNothingIsLeft(t *testing.T) {
	t.Parallel()
	needAgents(t)
	var deaths []death
	for _, s := range scenarios() {
		var own []death
		m := newStage(t, !s.noDefault).machine(t)
		if s.prepare != nil {
			s.prepare(t, m)
		}
		for _, at := range m.boundaries(t, s.args...) {
			own = append(own, death{s, at, false}, death{s, at, true})
		}
		if !all() {
			own = append(pick(t, s.name, own, sample), s.found()...)
		}
		deaths = append(deaths, own...)
	}
	t.Logf("%d deaths", len(deaths))
	atOnce(t, 4, deaths, func(t *testing.T, d death) { d.run(t) })
}

// pick takes a sample, the same for the same seed and name.
func pick[T any](t *testing.T, name string, from []T, n int) []T {
	t.Helper()
	t.Logf("a sample of %d of %d (SPAWN_CRASH_SEED=%d; make crash takes all)", n, len(from), seed(t))
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // it cannot fail
	shuffled := slices.Clone(from)
	rand.New(rand.NewPCG(seed(t), h.Sum64())).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	return shuffled[:min(n, len(shuffled))]
}

// atOnce runs a test for each of several things, so many at a time.
func atOnce[T interface{ String() string }](t *testing.T, workers int, of []T, test func(*testing.T, T)) {
	t.Helper()
	next := make(chan T)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for one := range next {
				t.Run(one.String(), func(t *testing.T) { test(t, one) })
			}
		})
	}
	for _, one := range of {
		next <- one
	}
	close(next)
	working.Wait()
}

// young is how long furniture of an unknown launch is left alone, and a little.
const young = 16 * time.Minute

// polled is what spawn calls as often as it takes.
const polled = "DescribeInstances"

// end is when nothing of a scenario's instances can live any more: their longest
// deadline, the cloud's grace, and the times that it may be tried.
const end = 3 * time.Hour

func (d death) run(t *testing.T) {
	m := newStage(t, !d.noDefault).machine(t)
	if d.prepare != nil {
		d.prepare(t, m)
	}
	killed, said := m.runToDeath(t, d.at, d.args...)
	switch {
	case !killed && d.at.action == polled:
		t.Skipf("%s was not reached: this time one look fewer was enough", d.at)
	case !killed:
		t.Fatalf("%s was not reached\n%s", d.at, said)
	}
	if n := len(m.launched(t)); n > d.count {
		t.Errorf("%d instances of %d", n, d.count)
	}
	next := m
	if d.elsewhere {
		next = m.machine(t)
		m.pass(t, young)
	}
	told := next.must(t, "cleanup", "--yes")
	if len(m.living(t)) == 0 {
		m.wantNothingLeft(t, "after one cleanup")
	}
	d.wantGuarded(t, next, !d.elsewhere)
	m.pass(t, end)
	if left := m.living(t); len(left) > 0 {
		t.Errorf("%d live on: %s is %s\n%s", len(left), left[0].ID, left[0].State, told)
	}
	if n := len(m.launched(t)); n > d.count {
		t.Errorf("%d instances of %d: one was replaced", n, d.count)
	}
	told = next.must(t, "cleanup", "--yes")
	m.wantNothingLeft(t, "after the end: "+told)
	if left := next.journals(t); len(left) > 0 {
		t.Errorf("journals are left: %v", left)
	}
}

// wantGuarded looks at instances that live on after a cleanup, here if it is on
// the machine of their launch: each has what its launch would have given it.
func (s scenario) wantGuarded(t *testing.T, m machine, here bool) {
	t.Helper()
	names := map[string]bool{}
	cloud := deadline.Cloud{
		API: account.SchedulerOf(m.Target), Clock: deadline.Real(m.Local.Clock().Now),
		Who: func(ctx context.Context) (account.Identity, error) {
			return account.Identify(ctx, account.STSOf(m.Target))
		},
	}
	for _, in := range m.living(t) {
		if here && names[in.Name] && s.prepare == nil {
			t.Errorf("several are called %s", in.Name)
		}
		names[in.Name] = true
		if s.persistent && in.Persistent == "" {
			t.Errorf("%s is taken for one that is not replaced", in.ID)
		}
		if s.persistent && here && in.Tags.SpotRequest == "" {
			t.Errorf("%s does not know its Spot request, which it cancels before it ends", in.ID)
		}
		armed, err := cloud.Read(t.Context(), in.ID, in.Persistent)
		if err != nil || !armed.On(m.Local.Clock().Now()) {
			t.Errorf("the cloud does not end %s: %+v, %v", in.ID, armed, err)
		}
	}
}
