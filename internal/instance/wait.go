package instance

import (
	"context"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

// Clock tells the time.
type Clock func() time.Time

// Pauses between two looks at an instance: quick at first, because the local
// cloud and a warning shot are quick, then as often as is polite.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 3 * time.Second
)

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
