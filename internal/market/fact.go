package market

import "time"

// Fact is what a service said, when, or why it did not.
type Fact[T any] struct {
	Value T
	AsOf  time.Time // when the service was asked; zero when it was not, or failed
	Kept  bool      // read from disk, not asked now
	Err   error     // a *problem.Error in words for a person
}

// Known tells that the value was found out. An empty value that is known says
// that there is nothing.
func (f Fact[T]) Known() bool { return f.Err == nil && !f.AsOf.IsZero() }

// Told is when the fact was told, whether it was kept since, and why it was not
// told.
func (f Fact[T]) Told() (asOf time.Time, kept bool, err error) { return f.AsOf, f.Kept, f.Err }

// Fail makes the fact unknown for a reason; without one it was not asked for.
func (f *Fact[T]) Fail(err error) { *f = Fact[T]{Err: err} }

// Answer is a fact, whatever it is about.
type Answer interface {
	Known() bool
	Told() (asOf time.Time, kept bool, err error)
	Fail(err error)
}
