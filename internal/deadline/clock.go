package deadline

import (
	"context"
	"time"
)

// Real is a Clock that really waits; now is the service's time.
func Real(now func() time.Time) Clock { return realClock{now} }

type realClock struct{ now func() time.Time }

func (c realClock) Now() time.Time { return c.now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
