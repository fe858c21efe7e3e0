package front

import (
	"errors"
	"net/http"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/scheduler"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

var _ scheduler.Cloud = (*Front)(nil)

// errUnheard is what a schedule knows of a call that was never answered.
var errUnheard = errors.New("the connection ended without an answer")

// Has implements scheduler.Cloud.
func (f *Front) Has(service, action string) bool {
	_, found := f.services[service].operation(action)
	return found
}

// Invoke implements scheduler.Cloud: a call that comes from within is on the
// tape and meets its hooks and the faults, as one over the network does.
func (f *Front) Invoke(i scheduler.Invocation, done func(error)) {
	record := &tape.Call{
		Time: f.Clock.Now(), RequestID: call.NewRequestID(),
		Principal: i.Principal.ARN, Region: i.Region, Service: i.Service, Action: i.Action,
	}
	f.Tape.Begin(record)
	began := time.Now()
	finish := func(err error) {
		record.Duration = time.Since(began)
		var answer *wire.Error
		switch {
		case err == nil:
			record.Status = http.StatusOK
		case errors.As(err, &answer):
			record.Status, record.Error = answer.Status, answer.Code
		}
		f.Tape.End(record)
		done(err)
	}
	if f.Tape.Ask(tape.Before, record) == tape.HangUp {
		finish(errUnheard)
		return
	}
	trouble := f.Faults.Meet(i.Service, i.Action)
	act := func() {
		switch {
		case trouble.Refusal != nil:
			finish(trouble.Refusal)
		default:
			err := f.call(i, record)
			if f.Tape.Ask(tape.Effect, record) == tape.HangUp || trouble.Lose {
				err = errUnheard
			}
			finish(err)
		}
		f.Tape.Ask(tape.After, record)
	}
	if trouble.Wait == 0 {
		act()
		return
	}
	f.Clock.AfterFunc(trouble.Wait, act) // not waited for: this runs while a timer fires
}

// call does the action.
func (f *Front) call(i scheduler.Invocation, record *tape.Call) error {
	service := f.services[i.Service]
	operation, found := service.operation(i.Action)
	if !found {
		return service.Protocol.NoSuchAction(i.Action)
	}
	caller := &call.Caller{Principal: i.Principal, Region: i.Region, RequestID: record.RequestID, Protocol: service.Protocol, Record: record}
	_, err := operation.Run(f.Store, caller, call.Form(i.Form))
	return err
}
