package front

import (
	"net/http"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// refusal words a failed authentication; each service has its own codes.
//
// EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
// IAM and STS: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
// JSON services: https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
// S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (e *exchange) refusal(f *auth.Error) *wire.Error {
	switch e.protocol {
	case wire.EC2():
		return refuseEC2(f)
	case wire.S3():
		return refuseS3(f)
	}
	if e.protocol.IsJSON() {
		return refuseJSON(f)
	}
	return refuseQuery(f)
}

// refuseEC2 says the same of a wrong secret, a wrong key and a wrong clock, as
// EC2 does: that a clock is wrong, clients tell from the Date header.
func refuseEC2(f *auth.Error) *wire.Error {
	switch f.Reason {
	case auth.Missing:
		return wire.Statusf(http.StatusForbidden, "MissingAuthenticationToken", "%s", f.Message)
	case auth.Expired:
		return wire.Errorf("RequestExpired", "Request has expired.")
	}
	return wire.Statusf(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
}

func refuseQuery(f *auth.Error) *wire.Error {
	switch f.Reason {
	case auth.Missing:
		return wire.Statusf(http.StatusForbidden, "MissingAuthenticationToken", "%s", f.Message)
	case auth.Malformed:
		return wire.Errorf("IncompleteSignature", "%s", f.Message)
	case auth.UnknownKey, auth.BadToken:
		return wire.Statusf(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case auth.Expired:
		return wire.Statusf(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return wire.Statusf(http.StatusForbidden, "SignatureDoesNotMatch", "%s", f.Message)
}

// refuseJSON words it as the services do that answer in JSON.
func refuseJSON(f *auth.Error) *wire.Error {
	switch f.Reason {
	case auth.Missing:
		return wire.Statusf(http.StatusForbidden, "MissingAuthenticationTokenException", "%s", f.Message)
	case auth.Malformed:
		return wire.Statusf(http.StatusForbidden, "IncompleteSignatureException", "%s", f.Message)
	case auth.UnknownKey, auth.BadToken:
		return wire.Statusf(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	case auth.Expired:
		return wire.Statusf(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired")
	}
	return wire.Statusf(http.StatusForbidden, "InvalidSignatureException", "%s", f.Message)
}

func refuseS3(f *auth.Error) *wire.Error {
	switch f.Reason {
	case auth.Missing: // nobody's request, and no bucket here is public
		return wire.Statusf(http.StatusForbidden, "AccessDenied", "Access Denied")
	case auth.Malformed:
		return wire.Errorf("AuthorizationHeaderMalformed", "The authorization header is malformed; %s", f.Message)
	case auth.UnknownKey:
		return wire.Statusf(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	case auth.BadToken:
		return wire.Errorf("InvalidToken", "The provided token is malformed or otherwise invalid.")
	case auth.Expired:
		if f.Presigned {
			return wire.Statusf(http.StatusForbidden, "AccessDenied", "Request has expired")
		}
		return wire.Errorf("ExpiredToken", "The provided token has expired.")
	case auth.Skewed:
		return wire.Statusf(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large.")
	}
	return wire.Statusf(http.StatusForbidden, "SignatureDoesNotMatch", "%s", f.Message)
}
