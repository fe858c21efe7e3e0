package fault

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// EventKind is a thing that happens to a machine.
type EventKind string

// The kinds of events.
const (
	SpotNotice EventKind = "spot-notice"     // EC2 announces that it will interrupt the Spot Instance, and does
	Rebalance  EventKind = "rebalance"       // EC2 recommends to leave the instance
	Scheduled  EventKind = "scheduled-event" // EC2 announces maintenance of the host; it never comes
	HostDeath  EventKind = "host-death"      // the host loses its power, and the instance with it
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
	In       time.Duration `json:"in_ns,omitempty"`  // spot-notice, scheduled-event: cloud time from the notice until it happens
	Action   string        `json:"action,omitempty"` // host-death: Terminate or Stop; scheduled-event: one of Codes
}

// Codes are the kinds of maintenance that EC2 schedules for an instance.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusEvent.html
func Codes() []string {
	return []string{"instance-reboot", "system-reboot", "system-maintenance", "instance-retirement", "instance-stop"}
}

// Check says what is wrong with an event that somebody wants to happen.
func (e Event) Check() error {
	if !slices.Contains([]EventKind{SpotNotice, Rebalance, Scheduled, HostDeath}, e.Kind) {
		return fmt.Errorf("there is no event %q", e.Kind)
	}
	switch {
	case e.Instance == "":
		return fmt.Errorf("the event %s needs an instance", e.Kind)
	case e.Kind == Scheduled && !slices.Contains(Codes(), e.Action):
		return fmt.Errorf("the event %s needs a code, one of %s: it was given %q", e.Kind, strings.Join(Codes(), ", "), e.Action)
	case e.Kind != HostDeath && e.Kind != Scheduled && e.Action != "":
		return fmt.Errorf("the event %s has no action", e.Kind)
	case e.Kind == HostDeath && e.Action != Terminate && e.Action != Stop:
		return fmt.Errorf("the event %s needs an action, terminate or stop: it was given %q", e.Kind, e.Action)
	case e.Kind != SpotNotice && e.Kind != Scheduled && e.In != 0:
		return fmt.Errorf("the event %s happens at once", e.Kind)
	case e.In < 0:
		return fmt.Errorf("the event %s cannot happen in the past", e.Kind)
	}
	return nil
}
