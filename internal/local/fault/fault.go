// Package fault is the trouble that the local cloud makes when it is told to:
// rules that throttle calls, fail them, slow them down or lose their answers,
// that leave a zone without capacity, that make what was just created invisible
// for a while, and that set quotas.
//
// Nothing in it is random: a rule applies at a rate or to a number of calls,
// both counted from the moment it was added. It knows no service's state, and
// without a rule it changes nothing.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Kind is what a rule does.
type Kind string

// The kinds.
const (
	Throttle     Kind = "throttle"      // calls beyond Rate are refused, as the service words it
	Error        Kind = "error"         // calls fail with Code, and have no effect
	Latency      Kind = "latency"       // calls take Delay longer
	Lose         Kind = "lose"          // calls take effect, and the connection is cut
	NoCapacity   Kind = "no-capacity"   // no instances of Type in Zone
	Lag          Kind = "lag"           // what EC2 has just made is not found for Delay
	ProfileDelay Kind = "profile-delay" // a new instance profile is unknown to EC2 for Delay
	Quota        Kind = "quota"         // the quota Code is Value, or all quotas are those of a new account
)

// Rule is a fault. Fields that its kind does not use must be zero.
type Rule struct {
	ID   string `json:"id"` // given by Add
	Kind Kind   `json:"kind"`

	// Which calls: of throttle, error, latency and lose. An empty field is any.
	Service string `json:"service,omitempty"` // as signatures name it: ec2, iam, s3
	Action  string `json:"action,omitempty"`  // RunInstances

	After int `json:"after,omitempty"` // error, latency, lose: let so many calls pass first
	Times int `json:"times,omitempty"` // error, latency, lose: then apply so often; 0 is for ever

	Rate  float64 `json:"rate,omitempty"`  // throttle: calls a second of cloud time, more than 0
	Burst int     `json:"burst,omitempty"` // throttle: calls that may come at once, at least 1

	Code    string `json:"code,omitempty"`    // error: as the service names it; quota: as Service Quotas does
	Status  int    `json:"status,omitempty"`  // error: of HTTP, 400 to 599; 0 takes what is usual for Code
	Message string `json:"message,omitempty"` // error; empty says that the fault was ordered

	Zone string `json:"zone,omitempty"` // no-capacity: us-east-1a; empty is every zone
	Type string `json:"type,omitempty"` // no-capacity: an instance type; empty is every type

	Delay time.Duration `json:"delay_ns,omitempty"` // latency, lag, profile-delay: cloud time, more than 0

	Region     string   `json:"region,omitempty"`      // quota: us-east-1; empty is every region
	Value      *float64 `json:"value,omitempty"`       // quota: vCPUs, not negative
	NewAccount bool     `json:"new_account,omitempty"` // quota: every one is AWS's default, in place of Code and Value

	Hits int `json:"hits"` // how often it has applied; counted here
}

// covers tells whether a rule is about a call.
func (r *Rule) covers(service, action string) bool {
	return (r.Service == "" || r.Service == service) && (r.Action == "" || r.Action == action)
}

// Check says what is wrong with a rule that somebody wants to add.
func (r Rule) Check() error {
	used, known := uses(r.Kind)
	if !known {
		return fmt.Errorf("there is no fault %q", r.Kind)
	}
	for _, f := range r.fields() {
		if f.given && !slices.Contains(used, f.name) {
			return fmt.Errorf("the fault %s has no %s", r.Kind, f.name)
		}
	}
	switch {
	case r.After < 0 || r.Times < 0:
		return errors.New("a number of calls is not negative")
	case r.Kind == Throttle && (!(r.Rate > 0) || r.Burst < 1): // also of a rate that is no number
		return errors.New("the fault throttle needs a rate above 0 and a burst of 1 at least")
	case r.Kind == Error && r.Code == "":
		return errors.New("the fault error needs a code")
	case r.Status != 0 && (r.Status < 400 || r.Status > 599):
		return fmt.Errorf("the status %d is not that of an error: 400 to 599", r.Status)
	case r.Kind == NoCapacity && r.Zone == "" && r.Type == "":
		return errors.New("the fault no-capacity needs a zone or a type")
	case r.Kind == Quota:
		return r.checkQuota()
	case slices.Contains(used, "delay") && r.Delay <= 0:
		return fmt.Errorf("the fault %s needs a time above 0", r.Kind)
	}
	return nil
}

type field struct {
	name  string
	given bool
}

func (r *Rule) fields() []field {
	return []field{
		{"service", r.Service != ""},
		{"action", r.Action != ""},
		{"after", r.After != 0},
		{"times", r.Times != 0},
		{"rate", r.Rate != 0},
		{"burst", r.Burst != 0},
		{"code", r.Code != ""},
		{"status", r.Status != 0},
		{"message", r.Message != ""},
		{"zone", r.Zone != ""},
		{"type", r.Type != ""},
		{"delay", r.Delay != 0},
		{"region", r.Region != ""},
		{"value", r.Value != nil},
		{"new account", r.NewAccount},
	}
}

// uses are the fields of a kind.
func uses(k Kind) (fields []string, known bool) {
	switch k {
	case Throttle:
		return []string{"service", "action", "rate", "burst"}, true
	case Error:
		return []string{"service", "action", "after", "times", "code", "status", "message"}, true
	case Latency:
		return []string{"service", "action", "after", "times", "delay"}, true
	case Lose:
		return []string{"service", "action", "after", "times"}, true
	case NoCapacity:
		return []string{"zone", "type"}, true
	case Lag, ProfileDelay:
		return []string{"delay"}, true
	case Quota:
		return []string{"code", "value", "region", "new account"}, true
	}
	return nil, false
}

// Set are the rules that are in force.
type Set struct {
	now func() time.Time

	mu    sync.Mutex
	made  int
	rules []*entry
}

type entry struct {
	Rule
	seen   int       // calls that it covers
	tokens float64   // throttle: what is left in the bucket
	filled time.Time // throttle: when tokens was right
}

// NewSet returns an empty set; now is the cloud's time.
func NewSet(now func() time.Time) *Set { return &Set{now: now} }

// Add puts a rule in force and returns it with its id.
func (s *Set) Add(r Rule) (Rule, error) {
	if err := r.Check(); err != nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	r.ID, r.Hits = fmt.Sprintf("f%d", s.made), 0
	s.rules = append(s.rules, &entry{Rule: r, tokens: float64(r.Burst), filled: s.now()})
	return r, nil
}

// List are the rules in the order in which they were added.
func (s *Set) List() []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Rule, 0, len(s.rules))
	for _, e := range s.rules {
		out = append(out, e.Rule)
	}
	return out
}

// Clear takes the rule with the id out of force, or all of them if it is
// empty, and tells how many those were.
func (s *Set) Clear(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.rules)
	s.rules = slices.DeleteFunc(s.rules, func(e *entry) bool { return id == "" || e.ID == id })
	return before - len(s.rules)
}

// NoCapacity tells whether there is no room for instances of a type in a zone.
// A launch that is refused for it is counted by Refused.
func (s *Set) NoCapacity(zone, instanceType string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full(zone, instanceType) != nil
}

// Refused counts an answer that there is no capacity.
func (s *Set) Refused(zone, instanceType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.full(zone, instanceType); e != nil {
		e.Hits++
	}
}

// full is the rule that leaves no room. An empty zone stands for all of them.
// The caller holds mu.
func (s *Set) full(zone, instanceType string) *entry {
	for _, e := range s.rules {
		if e.Kind == NoCapacity && (e.Zone == "" || zone == "" || e.Zone == zone) && (e.Type == "" || e.Type == instanceType) {
			return e
		}
	}
	return nil
}

// Lagging tells whether what was created at a time is still invisible.
func (s *Set) Lagging(created time.Time) bool { return s.young(Lag, created) }

// ProfileUnknown tells whether an instance profile that was created at a time
// is still unknown to EC2.
func (s *Set) ProfileUnknown(created time.Time) bool { return s.young(ProfileDelay, created) }

func (s *Set) young(k Kind, created time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.rules {
		if e.Kind == k && s.now().Before(created.Add(e.Delay)) {
			e.Hits++
			return true
		}
	}
	return false
}
