package lifecycle

// State is the state of an instance as EC2 names it. A state that was not
// fetched, or that this program does not know, is StateUnknown and is shown
// as such; it is never taken for running or for gone.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
type State string

// The states of an instance.
const (
	StateUnknown      State = "unknown"
	StatePending      State = "pending"
	StateRunning      State = "running"
	StateShuttingDown State = "shutting-down"
	StateStopping     State = "stopping"
	StateStopped      State = "stopped"
	StateTerminated   State = "terminated"
)

// ParseState reads EC2's name of a state.
func ParseState(s string) State {
	switch st := State(s); st {
	case StatePending, StateRunning, StateShuttingDown, StateStopping, StateStopped, StateTerminated:
		return st
	default:
		return StateUnknown
	}
}

// Ended tells that the instance is gone or on its way out, for good.
func (s State) Ended() bool { return s == StateShuttingDown || s == StateTerminated }
