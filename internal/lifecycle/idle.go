package lifecycle

import "time"

// IdleAction is what happens to an instance that has been idle for too long.
type IdleAction string

// The idle actions.
const (
	Terminate IdleAction = "terminate"
	Stop      IdleAction = "stop"
	Hibernate IdleAction = "hibernate"
)

// Valid tells whether a is one of the three actions.
func (a IdleAction) Valid() bool { return a == Terminate || a == Stop || a == Hibernate }

// DefaultIdleCPU is the share of all processors, in percent, below which an
// instance may be idle.
const DefaultIdleCPU = 5.0

// IdlePolicy says when an instance counts as idle and what is done about it.
// The zero value switches idle detection off.
type IdlePolicy struct {
	Timeout time.Duration // 0: never
	CPU     float64       // percent of all processors, 0 means DefaultIdleCPU
	Action  IdleAction    // "" means Terminate
}
