package core

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Outlook is what the agent thinks at a moment: what a person who asks is
// shown.
type Outlook struct {
	Now      time.Time
	Deadline lifecycle.Deadline // zero: none is known
	Idle     IdleOutlook
	Warned   bool // users were warned of an end that is still to come
	Ending   bool // an end other than the deadline's is being carried out
}

// IdleOutlook is what the agent thinks of the use of the instance.
type IdleOutlook struct {
	On      bool     // idleness ends the instance at all
	Active  bool     // in use now, as far as anybody can tell
	Because []string // why it counts as used now; empty when it does not
	Since   time.Time
	Last    string               // what the last activity was, at Since
	Next    time.Time            // when it is acted on if nothing happens until then; zero: never
	Does    lifecycle.IdleAction // what is done then
	Retry   bool                 // the action failed before and is tried again at Next
}

// Outlook says what the agent thinks after it decided on in.
func (s State) Outlook(in Input) Outlook {
	st := step{State: s, Input: in}
	out := Outlook{
		Now: in.Now, Deadline: s.deadline.armed, Warned: s.Warned(), Ending: s.completed || s.idle.pending,
		Idle: IdleOutlook{
			On: in.Policy.Idle.On(), Because: st.because(), Last: s.idle.why,
			Since: in.Now.Add(s.idle.active - in.Elapsed).Round(0), Does: in.Policy.Idle.Does(),
			Retry: s.idle.failures > 0 && s.idle.retry > in.Elapsed,
		},
	}
	out.Idle.Active = len(out.Idle.Because) > 0
	if out.Idle.On {
		out.Idle.Next = in.Now.Add(st.idleDue(in.Policy.Idle) - in.Elapsed).Round(0)
	}
	return out
}

// because lists all that counts as use now.
func (s *step) because() (all []string) {
	if s.Now.Before(s.KeepaliveUntil) {
		all = append(all, s.asked())
	}
	if s.interrupted() {
		all = append(all, "EC2 is about to interrupt this Spot instance")
	}
	if unknown := s.reading(); unknown != "" {
		return append(all, unknown)
	}
	for _, signal := range s.Signals {
		if signal.Active || signal.Err != nil {
			all = append(all, signal.words())
		}
	}
	return all
}
