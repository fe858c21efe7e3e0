package act

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Instance is the instance that spored runs on, seen from the API. No other
// can be reached through it.
//
// Terminate, Stop, Hibernate and CancelSpot go on trying while the answer may
// yet change (throttling, no network, credentials that expired, metadata that
// is gone, a permission that is not seen everywhere yet), until their context
// ends and never for longer than patience. A nil error means that EC2 agreed,
// not that it is done.
type Instance struct {
	api EC2API
	id  string
}

// NewInstance is the instance with an id.
func NewInstance(api EC2API, id string) *Instance { return &Instance{api: api, id: id} }

const (
	patience    = 30 * time.Second       // for an action, all tries together
	callTimeout = 3 * time.Second        // for one try
	firstPause  = 250 * time.Millisecond // after the first try; doubled each time
	lastPause   = 4 * time.Second
)

var (
	// ErrNoRole says that the instance has no role, so no call can be signed
	// and trying again is of no use.
	ErrNoRole = errors.New("this instance has no role")

	// ErrNotYet says that EC2 refuses now what it may do in a few minutes, such
	// as hibernating an instance that has only just started.
	ErrNotYet = errors.New("not possible now, perhaps in a few minutes")
)

// Terminate asks EC2 to end the instance. A persistent Spot request would start
// another in its place: CancelSpot comes first.
func (i *Instance) Terminate(ctx context.Context) error {
	return i.try(ctx, "terminate "+i.id, func(ctx context.Context) error {
		_, err := i.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{i.id}})
		return err
	})
}

// Stop asks EC2 to stop the instance. A one-time Spot instance cannot be
// stopped, which EC2 says.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html
func (i *Instance) Stop(ctx context.Context) error {
	return i.try(ctx, "stop "+i.id, func(ctx context.Context) error {
		_, err := i.api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{i.id}})
		return err
	})
}

// Hibernate asks EC2 to hibernate the instance. In the first minutes after a
// start the error is ErrNotYet. An instance that was not launched for it never
// hibernates; it is not stopped instead.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-instance-hibernate.html
func (i *Instance) Hibernate(ctx context.Context) error {
	err := i.try(ctx, "hibernate "+i.id, func(ctx context.Context) error {
		_, err := i.api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{i.id}, Hibernate: aws.Bool(true)})
		return err
	})
	if awserr.Code(err) == "UnsupportedOperation" {
		return fmt.Errorf("%w: %w", ErrNotYet, err)
	}
	return err
}

// CancelSpot asks EC2 to cancel the Spot request that this instance came from,
// so that its end does not start another. One that is gone is cancelled.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-cancel.html
func (i *Instance) CancelSpot(ctx context.Context, request string) error {
	return i.try(ctx, "cancel the Spot request "+request, func(ctx context.Context) error {
		_, err := i.api.CancelSpotInstanceRequests(ctx, &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{request}})
		return awserr.IgnoreNotFound(err)
	})
}

// Tell writes the status tag, in one try: whoever has news knows better than a
// repetition.
func (i *Instance) Tell(ctx context.Context, s lifecycle.Status) error {
	_, err := i.api.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{i.id},
		Tags:      []types.Tag{{Key: aws.String(lifecycle.TagStatus), Value: aws.String(s.String())}},
	})
	if err != nil {
		return fmt.Errorf("tag %s with its status: %w", i.id, err)
	}
	return nil
}

// try makes a call until EC2 agrees, refuses for good or ctx ends. The error is
// that of the last try that was answered, which says more than that the time
// was over.
func (i *Instance) try(ctx context.Context, what string, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := once(ctx, call)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		switch {
		case roleless(err):
			return fmt.Errorf("%s: %w", what, ErrNoRole)
		case final(err) || wait(ctx, pause) != nil:
			return fmt.Errorf("%s: %w", what, last)
		}
	}
}

func once(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

// final tells that EC2 understood and that the same call a moment later gets
// the same answer: the instance is gone, or cannot do this. A denial is not
// final: a role that was just made is not known everywhere yet.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func final(err error) bool {
	switch awserr.Code(err) {
	case "UnsupportedOperation", "UnsupportedHibernationConfiguration", "IncorrectInstanceState":
		return true
	}
	return awserr.IsNotFound(err)
}

// roleless tells that a call failed because the metadata service answered, and
// has no role to offer.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
func roleless(err error) bool {
	var call, metadata *smithy.OperationError
	var answer *smithyhttp.ResponseError
	return errors.As(err, &call) &&
		errors.As(call.Err, &metadata) && metadata.ServiceID == imds.ServiceID &&
		errors.As(metadata.Err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound
}

// wait waits, or returns the error of a context that ended before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
