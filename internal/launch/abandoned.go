package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/journal"
)

// ArmAbandoned arms the cloud's layer of the instances of launches on this
// machine that died before they could: those whose journals are in dir, for an
// endpoint and a region, in the account that is calling. It returns whom it
// armed. Nothing else is done about those launches.
func ArmAbandoned(ctx context.Context, dir, endpoint, region string, api instance.Describer, cloud deadline.Cloud) (armed []instance.Instance, err error) {
	remains, err := journal.Abandoned(dir)
	failed := []error{err}
	for _, r := range remains {
		if r.Header.Endpoint == endpoint && r.Header.Region == region {
			more, err := armRemains(ctx, r, api, cloud)
			armed, failed = append(armed, more...), append(failed, err)
		}
		failed = append(failed, r.Release())
	}
	return armed, errors.Join(failed...)
}

// armRemains arms what one abandoned launch asked for. An instance whose id the
// launch never learned is found by the token of its request.
func armRemains(ctx context.Context, r *journal.Remains, api instance.Describer, cloud deadline.Cloud) (armed []instance.Instance, err error) {
	tokens, done := ids(r, journal.Attempt), ids(r, journal.Schedule)
	if !unarmed(r, done) {
		return nil, nil
	}
	who, err := cloud.Who(ctx)
	if err != nil || who.Account != r.Header.Account {
		return nil, err
	}
	out, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("client-token"), Values: tokens}}})
	if err != nil {
		return nil, fmt.Errorf("look for what the launch %s made: %w", r.Header.Launch, err)
	}
	for _, reservation := range out.Reservations {
		for _, i := range reservation.Instances {
			in := instance.Read(i)
			if in.State.Ended() || in.NoBackstop || in.Tags.Deadline.IsZero() || slices.Contains(done, in.ID) {
				continue
			}
			if err := cloud.Arm(ctx, in.ID, in.Tags.Deadline, in.Persistent); err != nil {
				return armed, err
			}
			armed = append(armed, in)
			if err := r.Record(journal.Entry{Kind: journal.Schedule, ID: in.ID, Region: r.Header.Region, At: cloud.Clock.Now().UTC()}); err != nil {
				return armed, err
			}
		}
	}
	return armed, nil
}

// unarmed tells whether the launch may have an instance that is not armed: one
// that it wrote down, or one that its last request made without an answer.
func unarmed(r *journal.Remains, done []string) bool {
	unanswered := false
	for _, e := range r.Entries {
		switch {
		case e.Kind == journal.Attempt:
			unanswered = true
		case e.Kind == journal.Instance && slices.Contains(done, e.ID):
			unanswered = false
		case e.Kind == journal.Instance:
			return true
		}
	}
	return unanswered
}

// ids are those of a kind that the launch wrote down.
func ids(r *journal.Remains, kind journal.Kind) []string {
	var out []string
	for _, e := range r.Entries {
		if e.Kind == kind {
			out = append(out, e.ID)
		}
	}
	return out
}
