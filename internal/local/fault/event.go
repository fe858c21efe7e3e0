package fault

import (
	"fmt"
	"slices"
	"time"
)

// EventKind is a thing that happens to a machine.
type EventKind string

// The kinds of events.
const (
	SpotNotice EventKind = "spot-notice" // EC2 announces that it will interrupt the Spot Instance, and does
	Rebalance  EventKind = "rebalance"   // EC2 recommends to leave the instance
	HostDeath  EventKind = "host-death"  // the host loses its power, and the instance with it
)

// The ends that the death of its host can bring to an instance.
const (
	Terminate = "terminate"
	Stop      = "stop"
)

// Event is something that happens to one instance, once.
type Event struct {
	Kind     EventKind     `json:"kind"`
	Instance string        `json:"instance"`
	In       time.Duration `json:"in_ns,omitempty"`  // spot-notice: cloud time from the notice to the interruption
	Action   string        `json:"action,omitempty"` // host-death: Terminate or Stop
}

// Check says what is wrong with an event that somebody wants to happen.
func (e Event) Check() error {
	if !slices.Contains([]EventKind{SpotNotice, Rebalance, HostDeath}, e.Kind) {
		return fmt.Errorf("there is no event %q", e.Kind)
	}
	switch {
	case e.Instance == "":
		return fmt.Errorf("the event %s needs an instance", e.Kind)
	case e.Kind != HostDeath && e.Action != "":
		return fmt.Errorf("the event %s has no action", e.Kind)
	case e.Kind == HostDeath && e.Action != Terminate && e.Action != Stop:
		return fmt.Errorf("the event %s needs an action, terminate or stop: it was given %q", e.Kind, e.Action)
	case e.Kind != SpotNotice && e.In != 0:
		return fmt.Errorf("the event %s happens at once", e.Kind)
	case e.In < 0:
		return fmt.Errorf("the event %s cannot happen in the past", e.Kind)
	}
	return nil
}
