package awserr

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// Code is the service's error code within err, such as
// InvalidInstanceID.NotFound, or "" when no service answered with an error.
func Code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// Message is the service's own words within err, or "" when no service
// answered with an error.
func Message(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorMessage()
}

// IsNotFound tells that what the request named does not exist. Shortly after a
// creation it may only not be visible yet.
func IsNotFound(err error) bool { return notFoundCode(Code(err)) }

// IgnoreNotFound returns nil for an error that IsNotFound, else err: the way to
// delete what may be gone already.
func IgnoreNotFound(err error) error {
	if IsNotFound(err) {
		return nil
	}
	return err
}

// IsInUse tells that a deletion was refused because something still depends on
// the resource.
func IsInUse(err error) bool { return inUseCode(Code(err)) }

// IsAlreadyExists tells that a creation was refused because the resource, rule
// or attachment is there already, in the caller's own account.
func IsAlreadyExists(err error) bool { return alreadyExistsCode(Code(err)) }

// IsTakenByOthers tells that a global name belongs to another account.
func IsTakenByOthers(err error) bool { return takenByOthersCode(Code(err)) }

// IsNoCapacity tells that EC2 does not give such an instance here and now, for
// lack of machines, of quota or of a high enough Spot price: the next candidate
// may do. InsufficientInstanceCapacity comes as HTTP 500, which SDKs retry:
// exempt it there.
func IsNoCapacity(err error) bool { return noCapacityCode(Code(err)) }

// IsNoCapacityReason is IsNoCapacity for the code of an instance's state
// reason: a launch that was accepted may still end from pending to terminated
// with Server.InsufficientInstanceCapacity.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
func IsNoCapacityReason(code string) bool {
	_, after, found := strings.Cut(code, ".")
	return found && noCapacityCode(after)
}

// IsLimitExceeded tells that a quota is used up, of the account (IAM roles,
// VPCs, buckets) or of the resource (one role in an instance profile). Waiting
// does not help. Quotas of instances are IsNoCapacity's.
func IsLimitExceeded(err error) bool { return quotaCode(Code(err)) }

// IsThrottled tells that the caller asked too often and may ask again later.
func IsThrottled(err error) bool { return throttledCode(Code(err)) }

// IsDenied tells that the caller was recognised and may not do this.
func IsDenied(err error) bool { return deniedCode(Code(err)) }

// IsDeniedAction is IsDenied for one action, such as iam:PassRole, which the
// service names in its message: a call may need more permissions than its own.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func IsDeniedAction(err error, action string) bool {
	return IsDenied(err) && strings.Contains(Message(err), "not authorized to perform: "+action+" ")
}

// IsBadCredentials tells that the service did not accept who the caller claims
// to be: unknown, expired or wrongly signed credentials, a clock that is far
// off, or, for EC2's AuthFailure, a region that the account has not opted into.
// Credentials that could not be found in the first place never reach a service
// and are not recognised here.
func IsBadCredentials(err error) bool { return badCredentialsCode(Code(err)) }

// IsNotEnabled tells that the account has not subscribed to the service, or not
// opted into the region. EC2 says AuthFailure for the latter, which is
// IsBadCredentials: only another region's answer tells the two apart.
func IsNotEnabled(err error) bool { return Code(err) == "OptInRequired" }

// IsProfileNotReady tells that RunInstances does not know the instance profile:
// one that was just made takes seconds to be seen, and the same request
// succeeds then. EC2 has no code of its own for this, hence the message.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html
func IsProfileNotReady(err error) bool {
	if Code(err) != "InvalidParameterValue" {
		return false
	}
	message := strings.ToLower(Message(err))
	return strings.Contains(message, "invalid iam instance profile") ||
		strings.Contains(message, "iaminstanceprofile")
}

// IsRoleNotReady tells that EventBridge Scheduler may not take the role that a
// schedule names: one that was just made takes seconds to be seen, and the same
// request succeeds then. A role that is not there, or does not trust Scheduler,
// gets the same answer, which has no code of its own: hence the message.
//
// https://github.com/aws/aws-sdk-js-v3/issues/6494
func IsRoleNotReady(err error) bool {
	return Code(err) == "ValidationException" && strings.Contains(strings.ToLower(Message(err)), "assume the role")
}

// IsNoDefaultVPC tells that a request which names no network was meant for the
// default VPC, and the account has none in the region. EC2 is widely reported to
// answer so to CreateSecurityGroup and RunInstances.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func IsNoDefaultVPC(err error) bool { return Code(err) == "VPCIdNotSpecified" }

// IsInvalidValue tells that EC2 does not take a parameter's value, such as a
// zone in which the account can make nothing new.
func IsInvalidValue(err error) bool { return Code(err) == "InvalidParameterValue" }

// IsDryRunOK tells that a request made with DryRun would have succeeded: EC2
// says so by an error.
func IsDryRunOK(err error) bool { return Code(err) == "DryRunOperation" }

// IsIdempotencyMismatch tells that a client token was used again with other
// parameters.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func IsIdempotencyMismatch(err error) bool {
	code := Code(err)
	return code == "IdempotentParameterMismatch" || code == "IdempotentParameterMismatchException"
}

// IsIdempotentTerminated tells that a client token was used again after the
// instance that it made had ended.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func IsIdempotentTerminated(err error) bool { return Code(err) == "IdempotentInstanceTerminated" }

// IsOutcomeUnknown tells that a request that failed may yet have been carried
// out: the service did not answer, or answered that it failed in the middle.
// Only a replay with the same client token, or a look, can tell. It is false
// for nil.
func IsOutcomeUnknown(err error) bool {
	if err == nil {
		return false
	}
	code := Code(err)
	return code == "" || serverTroubleCode(code)
}
