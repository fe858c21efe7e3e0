package front

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// exchange is one request to a service, on its way through authentication,
// the hooks of the tape, the operation and the answer.
type exchange struct {
	front    *Front
	w        http.ResponseWriter
	r        *http.Request
	service  Service
	protocol wire.Protocol // the service's, or a guess when there is none
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

// answer answers a request to any of the services. The signature says which.
func (f *Front) answer(w http.ResponseWriter, r *http.Request) {
	e := &exchange{
		front: f, w: w, r: r, began: time.Now(),
		record: &tape.Call{Time: f.Clock.Now(), RequestID: call.NewRequestID()},
	}
	f.Tape.Begin(e.record)
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
	f.Tape.Ask(tape.After, e.record)
}

// finish puts the call on the tape. It comes before the answer is sent: who
// has the answer finds the call on the tape.
func (e *exchange) finish() {
	e.record.Duration = time.Since(e.began)
	e.front.Tape.End(e.record)
}

// serve does the request; a reply of nil without an error is a hang-up.
func (e *exchange) serve() (*reply, error) {
	scope, err := auth.ReadScope(e.r)
	if err != nil {
		e.protocol = e.guessProtocol()
		return nil, err
	}
	e.record.Service, e.record.Region = scope.Service, scope.Region
	service, known := e.front.services[scope.Service]
	if !known {
		e.protocol = e.guessProtocol()
		return nil, wire.Statusf(http.StatusNotImplemented, "NotImplemented", "This cloud has no service %s", scope.Service)
	}
	e.service, e.protocol = service, service.Protocol
	caller, err := e.authenticate(scope)
	if err != nil {
		return nil, err
	}
	return e.dispatch(caller, scope)
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

func textReply(status int, p wire.Protocol, text []byte) *reply {
	return &reply{
		status: status, header: http.Header{"Content-Type": {p.ContentType()}},
		length: int64(len(text)), body: io.NopCloser(bytes.NewReader(text)),
	}
}

// send writes the answer, which is on its way when send returns: a hook that
// comes after it may take its time. A failure to write means that the caller is
// gone.
func (e *exchange) send(a *reply) {
	defer func() { _ = http.NewResponseController(e.w).Flush() }()
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
		e.front.Log.Error("a fault of the local cloud", "service", e.record.Service, "action", e.record.Action, "error", err)
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
