package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

const (
	cancelPatience = 5 * time.Second // for a Spot request, when the deadline has come
	cancelPause    = time.Minute     // between two tries when it has not
	deniedTries    = 3               // then EC2 means it
)

// terminateForGood ends the instance before its deadline. A persistent Spot
// request would start another in its place and has to be cancelled first:
// before the deadline there is time to wait for that.
func (a *agent) terminateForGood(ctx context.Context, d core.Decision) error {
	for denied := 0; ; {
		err := a.cancelSpot(ctx)
		if awserr.IsDenied(err) {
			if denied++; denied >= deniedTries {
				err = a.stopInstead(ctx, d, err)
			}
		}
		switch {
		case err == nil:
			return a.end(ctx, d)
		case d.Cause == core.Idle && (!awserr.IsDenied(err) || denied >= deniedTries):
			return err
		}
		a.Log.ErrorContext(ctx, "this instance is not ended before its Spot request is cancelled: trying on", "error", err)
		a.reports.put(a.fill(report{phase: lifecycle.PhaseFailed, deadline: d.Deadline, why: err.Error()}))
		if err := wait(ctx, cancelPause); err != nil {
			return err
		}
	}
}

// stopInstead is for an instance that may not cancel the Spot request that its
// tag names: either that request is another's, or the bond between the two was
// never tied. Metadata does not tell which. To terminate would in the second
// case start a replacement that does all the work again; to stop costs little
// more, and starts none. And EC2 knows which case it is: it stops no instance of
// a one-time or a cancelled request, and none of these is replaced. nil says
// that it is so, and the instance can be terminated.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-spot-instances-work.html
func (a *agent) stopInstead(ctx context.Context, d core.Decision, denied error) error {
	a.Log.WarnContext(ctx, "EC2 does not let this instance cancel the Spot request of its tag: it is stopped, not terminated, so that nothing takes its place", "error", denied)
	a.reports.put(a.fill(report{phase: lifecycle.PhaseStopping, deadline: d.Deadline, why: d.Why + "; its Spot request cannot be cancelled"}))
	err := a.rest(ctx, "stop", Cloud.Stop)
	if awserr.Code(err) == "UnsupportedOperation" {
		a.Log.InfoContext(ctx, "EC2 would not replace this instance: it is terminated", "because", err)
		return nil
	}
	return fmt.Errorf("%w; and before that: %w", err, denied)
}

// cancelSpot cancels the persistent Spot request that the instance came from,
// if there is one.
func (a *agent) cancelSpot(ctx context.Context) error {
	request := a.known.spotRequest()
	if request == "" {
		return nil
	}
	cloud := a.known.reach()
	if cloud == nil {
		return errors.New("cancel the Spot request: it is not known which instance this is")
	}
	return cloud.CancelSpot(ctx, request)
}
