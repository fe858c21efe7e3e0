package ask

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// failure words why a fact could not be found out: shortly, because many
// regions may fail at once. The next step is the one that awsx.Explain names.
func failure(err error) error {
	var call *smithy.OperationError
	explained := awsx.Explain(err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return reworded("no answer in time", err, problem.Failed, "try again, or name fewer regions with --region")
	case !errors.As(err, &call):
		return explained
	case awserr.IsNotEnabled(err):
		return notEnabled(err)
	case awserr.IsDenied(err):
		return reworded(call.Service()+" "+call.Operation()+" is not permitted", err, problem.Denied, problem.NextOf(explained))
	case awserr.IsBadCredentials(err):
		return reworded("the credentials were not accepted: "+awserr.Code(err), err, problem.Denied, problem.NextOf(explained))
	case awserr.IsThrottled(err):
		return reworded(call.Service()+" was asked too often", err, problem.Failed, "try again in a minute, or name fewer types or regions")
	default:
		return explained
	}
}

func notEnabled(err error) error {
	return reworded("not enabled in this account", err, problem.Denied, "enable the region in the account's settings, or leave it out")
}

// nameRegionsNotEnabled rewords what EC2 says in a region that the account has
// not opted into: that the credentials are bad. They are not, when another
// region took them.
//
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func nameRegionsNotEnabled(regions []market.Region) {
	taken := false
	for _, r := range regions {
		taken = taken || r.Types.Known() || r.Zones.Known() || r.Spot.Known() || r.Reservations.Known()
	}
	if !taken {
		return
	}
	for i := range regions {
		for _, fact := range regions[i].Facts() {
			if _, _, err := fact.Told(); awserr.IsBadCredentials(err) {
				fact.Fail(notEnabled(err))
			}
		}
	}
}

// said shows short words and keeps the error for whoever asks it.
type said struct {
	text string
	err  error
}

func (s said) Error() string { return s.text }
func (s said) Unwrap() error { return s.err }

func reworded(text string, err error, kind problem.Kind, next string) error {
	return &problem.Error{Kind: kind, Err: said{text, err}, Next: next}
}
