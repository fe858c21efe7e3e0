package front

import (
	"time"

	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// attempt does an action once its name is on the record: between the hooks of
// the tape, and with the trouble that the faults have for it. A reply of nil
// without an error is a hang-up.
func (e *exchange) attempt(do func() (*reply, error)) (*reply, error) {
	f := e.front
	if f.Tape.Ask(tape.Before, e.record) == tape.HangUp {
		return nil, nil
	}
	trouble := f.Faults.Meet(e.record.Service, e.record.Action)
	if !e.wait(trouble.Wait) {
		return nil, nil
	}
	if trouble.Refusal != nil {
		return nil, trouble.Refusal
	}
	out, err := do()
	if f.Tape.Ask(tape.Effect, e.record) == tape.HangUp || trouble.Lose {
		if out != nil && out.body != nil {
			_ = out.body.Close() // it was only read
		}
		return nil, nil
	}
	return out, err
}

// wait lets cloud time pass. It is false when the caller has gone or the cloud
// ends meanwhile.
func (e *exchange) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	over := make(chan struct{})
	timer := e.front.Clock.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-e.r.Context().Done():
		return false
	case <-e.front.Closing:
		return false
	}
}
