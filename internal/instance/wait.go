package instance

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Clock tells the time.
type Clock func() time.Time

// Pauses between two looks at an instance: quick at first, because the local
// cloud and a warning shot are quick, then as often as is polite.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 3 * time.Second
)

// becomeTimeout bounds Become. Hibernating or ending a large instance takes
// minutes.
const becomeTimeout = 10 * time.Minute

// Become waits until the instance is in the state. One that ends instead is an
// error with EC2's reason.
func Become(ctx context.Context, api Describer, in Instance, want lifecycle.State) (Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, becomeTimeout)
	defer cancel()
	now, err := Wait(ctx, api, in.ID, func(now Instance) bool {
		return now.State == want || now.State.Ended() && !want.Ended()
	})
	if err != nil {
		return now, err
	}
	if now.State != want {
		return now, problem.New(problem.Failed, "%s became %s instead of %s: %s", in.Label(), now.State, want, now.Reason())
	}
	return now, nil
}

// Reason is why the instance left the state it was in, in EC2's words.
func (in Instance) Reason() string {
	if in.StateReason == "" {
		return "EC2 gives no reason"
	}
	return in.StateReason
}

// Wait reads an instance again and again until done says so, and returns it as
// it was then. The context bounds the wait; when it ends first, the instance as
// last seen is returned with the context's error.
func Wait(ctx context.Context, api Describer, id string, done func(Instance) bool) (Instance, error) {
	var last Instance
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		in, err := Get(ctx, api, id)
		switch {
		case err == nil:
			if last = in; done(in) {
				return in, nil
			}
		case awserr.IsNotFound(err): // a new instance need not be visible yet
		default:
			return last, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return last, fmt.Errorf("wait for %s: %w", id, ctx.Err())
		case <-timer.C:
		}
	}
}
