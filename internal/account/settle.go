package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

// pauses are the waits between tries of what needs something new to be known to
// all of EC2: 6.3 seconds altogether.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
func pauses() []time.Duration {
	return []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond,
		1600 * time.Millisecond, 1600 * time.Millisecond, 1600 * time.Millisecond,
	}
}

// errUnsettled says that something is known to exist and not to be seen yet.
var errUnsettled = errors.New("not everybody can see it yet")

// unsettledIf has settled try again where an error means that.
func unsettledIf(means bool, err error) error {
	if !means {
		return err
	}
	return fmt.Errorf("%w (%w)", err, errUnsettled)
}

// settled does what needs something new to be known, again and again until it
// is. What is not found, for whatever reason, is asked for as often.
func settled(ctx context.Context, do func() error) error {
	err := do()
	for _, pause := range pauses() {
		if !awserr.IsNotFound(err) && !errors.Is(err, errUnsettled) {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		err = do()
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
