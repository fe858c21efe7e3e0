package soak_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/fault"
)

// verb is what is done in a step.
type verb int

// The verbs. The first are commands of people, the others happen.
const (
	launches verb = iota
	extends
	shortens
	stops
	starts
	terminates
	cleans
	hostDies
	spotTaken
	sporedDies
	hangs
)

func (v verb) String() string {
	return [...]string{"launch", "extend", "shorten", "stop", "start", "terminate", "cleanup", "host-death", "spot-notice", "spored-dies", "hangs"}[v]
}

// step is one thing that happens. It names nothing that must be there: what it is
// about is picked among what there is, so that a list of steps is one still when
// some were taken out of it.
type step struct {
	Do        verb
	Desk      int           // at which it is done
	Pick      int           // of the instances that it could be about, modulo their number
	For       time.Duration // a lifetime, or by how much a deadline moves
	Kind      int           // of instance to launch, modulo their number
	Spot      bool
	Lasting   bool          // a persistent Spot request
	Count     int           // how many to launch
	Kill      int           // the command's call at which its process is killed; 0: never
	Heed      bool          // that call reaches the cloud
	Interrupt time.Duration // when Ctrl-C is pressed; 0: never
	Stop      bool          // a host's death stops the instance
}

func (s step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", s.Do)
	if s.Do <= cleans {
		fmt.Fprintf(&b, " at desk %d", s.Desk)
	}
	switch s.Do {
	case launches:
		fmt.Fprintf(&b, " %d of kind %d for %s", s.Count, s.Kind, s.For)
		if s.Spot {
			fmt.Fprintf(&b, ", Spot, persistent %v", s.Lasting)
		}
	case extends, shortens:
		fmt.Fprintf(&b, " pick %d by %s", s.Pick, s.For)
	case cleans:
	case hostDies:
		fmt.Fprintf(&b, " pick %d, stops %v", s.Pick, s.Stop)
	default:
		fmt.Fprintf(&b, " pick %d", s.Pick)
	}
	if s.Kill > 0 {
		fmt.Fprintf(&b, ", killed at call %d, heeded %v", s.Kill, s.Heed)
	}
	if s.Interrupt > 0 {
		fmt.Fprintf(&b, ", Ctrl-C after %s", s.Interrupt)
	}
	return b.String()
}

// longestPause is the most that passes between two looks at the cloud: EC2 shows
// an instance that has ended for an hour.
const longestPause = 45 * time.Minute

// round is what happens at once, and how much time passes then. Its faults are in
// force until that has passed.
type round struct {
	Faults []fault.Rule
	Steps  []step // at most one a desk
	Then   time.Duration
}

func (r round) String() string {
	var b strings.Builder
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "  fault %s %s %s %s after %d times %d %s\n", f.Kind, f.Service, f.Action, f.Code, f.After, f.Times, f.Delay)
	}
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	fmt.Fprintf(&b, "  then %s\n", r.Then)
	return b.String()
}

// draw makes up a day of so many rounds.
func draw(seed uint64, rounds int, day time.Duration) []round {
	r := rand.New(rand.NewPCG(seed, 1))
	var all []round
	for range rounds {
		pause := time.Duration(r.ExpFloat64() * float64(day) / float64(rounds)).Round(time.Second)
		one := round{Then: min(pause, longestPause)}
		if r.IntN(3) == 0 {
			for range 1 + r.IntN(2) {
				one.Faults = append(one.Faults, drawFault(r))
			}
		}
		desks := r.Perm(people * machines)
		for i := range min(1+r.IntN(4), len(desks)) {
			one.Steps = append(one.Steps, drawStep(r, desks[i]))
		}
		if r.IntN(8) == 0 { // alone, so that what it leaves can be counted to the last
			one.Steps = []step{{Do: cleans, Desk: desks[0]}}
		}
		all = append(all, one)
	}
	return all
}

func drawStep(r *rand.Rand, desk int) step {
	s := step{Desk: desk, Pick: r.IntN(1000), For: time.Duration(5+r.IntN(120)) * time.Minute}
	weights := []struct {
		do     verb
		weight int
	}{
		{launches, 34},
		{extends, 14},
		{shortens, 8},
		{stops, 7},
		{starts, 7},
		{terminates, 12},
		{cleans, 5},
		{hostDies, 3},
		{spotTaken, 3},
		{sporedDies, 4},
		{hangs, 3},
	}
	for n := r.IntN(100); n >= 0; {
		n -= weights[0].weight
		s.Do, weights = weights[0].do, weights[1:]
	}
	switch s.Do {
	case launches:
		s.Kind, s.Count = r.IntN(1000), 1
		if r.IntN(8) == 0 {
			s.Count = 2 + r.IntN(3)
		}
		s.Spot = r.IntN(4) == 0
		s.Lasting = s.Spot && r.IntN(2) == 0
	case hostDies:
		s.Stop = r.IntN(2) == 0
	}
	if s.Do > cleans {
		return s
	}
	switch r.IntN(8) {
	case 0:
		s.Kill, s.Heed = 1+r.IntN(12), r.IntN(2) == 0
		if s.Do == launches && r.IntN(2) == 0 {
			s.Kill += r.IntN(30) // a launch without what is remembered takes more calls
		}
	case 1:
		s.Interrupt = time.Duration(r.IntN(20_000)) * time.Millisecond
	}
	return s
}

// calls are those that faults are drawn for: what commands, agents and schedules
// call.
var calls = []struct{ service, action, denied string }{
	{"ec2", "RunInstances", "UnauthorizedOperation"},
	{"ec2", "TerminateInstances", "UnauthorizedOperation"},
	{"ec2", "DescribeInstances", "UnauthorizedOperation"},
	{"ec2", "CreateTags", "UnauthorizedOperation"},
	{"ec2", "StopInstances", "UnauthorizedOperation"},
	{"ec2", "StartInstances", "UnauthorizedOperation"},
	{"ec2", "CancelSpotInstanceRequests", "UnauthorizedOperation"},
	{"ec2", "CreateSecurityGroup", "UnauthorizedOperation"},
	{"ec2", "AuthorizeSecurityGroupIngress", "UnauthorizedOperation"},
	{"ec2", "DeleteSecurityGroup", "UnauthorizedOperation"},
	{"ec2", "DescribeNetworkInterfaces", "UnauthorizedOperation"},
	{"ec2", "DescribeVolumes", "UnauthorizedOperation"},
	{"scheduler", "CreateSchedule", "AccessDeniedException"},
	{"scheduler", "UpdateSchedule", "AccessDeniedException"},
	{"scheduler", "DeleteSchedule", "AccessDeniedException"},
	{"scheduler", "ListSchedules", "AccessDeniedException"},
	{"sts", "GetCallerIdentity", "Throttling"},
}

func drawFault(r *rand.Rand) fault.Rule {
	c := calls[r.IntN(len(calls))]
	times := 1 + r.IntN(3)
	switch r.IntN(8) {
	case 0:
		return fault.Rule{Kind: fault.Throttle, Service: c.service, Rate: 1 + 4*r.Float64(), Burst: 1 + r.IntN(5)}
	case 1:
		return fault.Rule{Kind: fault.Error, Service: c.service, Action: c.action, Times: times, Code: "InternalError", Status: 500}
	case 2:
		return fault.Rule{Kind: fault.Error, Service: c.service, Action: c.action, Times: times, Code: c.denied}
	case 3, 4:
		return fault.Rule{Kind: fault.Lose, Service: c.service, Action: c.action, After: r.IntN(2), Times: times}
	case 5:
		return fault.Rule{Kind: fault.NoCapacity, Type: kinds[r.IntN(len(kinds))].name}
	case 6:
		return fault.Rule{Kind: fault.Lag, Delay: time.Duration(1+r.IntN(8)) * time.Second}
	default:
		return fault.Rule{Kind: fault.Latency, Service: c.service, Action: c.action, Times: times, Delay: time.Duration(1+r.IntN(25)) * time.Second}
	}
}
