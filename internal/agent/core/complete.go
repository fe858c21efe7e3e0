package core

import (
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// complete ends the instance when its workload says that it is done: hooks,
// then terminate. It is decided once and not taken back.
func (s *step) complete() {
	if s.Input.Completed == nil || s.completed {
		return
	}
	s.withdraw("the workload is done")
	s.completed = true
	about := Decision{Cause: Completed, Does: lifecycle.Terminate}
	about.Action = Warn
	s.decide(about, s.Now.Add(s.hookTime()), "the workload says that it is done (%s)", s.Input.Completed.Status)
	about.Action, about.Hooks = End, s.hookTime()
	s.decide(about, s.Now.Add(s.hookTime()), "the workload says that it is done (%s)", s.Input.Completed.Status)
}
