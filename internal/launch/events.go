package launch

import "time"

// Step is a part of a launch that a person can follow.
type Step string

// The steps. Those from Key to Cloud run at the same time, and Backstop beside
// the boot.
const (
	StepAccount  Step = "account"
	StepKey      Step = "key"
	StepNetwork  Step = "network"
	StepRole     Step = "role"
	StepAgent    Step = "agent"
	StepCloud    Step = "cloud" // what the cloud's layer of the deadline needs
	StepScript   Step = "script"
	StepRequest  Step = "request"
	StepBoot     Step = "boot"
	StepBackstop Step = "backstop" // the cloud's layer of the deadline
	StepReady    Step = "ready"
	StepUndo     Step = "undo"
)

// Event is something that happened in a launch: a Began, an Ended or a Noted.
type Event interface{ isEvent() }

// Began says that a step started.
type Began struct{ Step Step }

// Ended says that a step is over. Err is nil when it succeeded.
type Ended struct {
	Step   Step
	Detail string // what came of it, in a person's words
	Took   time.Duration
	Err    error
}

// Noted is something that the user should know and that stops nothing.
type Noted struct{ Text string }

func (Began) isEvent() {}
func (Ended) isEvent() {}
func (Noted) isEvent() {}
