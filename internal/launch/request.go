package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/awserr"
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

// request sends the attempt, keeps its bytes before and its instance after, and
// makes sure that an answer that was lost does not leave an instance behind.
func (r *running) request(ctx context.Context, a attempt) (id string, err error) {
	frozen, err := json.Marshal(a.request)
	if err != nil {
		return "", fmt.Errorf("freeze the request: %w", err)
	}
	r.write(journal.Entry{Kind: journal.Attempt, ID: aws.ToString(a.request.ClientToken), Request: frozen})
	err = r.step(StepRequest, func() (string, error) {
		made, err := r.send(ctx, a)
		if err != nil {
			return "", err
		}
		id = aws.ToString(made.InstanceId)
		r.write(journal.Entry{Kind: journal.Instance, ID: id})
		r.made = append(r.made, reap.Item{Kind: reap.Instance, ID: id, Name: r.plan.Name, Why: "the launch failed"})
		return fmt.Sprintf("%s, %s", id, a.candidate), a.verify(made)
	})
	return id, err
}

func (r *running) send(ctx context.Context, a attempt) (types.Instance, error) {
	until := time.Now().Add(profileTimeout)
	for {
		out, err := r.EC2.RunInstances(ctx, a.request)
		switch {
		case err == nil && len(out.Instances) == 1:
			return out.Instances[0], nil
		case err == nil:
			return types.Instance{}, fmt.Errorf("launch the instance: EC2 answered with %d instances for one", len(out.Instances))
		case awserr.IsProfileNotReady(err) && time.Now().Before(until):
			if err := sleep(ctx, profilePause); err != nil {
				return types.Instance{}, err
			}
		case awserr.IsOutcomeUnknown(err) || ctx.Err() != nil:
			return r.findByToken(ctx, a, err)
		default:
			return types.Instance{}, fmt.Errorf("launch the instance: %w", err)
		}
	}
}

// findByToken looks for the instance that a request without an answer may have
// made. It must look even when the user has pressed Ctrl-C.
func (r *running) findByToken(ctx context.Context, a attempt, cause error) (types.Instance, error) {
	lookCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	token := aws.ToString(a.request.ClientToken)
	out, err := r.EC2.DescribeInstances(lookCtx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("client-token"), Values: []string{token}},
	}})
	if err != nil {
		return types.Instance{}, problem.New(problem.Partial, "launch the instance: %w; whether it exists could not be found out: %w", cause, err).
			WithNext("if it does, it ends at its deadline; look with: spawn list")
	}
	for _, reservation := range out.Reservations {
		for _, in := range reservation.Instances {
			return in, nil
		}
	}
	return types.Instance{}, fmt.Errorf("launch the instance: %w", cause)
}

// verify checks what only the answer tells: a root device of another name than
// the plan's would have got a second volume and left the root unencrypted.
func (a attempt) verify(made types.Instance) error {
	image := a.candidate.Image
	if got, want := aws.ToString(made.RootDeviceName), image.RootDevice; got != want {
		return problem.New(problem.Failed, "the image's root device is %s, and spawn expected %s", got, want).
			WithNext("please report this: the image %s has changed", image.Name)
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
