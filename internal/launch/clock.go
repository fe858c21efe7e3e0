package launch

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// wrongClock is how far this machine's clock may be off before a launch counts
// its time anew. EC2 refuses a request whose clock is a few minutes off.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html
const wrongClock = time.Minute

// readClock reads the moment from which the deadline counts.
func (r *running) readClock(have *prepared) {
	have.origin, have.read = r.origin(), time.Now()
}

// origin is by whom, in which launch and when something is made, asked when it is
// made: the first answer of a service may have told that this machine's clock is
// wrong.
func (r *running) origin() lifecycle.Origin {
	return lifecycle.Origin{Owner: r.who.ARN, Launch: r.plan.Launch, Created: r.Now().UTC().Truncate(time.Second)}
}

// correctClock reads the moment again where a service has told since that this
// machine's clock is wrong.
func (r *running) correctClock(have *prepared) {
	expected := have.origin.Created.Add(time.Since(have.read))
	if r.Now().Sub(expected).Abs() >= wrongClock {
		r.readClock(have)
	}
}

// refusalIsFinal has the SDK not send a request again that was refused because
// this machine's clock is wrong. It would sign the same bytes with the service's
// time, but the deadline in them was counted by the wrong clock: that takes
// another attempt.
func refusalIsFinal(o *ec2.Options) { o.Retryer = withoutSkew{o.Retryer} }

type withoutSkew struct{ aws.Retryer }

func (w withoutSkew) IsErrorRetryable(err error) bool {
	return !clockRefused(err) && w.Retryer.IsErrorRetryable(err)
}

// clockRefused tells that the SDK holds this machine's clock for the reason that
// a signature was refused: it has compared it with the answer's date, and signs
// the client's next request with the service's time.
func clockRefused(err error) bool {
	var again interface{ RetryableError() bool }
	return awserr.IsBadCredentials(err) && errors.As(err, &again) && again.RetryableError()
}
