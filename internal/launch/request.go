package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// A new instance profile takes seconds to be known everywhere. The same
// request is sent again until then.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
const (
	profileTimeout = 60 * time.Second
	profilePause   = 2 * time.Second
)

// mostMends bounds how often one try is mended: each fault of the account's
// that a launch can do without, and once more for each fact that was gone.
const mostMends = 8

// ask sends attempts for a try until one is answered with instances, or refused
// for a reason that nothing here can mend.
func (r *running) ask(ctx context.Context, t try, share int, have *prepared) ([]types.Instance, attempt, error) {
	for mends := 0; ; mends++ {
		r.attempts++
		r.correctClock(have)
		a, err := r.plan.freeze(r.attempts, t, share, have, r.Endpoint)
		if err != nil {
			return nil, a, err
		}
		made, err := r.request(ctx, a)
		if err == nil || mends == mostMends {
			return made, a, err
		}
		mended, mendErr := r.mend(ctx, err, &t, have)
		if mendErr != nil || !mended {
			return nil, a, firstError(mendErr, err)
		}
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// request sends the attempt, keeps its bytes before and its instances after, and
// makes sure that an answer that was lost does not leave an instance behind.
func (r *running) request(ctx context.Context, a attempt) (made []types.Instance, err error) {
	frozen, err := json.Marshal(a.request)
	if err != nil {
		return nil, fmt.Errorf("freeze the request: %w", err)
	}
	r.write(journal.Entry{Kind: journal.Attempt, ID: aws.ToString(a.request.ClientToken), Request: frozen})
	err = r.step(StepRequest, func() (string, error) {
		if made, err = r.send(ctx, a); err != nil {
			return "", err
		}
		for _, m := range made {
			r.write(journal.Entry{Kind: journal.Instance, ID: aws.ToString(m.InstanceId)})
			r.undoLater(reap.Item{Kind: reap.Instance, ID: aws.ToString(m.InstanceId), Name: r.plan.Name, Why: "the launch failed"})
			if request := aws.ToString(m.SpotInstanceRequestId); request != "" && a.candidate.Interruption != "" {
				r.undoLater(reap.Item{Kind: reap.SpotRequest, ID: request, Name: r.plan.Name, Why: "the launch failed"})
			}
		}
		return asked(made, a), a.verify(made)
	})
	return made, err
}

// asked says what was promised.
func asked(made []types.Instance, a attempt) string {
	if len(made) == 1 {
		return fmt.Sprintf("%s, %s", aws.ToString(made[0].InstanceId), a.candidate)
	}
	return fmt.Sprintf("%d × %s", len(made), a.candidate)
}

func (r *running) send(ctx context.Context, a attempt) ([]types.Instance, error) {
	until := time.Now().Add(profileTimeout)
	for {
		out, err := r.EC2.RunInstances(ctx, a.request, refusalIsFinal)
		switch {
		case err == nil && len(out.Instances) > 0:
			return out.Instances, nil
		case err == nil:
			return nil, fmt.Errorf("launch the instance: EC2 answered without one")
		case awserr.IsProfileNotReady(err) && r.fresh[StepRole] && time.Now().Before(until):
			if err := sleep(ctx, profilePause); err != nil {
				return nil, err
			}
		case awserr.IsOutcomeUnknown(err) || ctx.Err() != nil:
			return r.findByToken(ctx, a, err)
		default:
			return nil, fmt.Errorf("launch the instance: %w", err)
		}
	}
}

// findByToken looks for the instances that a request without an answer may have
// made. It must look even when the user has pressed Ctrl-C, and for a while:
// what EC2 has just made it may not list yet.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
func (r *running) findByToken(ctx context.Context, a attempt, cause error) ([]types.Instance, error) {
	lookCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for pause := firstLookPause; ; pause *= 2 {
		made, err := instance.Where(lookCtx, r.EC2, byToken, []string{aws.ToString(a.request.ClientToken)})
		switch {
		case err != nil:
			return nil, problem.New(problem.Partial, "launch the instance: %w; whether it exists could not be found out: %w", cause, err).
				WithNext("if it does, it ends at its deadline; look with: spawn list")
		case len(made) > 0:
			return made, nil
		case pause > lastLookPause:
			return nil, fmt.Errorf("launch the instance: %w", cause)
		}
		if err := sleep(lookCtx, pause); err != nil {
			return nil, err
		}
	}
}

// Pauses between two looks, together about eight seconds.
const (
	firstLookPause = 500 * time.Millisecond
	lastLookPause  = 4 * time.Second
)

// byToken is the filter for what requests with a token have made.
const byToken = "client-token"

// verify checks what only the answer tells: a root device of another name than
// the plan's would have got a second volume and left the root unencrypted.
func (a attempt) verify(made []types.Instance) error {
	image := a.candidate.Image
	for _, m := range made {
		if got, want := aws.ToString(m.RootDeviceName), image.RootDevice; got != want {
			return problem.New(problem.Failed, "the image's root device is %s, and spawn expected %s", got, want).
				WithNext("please report this: the image %s has changed", image.Name)
		}
	}
	return nil
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
