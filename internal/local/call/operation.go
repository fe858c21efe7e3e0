package call

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Operation is one action of a service, whatever its protocol.
type Operation struct {
	Name string
	// Route is where a REST service has the operation; others have none.
	Route wire.Route
	run   func(*store.Store, *Caller, Input) (any, error)
}

// Input reads what a caller sent into an operation's input, to which into
// points. An error that is a *wire.ParameterError is the caller's.
type Input func(into any) error

// Form is the input of a Query request.
func Form(form url.Values) Input {
	return func(into any) error { return wire.DecodeQuery(form, into) }
}

// At gives an operation of a REST service its place.
func (o Operation) At(method, path string) Operation {
	o.Route = wire.Route{Method: method, Path: path}
	return o
}

// Handler does an operation in a transaction. An error undoes what it did;
// one that is a *wire.Error is answered as it is, any other is a fault of this
// cloud.
type Handler[In, Out any] func(*store.Tx, *Caller, *In) (*Out, error)

// PartialError is the error of an operation that was done in part, and failed: what it
// did stays. It is answered as Err is.
type PartialError struct{ Err error }

func (p *PartialError) Error() string { return p.Err.Error() }

// Unwrap gives the error that is answered.
func (p *PartialError) Unwrap() error { return p.Err }

// Reads is an operation that changes nothing.
func Reads[In, Out any](name string, h Handler[In, Out]) Operation {
	return operation(name, h, (*store.Store).View)
}

// Writes is an operation that may change the state.
func Writes[In, Out any](name string, h Handler[In, Out]) Operation {
	return operation(name, h, (*store.Store).Update)
}

func operation[In, Out any](name string, h Handler[In, Out], transact func(*store.Store, func(*store.Tx) error) error) Operation {
	return Operation{Name: name, run: func(s *store.Store, c *Caller, input Input) (any, error) {
		in := new(In)
		if err := input(in); err != nil {
			return nil, err
		}
		var out *Out
		var partly *PartialError
		err := transact(s, func(tx *store.Tx) (err error) {
			out, err = h(tx, c, in)
			dry, can := any(in).(interface{ isDry() bool })
			tried := can && dry.isDry()
			switch {
			case err == nil && tried:
				return errDryRun()
			case errors.As(err, &partly) && !tried:
				return nil
			}
			return err
		})
		switch {
		case partly != nil:
			return nil, partly
		case err != nil || out == nil:
			return nil, err
		}
		return out, nil
	}}
}

// Run does the operation. An error that is not a *wire.Error is a fault of
// this cloud.
func (o Operation) Run(s *store.Store, c *Caller, input Input) (any, error) {
	out, err := o.run(s, c, input)
	var bad *wire.ParameterError
	if errors.As(err, &bad) {
		return nil, c.Protocol.FormError(bad)
	}
	return out, err
}

// Dry is embedded in the input of an operation that takes DryRun: everything
// is checked, permission included, then nothing is done.
type Dry struct {
	DryRun bool
}

func (d *Dry) isDry() bool { return d.DryRun }

// errDryRun is the good answer to a dry run.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
func errDryRun() *wire.Error {
	return wire.Statusf(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
}
