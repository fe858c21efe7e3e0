package awsx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/awserr"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// Explain turns what a service or the way to it said into cause and next step.
// An error that already is a *problem.Error keeps its kind and step; what is no
// service's error is returned as it is. No raw SDK text reaches a person.
func Explain(err error) error {
	var call *smithy.OperationError
	if err == nil || !errors.As(err, &call) || errors.Is(err, context.Canceled) {
		return err
	}
	text := err.Error()
	for _, c := range calls(err) {
		text = strings.Replace(text, c.Error(), inWords(c), 1)
	}
	kind, next := judge(err, call)
	var already *problem.Error
	if errors.As(err, &already) {
		if already.Kind != problem.Failed { // which says no more than that it failed
			kind = already.Kind
		}
		if already.Next != "" {
			next = already.Next
		}
	}
	return &problem.Error{Kind: kind, Err: explained{text, err}, Next: next}
}

// calls are all the service calls that an error tells of: several may have been
// joined.
func calls(err error) []*smithy.OperationError {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case *smithy.OperationError:
		return []*smithy.OperationError{e}
	case interface{ Unwrap() []error }:
		var all []*smithy.OperationError
		for _, inner := range e.Unwrap() {
			all = append(all, calls(inner)...)
		}
		return all
	case interface{ Unwrap() error }:
		return calls(e.Unwrap())
	}
	return nil
}

// explained shows a person's words and keeps the error for whoever asks it.
type explained struct {
	text string
	err  error
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.err }

// encoded begins the part of EC2's refusals that is for machines: hundreds of
// letters that only sts:DecodeAuthorizationMessage reads.
const encoded = " Encoded authorization failure message: "

// refused is the permission that a refusal names.
var refused = regexp.MustCompile(`not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)`)

// inWords says what was asked of which service, and what it answered.
func inWords(call *smithy.OperationError) string {
	asked := call.Service() + " " + call.Operation()
	if code := awserr.Code(call); code != "" {
		said, _, _ := strings.Cut(awserr.Message(call), encoded)
		return fmt.Sprintf("%s was refused: %s (%s)", asked, strings.TrimSuffix(said, "."), code)
	}
	var unreachable net.Error
	if errors.As(call, &unreachable) {
		return fmt.Sprintf("%s got no answer: %s", asked, innermost(unreachable))
	}
	return fmt.Sprintf("%s failed: %s", asked, innermost(call))
}

// innermost is the text of the last error in a chain: the SDK's own layers say
// nothing that a person can use.
func innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

func judge(err error, call *smithy.OperationError) (problem.Kind, string) {
	var unreachable net.Error
	switch {
	case awserr.IsBadCredentials(err):
		return problem.Denied, "sign in again (aws sso login, or aws configure), or try without an account: --local"
	case awserr.IsDenied(err):
		return problem.Denied, "ask for the permission " + permission(call)
	case awserr.IsNoCapacity(err):
		return problem.NoCapacity, "try another zone, region or type; truffle finds candidates"
	case awserr.IsThrottled(err):
		return problem.Failed, "AWS asked to slow down; try again in a minute"
	case awserr.Code(call) != "" && awserr.IsOutcomeUnknown(call): // it said that it failed
		return problem.Failed, "AWS failed on its side; try again in a minute"
	case isDistrust(err):
		return problem.Failed, "where a company's proxy opens TLS, name its certificates: AWS_CA_BUNDLE=/path/to/bundle.pem"
	case errors.As(err, &unreachable):
		return problem.Failed, "check the network, and AWS_ENDPOINT_URL if it is set"
	default:
		return problem.Failed, ""
	}
}

// permission is the IAM action that a refusal names, which need not be the one
// called for: EC2 reads parameters and passes roles in the caller's name. Where
// it names none it is the call's own. The names of services have spaces in the
// SDK and none in IAM: Service Quotas is servicequotas.
func permission(call *smithy.OperationError) string {
	if named := refused.FindStringSubmatch(awserr.Message(call)); named != nil {
		return named[1]
	}
	return strings.ReplaceAll(strings.ToLower(call.Service()), " ", "") + ":" + call.Operation()
}

// capacityIsFinal exempts a lack of capacity from being retried.
func capacityIsFinal(err error) aws.Ternary {
	if awserr.IsNoCapacity(err) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// noCredentials names the ways to get going. The reason that the SDK gives is
// shown only for a profile that was asked for: otherwise it is the last of many
// places that were tried in vain.
func noCredentials(err error, profile string) error {
	cause, login := "no AWS credentials were found", "aws sso login"
	if profile != "" {
		cause = fmt.Sprintf("the AWS profile %s has no usable credentials: %s", profile, innermost(err))
		login += " --profile " + profile
	}
	return &problem.Error{
		Kind: problem.Denied,
		Err:  explained{cause, err},
		Next: "sign in with " + login + " or aws configure, name a profile with --profile or AWS_PROFILE, or try without an account: --local",
	}
}

// distrustIsFinal exempts a certificate that is not trusted from being retried.
func distrustIsFinal(err error) aws.Ternary {
	if isDistrust(err) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

func isDistrust(err error) bool {
	var distrusted *tls.CertificateVerificationError
	return errors.As(err, &distrusted)
}
