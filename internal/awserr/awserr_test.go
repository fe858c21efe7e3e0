package awserr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

func api(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message}
}

// questions are the exclusive ones: an error may satisfy at most one of them,
// or a caller's order of asking would matter.
func questions() map[string]func(error) bool {
	return map[string]func(error) bool{
		"not found":            awserr.IsNotFound,
		"in use":               awserr.IsInUse,
		"already exists":       awserr.IsAlreadyExists,
		"taken by others":      awserr.IsTakenByOthers,
		"no capacity":          awserr.IsNoCapacity,
		"limit exceeded":       awserr.IsLimitExceeded,
		"throttled":            awserr.IsThrottled,
		"denied":               awserr.IsDenied,
		"bad credentials":      awserr.IsBadCredentials,
		"profile not ready":    awserr.IsProfileNotReady,
		"role not ready":       awserr.IsRoleNotReady,
		"dry run ok":           awserr.IsDryRunOK,
		"idempotency mismatch": awserr.IsIdempotencyMismatch,
		"idempotent ended":     awserr.IsIdempotentTerminated,
		"outcome unknown":      awserr.IsOutcomeUnknown,
	}
}

func TestEachErrorHasOneAnswer(t *testing.T) {
	tests := []struct {
		code, message string
		want          string // the one question that is answered yes; "" for none
	}{
		{code: "InvalidInstanceID.NotFound", want: "not found"},
		{code: "InvalidGroup.NotFound", want: "not found"},
		{code: "InvalidSpotInstanceRequestID.NotFound", want: "not found"},
		{code: "InvalidPermission.NotFound", want: "not found"},
		{code: "InvalidAMIID.NotFound", want: "not found"},
		{code: "NoSuchEntity", want: "not found"},
		{code: "NoSuchBucket", want: "not found"},
		{code: "NoSuchKey", want: "not found"},
		{code: "NotFound", want: "not found"},
		{code: "ParameterNotFound", want: "not found"},
		{code: "ResourceNotFoundException", want: "not found"},
		{code: "Gateway.NotAttached", want: "not found"},
		{code: "InvalidInstanceID.Malformed"},
		{code: "404"},
		{code: "PageNotFound"},

		{code: "DependencyViolation", want: "in use"},
		{code: "VolumeInUse", want: "in use"},
		{code: "DeleteConflict", want: "in use"},
		{code: "BucketNotEmpty", want: "in use"},
		{code: "ResourceInUse", want: "in use"},

		{code: "InvalidGroup.Duplicate", want: "already exists"},
		{code: "InvalidPermission.Duplicate", want: "already exists"},
		{code: "InvalidKeyPair.Duplicate", want: "already exists"},
		{code: "EntityAlreadyExists", want: "already exists"},
		{code: "BucketAlreadyOwnedByYou", want: "already exists"},
		{code: "BucketAlreadyExists", want: "taken by others"},

		{code: "InsufficientInstanceCapacity", want: "no capacity"},
		{code: "InsufficientHostCapacity", want: "no capacity"},
		{code: "InsufficientReservedInstanceCapacity", want: "no capacity"},
		{code: "Unsupported", want: "no capacity"},
		{code: "SpotMaxPriceTooLow", want: "no capacity"},
		{code: "MaxSpotInstanceCountExceeded", want: "no capacity"},
		{code: "VcpuLimitExceeded", want: "no capacity"},
		{code: "InstanceLimitExceeded", want: "no capacity"},
		{code: "VolumeLimitExceeded", want: "limit exceeded"},
		{code: "UnsupportedOperation"},

		{code: "RequestLimitExceeded", want: "throttled"},
		{code: "SlowDown", want: "throttled"},
		{code: "ThrottlingException", want: "throttled"},
		{code: "BandwidthLimitExceeded", want: "throttled"},

		{code: "LimitExceeded", want: "limit exceeded"},
		{code: "VpcLimitExceeded", want: "limit exceeded"},
		{code: "SecurityGroupLimitExceeded", want: "limit exceeded"},
		{code: "ServiceQuotaExceededException", want: "limit exceeded"},

		{code: "UnauthorizedOperation", want: "denied"},
		{code: "AccessDenied", want: "denied"},
		{code: "AccessDeniedException", want: "denied"},
		{code: "Forbidden", want: "denied"},

		{code: "AuthFailure", want: "bad credentials"},
		{code: "InvalidClientTokenId", want: "bad credentials"},
		{code: "ExpiredToken", want: "bad credentials"},
		{code: "ExpiredTokenException", want: "bad credentials"},
		{code: "RequestExpired", want: "bad credentials"},
		{code: "SignatureDoesNotMatch", want: "bad credentials"},
		{code: "UnrecognizedClientException", want: "bad credentials"},
		{code: "InvalidAccessKeyId", want: "bad credentials"},

		{
			code:    "InvalidParameterValue",
			message: "Value (spawn-abc) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
			want:    "profile not ready",
		},
		{code: "InvalidParameterValue", message: "Invalid IAM Instance Profile ARN", want: "profile not ready"},
		{code: "InvalidParameterValue", message: "Value (x) for parameter groupId is invalid"},
		{code: "AccessDenied", message: "Invalid IAM Instance Profile", want: "denied"},

		{
			code:    "ValidationException",
			message: "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
			want:    "role not ready",
		},
		{code: "ValidationException", message: "Invalid Schedule Expression rate(x)."},
		{code: "AccessDenied", message: "may not assume the role", want: "denied"},
		{code: "DryRunOperation", want: "dry run ok"},
		{code: "IdempotentParameterMismatch", want: "idempotency mismatch"},
		{code: "IdempotentInstanceTerminated", want: "idempotent ended"},
		{code: "InternalError", want: "outcome unknown"},
		{code: "ServiceUnavailable", want: "outcome unknown"},
		{code: "SomethingNew"},
	}
	for _, tt := range tests {
		t.Run(tt.code+" "+tt.message, func(t *testing.T) {
			bare := api(tt.code, tt.message)
			wrapped := fmt.Errorf("create it: %w", &smithy.OperationError{ServiceID: "EC2", OperationName: "Create", Err: bare})
			for name, ask := range questions() {
				want := name == tt.want
				if got := ask(bare); got != want {
					t.Errorf("%q of the bare error: %v, want %v", name, got, want)
				}
				if got := ask(wrapped); got != want {
					t.Errorf("%q of the wrapped error: %v, want %v", name, got, want)
				}
			}
			if got := awserr.Code(wrapped); got != tt.code {
				t.Errorf("Code is %q", got)
			}
			if got := awserr.Message(wrapped); got != tt.message {
				t.Errorf("Message is %q", got)
			}
		})
	}
}

func TestErrorsThatNoServiceReturned(t *testing.T) {
	for _, err := range []error{nil, errors.New("NoSuchEntity: AccessDenied"), context.Canceled, &smithy.CanceledError{Err: context.Canceled}} {
		for name, ask := range questions() {
			want := name == "outcome unknown" && err != nil
			if got := ask(err); got != want {
				t.Errorf("%q of %v: %v, want %v", name, err, got, want)
			}
		}
		if awserr.Code(err) != "" || awserr.Message(err) != "" {
			t.Errorf("code %q and message %q of %v", awserr.Code(err), awserr.Message(err), err)
		}
	}
}

func TestIgnoreNotFound(t *testing.T) {
	denied := api("AccessDenied", "no")
	if err := awserr.IgnoreNotFound(fmt.Errorf("delete: %w", api("InvalidGroup.NotFound", ""))); err != nil {
		t.Errorf("not found became %v", err)
	}
	if err := awserr.IgnoreNotFound(denied); !errors.Is(err, denied) {
		t.Errorf("denied became %v", err)
	}
	if err := awserr.IgnoreNotFound(nil); err != nil {
		t.Errorf("nil became %v", err)
	}
}

func TestNoCapacityReason(t *testing.T) {
	for code, want := range map[string]bool{
		"Server.InsufficientInstanceCapacity": true,
		"Client.VcpuLimitExceeded":            true,
		"Client.UserInitiatedShutdown":        false,
		"Client.VolumeLimitExceeded":          false,
		"Server.":                             false,
		"":                                    false,
	} {
		if got := awserr.IsNoCapacityReason(code); got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}
