// Package problem is the one shape in which something that went wrong reaches
// a person: the cause, the next step where there is one, and the kind, which
// decides the exit code.
//
// Packages that know what a user can do about an error return a *problem.Error;
// anything else that reaches the top of a program is shown as its cause alone
// and exits with 1.
package problem

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what sort of failure it was. Its value is the exit code.
type Kind int

// The kinds, in the order of the exit codes that the documentation promises.
const (
	Failed      Kind = 1   // anything not named below
	Usage       Kind = 2   // the command was not understood; nothing was done
	NotFound    Kind = 3   // nothing was found
	Denied      Kind = 4   // credentials or permission
	NoCapacity  Kind = 5   // EC2 has no such instance to give now
	Partial     Kind = 6   // partly done, or running without its agent
	Interrupted Kind = 130 // the user said stop
)

// Error is a failure with a next step.
type Error struct {
	Kind Kind
	Err  error  // the cause
	Next string // what the person can do now; may be empty
}

// New returns a problem of a kind. The message is the cause, in lower case and
// without a full stop.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// WithNext returns e with the next step.
func (e *Error) WithNext(format string, args ...any) *Error {
	out := *e
	out.Next = fmt.Sprintf(format, args...)
	return &out
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of err, which is an exit code and never 0: that of the
// outermost Error within it, Interrupted for a cancelled context, else Failed.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind > 0:
		return e.Kind
	case errors.Is(err, context.Canceled):
		return Interrupted
	default:
		return Failed
	}
}

// NextOf is the next step in err, or "".
func NextOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Next
	}
	return ""
}
