// Package auth verifies AWS Signature Version 4: who signed a request, and
// that nobody changed it since. It covers requests signed in their headers and
// presigned URLs.
//
// It decides who is asking and never what they may do. It knows no service's
// error codes; an Error says what was wrong, and each service words it.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"

	// MaxSkew is how far a request's date may be from the cloud's time.
	MaxSkew = 15 * time.Minute

	// maxPresigned is the longest life of a presigned URL.
	maxPresigned = 7 * 24 * time.Hour

	// UnsignedPayload stands for the body's hash where the signature does not
	// cover the body.
	UnsignedPayload = "UNSIGNED-PAYLOAD"
	// UnsignedTrailer is the same for a body in chunks with a checksum behind it.
	UnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// Reason is why a request was refused.
type Reason int

// The reasons.
const (
	Missing    Reason = iota + 1 // not signed at all
	Malformed                    // signed in a form that cannot be read
	UnknownKey                   // no such access key
	BadToken                     // the session token is not this key's
	Expired                      // the session or the presigned URL has expired
	Skewed                       // its date is too far from the cloud's time
	Mismatch                     // the signature is not what the secret makes
)

// Error is why a request was refused.
type Error struct {
	Reason    Reason
	Message   string
	Presigned bool // it is the URL that has expired, not the session
}

func (f *Error) Error() string { return f.Message }

func fail(r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, Message: fmt.Sprintf(format, args...)}
}

// Scope is what a signature claims, before anything was verified.
type Scope struct {
	AccessKeyID string
	Region      string
	Service     string
	Presigned   bool // by query parameters

	date      string // of the scope: 20261103
	time      time.Time
	expires   time.Duration // presigned only
	headers   []string      // the signed ones, lower case, in order
	signature string
	token     string
	// PayloadHash is the body's SHA-256 in hex as the signature covers it, or
	// one of the words that stand for it. Empty: the caller must hash the body.
	PayloadHash string
}

// Secret is what the cloud knows of an access key.
type Secret struct {
	Key     string    // the secret access key
	Token   string    // the session token of temporary credentials, else empty
	Expires time.Time // of temporary credentials, else zero
}

// ReadScope reads the claim from a request's headers or query. The error is a
// *Error.
func ReadScope(r *http.Request) (Scope, error) {
	q := r.URL.Query()
	if q.Get("X-Amz-Algorithm") != "" || q.Get("X-Amz-Signature") != "" {
		return readQuery(q.Get)
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return Scope{}, fail(Missing, "Request is missing Authentication Token")
	}
	kind, rest, _ := strings.Cut(header, " ")
	if kind != algorithm {
		return Scope{}, fail(Malformed, "Unsupported authorization type %q", kind)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = value
	}
	var s Scope
	if err := s.readCredential(fields["Credential"]); err != nil {
		return Scope{}, err
	}
	s.headers = strings.Split(fields["SignedHeaders"], ";")
	s.signature = fields["Signature"]
	s.token = r.Header.Get("X-Amz-Security-Token")
	s.PayloadHash = r.Header.Get("X-Amz-Content-Sha256")
	return s, s.finish(r.Header.Get("X-Amz-Date"))
}

func readQuery(get func(string) string) (Scope, error) {
	if get("X-Amz-Algorithm") != algorithm {
		return Scope{}, fail(Malformed, "X-Amz-Algorithm only supports %q", algorithm)
	}
	s := Scope{Presigned: true, PayloadHash: UnsignedPayload}
	if err := s.readCredential(get("X-Amz-Credential")); err != nil {
		return Scope{}, err
	}
	seconds, err := strconv.Atoi(get("X-Amz-Expires"))
	s.expires = time.Duration(seconds) * time.Second
	if err != nil || seconds < 0 || seconds > int(maxPresigned/time.Second) {
		return Scope{}, fail(Malformed, "X-Amz-Expires must be a number of seconds up to %d", int(maxPresigned/time.Second))
	}
	s.headers = strings.Split(get("X-Amz-SignedHeaders"), ";")
	s.signature = get("X-Amz-Signature")
	s.token = get("X-Amz-Security-Token")
	return s, s.finish(get("X-Amz-Date"))
}

func (s *Scope) readCredential(text string) error {
	parts := strings.Split(text, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" || slices.Contains(parts, "") {
		return fail(Malformed, "Credential must have the form key/date/region/service/aws4_request, not %q", text)
	}
	s.AccessKeyID, s.date, s.Region, s.Service = parts[0], parts[1], parts[2], parts[3]
	return nil
}

func (s *Scope) finish(date string) error {
	var err error
	if s.time, err = time.Parse(timeFormat, date); err != nil {
		return fail(Malformed, "Date must be in ISO-8601 'basic format'. Got %q", date)
	}
	switch {
	case s.date != s.time.Format("20060102"):
		return fail(Malformed, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	case s.signature == "":
		return fail(Malformed, "Authorization requires a Signature")
	case !slices.Contains(s.headers, "host"):
		return fail(Malformed, "SignedHeaders must include host")
	}
	return nil
}

// Verify checks that the request was signed with the key's secret and not
// changed since, and that it is neither old nor from the future. bodyHash is
// the SHA-256 in hex of the body that came, or what Scope.PayloadHash says if
// the body is checked while it is read. The error is a *Error.
func Verify(r *http.Request, s Scope, secret Secret, bodyHash string, now time.Time) error {
	if err := s.checkTime(secret, now); err != nil {
		return err
	}
	if !hmac.Equal([]byte(s.token), []byte(secret.Token)) {
		return fail(BadToken, "The security token included in the request is invalid")
	}
	if err := s.checkHeaders(r); err != nil {
		return err
	}
	canonical := canonicalRequest(r, s, bodyHash)
	scope := strings.Join([]string{s.date, s.Region, s.Service, "aws4_request"}, "/")
	toSign := strings.Join([]string{algorithm, s.time.Format(timeFormat), scope, hexSHA256(canonical)}, "\n")
	key := []byte("AWS4" + secret.Key)
	for _, part := range []string{s.date, s.Region, s.Service, "aws4_request", toSign} {
		key = hmacSHA256(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(key)), []byte(s.signature)) {
		return fail(Mismatch, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

func (s *Scope) checkTime(secret Secret, now time.Time) error {
	if !secret.Expires.IsZero() && !now.Before(secret.Expires) {
		return fail(Expired, "The security token included in the request is expired")
	}
	if s.Presigned {
		switch {
		case s.time.After(now.Add(MaxSkew)):
			return fail(Skewed, "Request is not yet valid")
		case !now.Before(s.time.Add(s.expires)):
			return &Error{Reason: Expired, Message: "Request has expired", Presigned: true}
		}
		return nil
	}
	if skew := s.time.Sub(now).Abs(); skew > MaxSkew {
		return fail(Skewed, "Signature expired or not yet current: %s is %s from the cloud's time %s",
			s.time.Format(timeFormat), skew, now.Format(timeFormat))
	}
	return nil
}

// checkHeaders holds the caller to signing every header that AWS requires
// signed: host, checked before, and every x-amz-* one that is there.
func (s *Scope) checkHeaders(r *http.Request) error {
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.headers, name) {
			return fail(Mismatch, "There were headers present in the request which were not signed: %s", name)
		}
	}
	return nil
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s)) // a hash never fails to write
	return h.Sum(nil)
}
