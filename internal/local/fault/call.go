package fault

import (
	"net/http"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Trouble is what the rules want to be done to a call.
type Trouble struct {
	Wait    time.Duration // before all else, in cloud time
	Refusal *wire.Error   // then the answer, without an effect; nil: none
	Lose    bool          // else the call is done, and its answer is lost
}

// Meet counts a call with every rule that covers it and returns what is to be
// done to it. Waits add up; the oldest rule that refuses the call words the
// refusal, and no other one that would refuse it counts it as applied.
func (s *Set) Meet(service, action string) Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	var t Trouble
	var losing []*entry
	for _, e := range s.rules {
		if !e.covers(service, action) {
			continue
		}
		switch e.Kind {
		case Latency:
			if e.due() {
				e.Hits++
				t.Wait += e.Delay
			}
		case Throttle:
			if t.Refusal == nil && !e.take(s.now()) {
				e.Hits++
				t.Refusal = throttled(service)
			}
		case Error:
			if t.Refusal == nil && e.due() {
				e.Hits++
				t.Refusal = e.refusal()
			}
		case Lose:
			losing = append(losing, e)
		}
	}
	if t.Refusal != nil {
		return t // there is no effect of which the caller could not hear
	}
	for _, e := range losing {
		if e.due() {
			e.Hits++
			t.Lose = true
		}
	}
	return t
}

// due counts a call and tells whether the rule applies to it.
func (e *entry) due() bool {
	e.seen++
	return e.seen > e.After && (e.Times == 0 || e.seen <= e.After+e.Times)
}

// take takes a token from the rule's bucket, which fills at its rate up to its
// burst, as EC2's do.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
func (e *entry) take(now time.Time) bool {
	e.tokens = min(float64(e.Burst), e.tokens+e.Rate*now.Sub(e.filled).Seconds())
	e.filled = now
	if e.tokens < 1 {
		return false
	}
	e.tokens--
	return true
}

// throttled is how a service refuses a call that comes too soon.
//
// EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
// S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// IAM and STS: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
// under the name that SDKs report, https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_throttling.html
// SSM and Pricing: https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
// Service Quotas: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
// Scheduler: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func throttled(service string) *wire.Error {
	switch service {
	case "ec2":
		return wire.Statusf(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case "s3":
		return wire.Statusf(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case "iam", "sts":
		return wire.Errorf("Throttling", "Rate exceeded")
	case "servicequotas":
		return wire.Errorf("TooManyRequestsException", "Rate exceeded")
	case "scheduler":
		return wire.Statusf(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")
	}
	return wire.Errorf("ThrottlingException", "Rate exceeded")
}

func (e *entry) refusal() *wire.Error {
	status, message := e.Status, e.Message
	if status == 0 {
		status = usualStatus(e.Code)
	}
	if message == "" {
		message = "This error was ordered by the fault " + e.ID + " of this cloud."
	}
	return wire.Statusf(status, e.Code, "%s", message)
}

// usualStatus is the status with which an error comes. EC2's server errors are
// those that its documentation lists as such.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func usualStatus(code string) int {
	switch code {
	case "InsufficientInstanceCapacity", "InsufficientAddressCapacity", "InsufficientCapacity", "InsufficientCapacityOnHost",
		"InsufficientHostCapacity", "InsufficientReservedInstanceCapacity", "InsufficientVolumeCapacity",
		"InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "ServiceException":
		return http.StatusInternalServerError
	case "RequestLimitExceeded", "ServiceUnavailable", "Unavailable", "SlowDown":
		return http.StatusServiceUnavailable
	case "UnauthorizedOperation", "AccessDenied", "AccessDeniedException":
		return http.StatusForbidden
	case "AuthFailure":
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}
