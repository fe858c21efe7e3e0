package offer

import (
	"context"
	"io"
	"time"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Patience is how long ReadPipe waits for a pipe.
type Patience struct {
	Notice time.Duration // after this long without a complete answer OnNotice is called, once
	Limit  time.Duration // after this long ReadPipe gives up

	// OnNotice tells the person what is being waited for. It may be nil.
	OnNotice func()
	// After is the clock, as time.After; nil means time.After.
	After func(time.Duration) <-chan time.Time
}

// DefaultPatience is a word after a second and an error after a minute.
func DefaultPatience() Patience {
	return Patience{Notice: time.Second, Limit: time.Minute}
}

// ReadPipe is Read for a pipe whose other end may be slow, silent or never
// close. It returns when all offers have been read, when the patience is at its
// end (a *problem.Error of kind Usage), or when ctx is (its error).
//
// A Read that blocks cannot be cancelled. When ReadPipe gives up, the goroutine
// that reads stays behind until r answers or the program exits, and r must not
// be used again; the caller is expected to be on its way out.
func ReadPipe(ctx context.Context, r io.Reader, p Patience) ([]Offer, error) {
	after := p.After
	if after == nil {
		after = time.After
	}
	type answer struct {
		offers []Offer
		err    error
	}
	answered := make(chan answer, 1) // buffered: a late answer must not block its goroutine
	go func() {
		offers, err := Read(r)
		answered <- answer{offers, err}
	}()

	notice, limit := after(p.Notice), after(p.Limit)
	for {
		select {
		case a := <-answered:
			return a.offers, a.err
		case <-notice:
			notice = nil
			if p.OnNotice != nil {
				p.OnNotice()
			}
		case <-limit:
			return nil, problem.New(problem.Usage, "no complete offer arrived on standard input within %s", p.Limit).
				WithNext("name an instance type with --instance-type, give the finder longer with --stdin-timeout, or close standard input with </dev/null")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
