package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/ec2"
	"github.com/spawn-ec2/spawn/internal/local/s3"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// maxForm is the largest body of a Query request, in bytes.
const maxForm = 1 << 20

// exchange is one request to a service, on its way through authentication,
// the hooks of the tape, the operation and the answer.
type exchange struct {
	cloud    *Cloud
	w        http.ResponseWriter
	r        *http.Request
	protocol wire.Protocol
	record   *tape.Call
	began    time.Time
}

// reply is what goes back.
type reply struct {
	status int
	header http.Header
	length int64
	body   io.ReadCloser
}

// serveAPI answers a request to any of the services. The signature says which.
func (c *Cloud) serveAPI(w http.ResponseWriter, r *http.Request) {
	e := &exchange{
		cloud: c, w: w, r: r, began: time.Now(),
		record: &tape.Call{Time: c.Clock().Now(), RequestID: call.NewRequestID()},
	}
	c.tape.Begin(e.record)
	w.Header().Set("Date", e.record.Time.Format(http.TimeFormat))
	answer, err := e.serve()
	if err != nil {
		answer = e.failure(err)
	}
	if answer == nil { // a hook wants the caller to hear nothing
		e.finish()
		panic(http.ErrAbortHandler)
	}
	e.record.Status = answer.status
	e.finish()
	e.send(answer)
	c.tape.Ask(tape.After, e.record)
}

// finish puts the call on the tape. It comes before the answer is sent: who
// has the answer finds the call on the tape.
func (e *exchange) finish() {
	e.record.Duration = time.Since(e.began)
	e.cloud.tape.End(e.record)
}

// serve does the request; a reply of nil without an error is a hang-up.
func (e *exchange) serve() (*reply, error) {
	scope, err := auth.ReadScope(e.r)
	if err != nil {
		e.protocol = e.guessProtocol()
		return nil, err
	}
	e.record.Service, e.record.Region = scope.Service, scope.Region
	protocol, known := protocolOf(scope.Service)
	if !known {
		e.protocol = e.guessProtocol()
		return nil, wire.Statusf(http.StatusNotImplemented, "NotImplemented", "This cloud has no service %s", scope.Service)
	}
	e.protocol = protocol
	caller, err := e.authenticate(scope)
	if err != nil {
		return nil, err
	}
	switch {
	case scope.Service == "s3":
		return e.serveS3(caller, scope)
	case scope.Service == "scheduler":
		return e.serveREST(caller)
	case protocol.IsJSON():
		return e.serveJSON(caller)
	}
	return e.serveQuery(caller)
}

func protocolOf(service string) (wire.Protocol, bool) {
	switch service {
	case "ssm":
		return wire.JSON("AmazonSSM"), true
	case "pricing":
		return wire.JSON("AWSPriceListService"), true
	case "servicequotas":
		return wire.JSON("ServiceQuotasV20190624"), true
	case "scheduler":
		return wire.REST(), true
	case "ec2":
		return wire.EC2(), true
	case "iam":
		return wire.IAM(), true
	case "sts":
		return wire.STS(), true
	case "s3":
		return wire.S3(), true
	}
	return wire.Protocol{}, false
}

// guessProtocol is for a request that does not say which service it is for.
func (e *exchange) guessProtocol() wire.Protocol {
	if e.r.Method == http.MethodPost && strings.HasPrefix(e.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return wire.EC2()
	}
	if e.r.Header.Get("X-Amz-Target") != "" {
		return wire.JSON("")
	}
	return wire.S3()
}

// authenticate finds out who signed the request. It leaves a body in e.r that
// has been read and verified, or that verifies itself while S3 reads it.
func (e *exchange) authenticate(scope auth.Scope) (*call.Caller, error) {
	if !ec2.KnownRegion(scope.Region) {
		return nil, &auth.Error{Reason: auth.Malformed, Message: "Credential should be scoped to a valid region"}
	}
	bodyHash, err := e.hashBody(scope)
	if err != nil {
		return nil, err
	}
	c := e.cloud
	caller := &call.Caller{Region: scope.Region, RequestID: e.record.RequestID, Protocol: e.protocol, Record: e.record}
	err = c.store.View(func(tx *store.Tx) error {
		identify := c.iam.Identify
		if strings.HasPrefix(scope.AccessKeyID, "ASIA") {
			identify = c.sts.Identify
		}
		secret, principal, found := identify(tx, scope.AccessKeyID)
		if !found {
			return &auth.Error{Reason: auth.UnknownKey, Message: "The security token included in the request is invalid."}
		}
		caller.Principal = principal
		return auth.Verify(e.r, scope, secret, bodyHash, tx.Now())
	})
	if err != nil {
		return nil, err
	}
	e.record.Principal = caller.ARN
	return caller, nil
}

// hashBody is the body's hash as the signature has it. A form is read whole;
// an object may be large and is hashed as it is read.
func (e *exchange) hashBody(scope auth.Scope) (string, error) {
	if scope.Service == "s3" {
		claimed := scope.PayloadHash
		if claimed == "" {
			return "", wire.Errorf("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
		}
		e.r.Body = http.MaxBytesReader(e.w, e.r.Body, s3.MaxObject+s3.MaxObject/64)
		if len(claimed) == sha256.Size*2 {
			e.r.Body = &verifiedBody{ReadCloser: e.r.Body, hash: sha256.New(), want: claimed}
			return claimed, nil
		}
		if claimed != auth.UnsignedPayload && claimed != auth.UnsignedTrailer {
			return "", wire.Statusf(http.StatusNotImplemented, "NotImplemented", "x-amz-content-sha256: %s is not supported by this cloud", claimed)
		}
		return claimed, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(e.w, e.r.Body, maxForm))
	if err != nil {
		return "", wire.Statusf(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is larger than %d bytes", maxForm)
	}
	e.r.Body = io.NopCloser(bytes.NewReader(body))
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}

// verifiedBody fails at its end if it is not what was signed.
type verifiedBody struct {
	io.ReadCloser
	hash hash.Hash
	want string
}

// Read implements io.Reader.
func (b *verifiedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n]) // a hash never fails to write
	if errors.Is(err, io.EOF) && hex.EncodeToString(b.hash.Sum(nil)) != b.want {
		return n, wire.Errorf("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return n, err
}

// serveS3 does an action of S3.
func (e *exchange) serveS3(caller *call.Caller, scope auth.Scope) (*reply, error) {
	bucket, key := locate(e.r)
	action, err := s3.Action(e.r, bucket, key)
	if err != nil {
		return nil, err
	}
	e.record.Action = action
	return e.attempt(func() (*reply, error) {
		out, err := e.cloud.s3.Do(caller, s3.Request{
			HTTP: e.r, Bucket: bucket, Key: key, Body: e.r.Body,
			Chunked: scope.PayloadHash == auth.UnsignedTrailer,
		})
		if err != nil {
			return nil, err
		}
		return &reply{status: out.Status, header: out.Header, length: out.Length, body: out.Body}, nil
	})
}

func textReply(status int, p wire.Protocol, text []byte) *reply {
	return &reply{
		status: status, header: http.Header{"Content-Type": {p.ContentType()}},
		length: int64(len(text)), body: io.NopCloser(bytes.NewReader(text)),
	}
}

// failure words an error as the service does. What is no answer of a service is
// a fault of this cloud, and is logged.
func (e *exchange) failure(err error) *reply {
	var answer *wire.Error
	var refused *auth.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &answer):
	case errors.As(err, &refused):
		answer = e.refusal(refused)
	case errors.As(err, &tooLarge):
		answer = wire.Errorf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	case e.r.Context().Err() != nil: // the caller went away in the middle of a body
		answer = wire.Errorf("RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period.")
	default:
		e.cloud.options.Log.Error("a fault of the local cloud", "service", e.record.Service, "action", e.record.Action, "error", err)
		answer = wire.Statusf(http.StatusInternalServerError, "InternalError", "This is a fault of the local cloud: %v", err)
	}
	e.record.Error = answer.Code
	out := textReply(answer.Status, e.protocol, e.protocol.Failure(answer, e.record.RequestID, e.r.URL.Path))
	if answer.Region != "" {
		out.header.Set("X-Amz-Bucket-Region", answer.Region)
	}
	if e.protocol.IsJSON() {
		out.header.Set("X-Amzn-Errortype", answer.Code)
	}
	return out
}

// send writes the answer. A failure to write means that the caller is gone.
func (e *exchange) send(a *reply) {
	h := e.w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("X-Amzn-Requestid", e.record.RequestID)
	if e.record.Service == "s3" {
		h.Set("X-Amz-Request-Id", e.record.RequestID)
		h.Set("X-Amz-Id-2", "local")
		h.Set("Server", "AmazonS3")
	}
	if a.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.FormatInt(a.length, 10))
	}
	e.w.WriteHeader(a.status)
	if a.body == nil {
		return
	}
	defer a.body.Close()
	if e.r.Method != http.MethodHead {
		_, _ = io.Copy(e.w, a.body)
	}
}
