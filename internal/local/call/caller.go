// Package call is one call to the local cloud, apart from its wire format: who
// makes it, what it may do, and how a service names its operations.
//
// It holds no service and no state.
package call

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/policy"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Principal is whom credentials belong to.
type Principal struct {
	ARN      string // arn:aws:iam::123456789012:user/ann, or of an assumed role's session
	UserID   string // AIDA…, or AROA…:i-… for a session
	Account  string
	Context  policy.Context     // what conditions see of the principal
	Policies []*policy.Document // all that say what it may do
}

// Caller is a principal in the course of one call.
type Caller struct {
	Principal
	Region    string
	RequestID string
	Protocol  wire.Protocol
	Record    *tape.Call // where the permissions that are checked are noted
}

// Require checks that the caller may perform an action, such as
// ec2:RunInstances, on a resource, with the condition keys that come with both.
// The error is the service's own.
func (c *Caller) Require(action, resource string, keys policy.Context) error {
	decision := c.decide(action, resource, keys)
	if decision == policy.Allow {
		return nil
	}
	why := "because no identity-based policy allows the " + action + " action"
	if decision == policy.ExplicitDeny {
		why = "with an explicit deny in an identity-based policy"
	}
	return c.denied(fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", c.ARN, action, resource, why))
}

// May is Require for a caller that gets another answer instead of an error.
func (c *Caller) May(action, resource string, keys policy.Context) bool {
	return c.decide(action, resource, keys) == policy.Allow
}

func (c *Caller) decide(action, resource string, keys policy.Context) policy.Decision {
	context := c.Context.Merge(keys)
	context.Set("aws:RequestedRegion", c.Region)
	d := policy.Evaluate(c.Policies, policy.Request{Action: action, Resource: resource, Context: context})
	c.Record.Needs = append(c.Record.Needs, tape.Need{Action: action, Resource: resource, Context: context, Granted: d == policy.Allow})
	return d
}

// denied words a refusal. EC2 has a code of its own and adds a message that
// only sts:DecodeAuthorizationMessage reads; ours is opaque as well.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (c *Caller) denied(detail string) *wire.Error {
	if c.Protocol.IsJSON() {
		// https://docs.aws.amazon.com/scheduler/latest/APIReference/CommonErrors.html
		return wire.Statusf(http.StatusForbidden, "AccessDeniedException", "%s", detail)
	}
	if c.Protocol != wire.EC2() {
		return wire.Statusf(http.StatusForbidden, "AccessDenied", "%s", detail)
	}
	return wire.Statusf(http.StatusForbidden, "UnauthorizedOperation",
		"You are not authorized to perform this operation. %s. Encoded authorization failure message: %s",
		detail, base64.RawURLEncoding.EncodeToString([]byte(detail)))
}

// NewID makes an identifier as EC2 does: a prefix, a hyphen and 17 hexadecimal
// digits of which the first is 0.
func NewID(prefix string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	return prefix + "-0" + hex.EncodeToString(b[:])
}

// NewUnique makes a unique identifier as IAM does: a prefix of four letters
// that tells the kind, and 17 more characters.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func NewUnique(prefix string) string {
	return prefix + randomText(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}

// NewAccessKeyID makes the id of an access key: AKIA for long-term ones, ASIA
// for temporary ones.
func NewAccessKeyID(prefix string) string {
	return prefix + randomText(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}

// NewSecret makes a secret access key.
func NewSecret() string {
	return randomText(40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}

// NewRequestID makes the identifier of a request, in the form of a UUID.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// randomText draws n characters, each of 32 or 64 with equal chance.
func randomText(n int, alphabet string) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // documented never to fail
	var s strings.Builder
	for _, x := range b {
		s.WriteByte(alphabet[int(x)%len(alphabet)])
	}
	return s.String()
}
