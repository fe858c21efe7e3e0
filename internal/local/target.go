package local

import (
	"errors"
	"net/http"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/scheduler"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// targets is the cloud as schedules see it.
type targets struct{ cloud *Cloud }

var _ scheduler.Cloud = targets{}

// errUnheard is what a schedule knows of a call that was never answered.
var errUnheard = errors.New("the connection ended without an answer")

// Has implements scheduler.Cloud.
func (t targets) Has(service, action string) bool {
	_, found := t.cloud.operation(service, action)
	return found
}

// Invoke implements scheduler.Cloud: the call is on the tape and meets its hooks
// and the faults, as one that comes over the network does.
func (t targets) Invoke(i scheduler.Invocation, done func(error)) {
	c := t.cloud
	record := &tape.Call{
		Time: c.Clock().Now(), RequestID: call.NewRequestID(),
		Principal: i.Principal.ARN, Region: i.Region, Service: i.Service, Action: i.Action,
	}
	c.tape.Begin(record)
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
		c.tape.End(record)
		done(err)
	}
	if c.tape.Ask(tape.Before, record) == tape.HangUp {
		finish(errUnheard)
		return
	}
	trouble := c.faults.Meet(i.Service, i.Action)
	act := func() {
		switch {
		case trouble.Refusal != nil:
			finish(trouble.Refusal)
		default:
			err := t.call(i, record)
			if c.tape.Ask(tape.Effect, record) == tape.HangUp || trouble.Lose {
				err = errUnheard
			}
			finish(err)
		}
		c.tape.Ask(tape.After, record)
	}
	if trouble.Wait == 0 {
		act()
		return
	}
	c.Clock().AfterFunc(trouble.Wait, act) // not waited for: this runs while a timer fires
}

// call does the action.
func (t targets) call(i scheduler.Invocation, record *tape.Call) error {
	operation, found := t.cloud.operation(i.Service, i.Action)
	protocol, known := protocolOf(i.Service)
	if !found || !known {
		return protocol.NoSuchAction(i.Action)
	}
	caller := &call.Caller{Principal: i.Principal, Region: i.Region, RequestID: record.RequestID, Protocol: protocol, Record: record}
	_, err := operation.Run(t.cloud.store, caller, call.Form(i.Form))
	return err
}
