package front

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/s3"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// dispatch finds the operation that a request names, each protocol in its own
// way, and performs it.
func (e *exchange) dispatch(caller *call.Caller, scope auth.Scope) (*reply, error) {
	switch {
	case e.service.Objects != nil:
		return e.serveS3(caller, scope)
	case e.protocol == wire.REST():
		return e.serveREST(caller)
	case e.protocol.IsJSON():
		return e.serveJSON(caller)
	default:
		return e.serveQuery(caller)
	}
}

// serveQuery does an action of a Query service.
func (e *exchange) serveQuery(caller *call.Caller) (*reply, error) {
	form, err := e.readForm()
	if err != nil {
		return nil, err
	}
	action := form.Get("Action")
	e.record.Action = action
	if action == "" {
		return nil, wire.Errorf("MissingAction", "The request is missing an action or a required parameter.")
	}
	operation, found := e.service.operation(action)
	if !found || form.Get("Version") != e.protocol.Version {
		return nil, e.protocol.NoSuchAction(action)
	}
	return e.perform(caller, operation, call.Form(form))
}

// perform does an operation and writes its answer as the protocol has it.
func (e *exchange) perform(caller *call.Caller, operation call.Operation, input call.Input) (*reply, error) {
	return e.attempt(func() (*reply, error) {
		out, err := operation.Run(e.front.Store, caller, input)
		if err != nil {
			return nil, err
		}
		text, err := e.protocol.Answer(operation.Name, e.record.RequestID, out)
		if err != nil {
			return nil, err
		}
		return textReply(http.StatusOK, e.protocol, text), nil
	})
}

func (e *exchange) readForm() (url.Values, error) {
	body, err := io.ReadAll(e.r.Body)
	if err != nil {
		return nil, fmt.Errorf("read a form again: %w", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, wire.Errorf("MalformedQueryString", "The query string contains a syntax error")
	}
	for name, values := range e.r.URL.Query() {
		if !strings.HasPrefix(name, "X-Amz-") { // those are the signature's
			form[name] = append(form[name], values...)
		}
	}
	return form, nil
}

// serveJSON does an action of a service that names it in a header.
func (e *exchange) serveJSON(caller *call.Caller) (*reply, error) {
	body, err := io.ReadAll(e.r.Body)
	if err != nil {
		return nil, fmt.Errorf("read a document again: %w", err)
	}
	target := e.r.Header.Get("X-Amz-Target")
	name, ours := strings.CutPrefix(target, e.protocol.Target+".")
	operation, found := e.service.operation(name)
	if !ours || !found {
		return nil, e.protocol.NoSuchAction(target)
	}
	e.record.Action = name
	return e.perform(caller, operation, func(into any) error { return wire.DecodeJSON(body, into) })
}

// serveREST does an action of a service that names it by method and path.
func (e *exchange) serveREST(caller *call.Caller) (*reply, error) {
	body, err := io.ReadAll(e.r.Body)
	if err != nil {
		return nil, fmt.Errorf("read a document again: %w", err)
	}
	for _, operation := range e.service.Operations {
		path, here := operation.Route.Match(e.r.Method, e.r.URL.EscapedPath())
		if !here {
			continue
		}
		e.record.Action = operation.Name
		return e.perform(caller, operation, func(into any) error {
			return wire.DecodeREST(path, e.r.URL.Query(), body, into)
		})
	}
	return nil, e.protocol.NoSuchAction(e.r.Method + " " + e.r.URL.Path)
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
		out, err := e.service.Objects.Do(caller, s3.Request{
			HTTP: e.r, Bucket: bucket, Key: key, Body: e.r.Body,
			Chunked: scope.PayloadHash == auth.UnsignedTrailer,
		})
		if err != nil {
			return nil, err
		}
		return &reply{status: out.Status, header: out.Header, length: out.Length, body: out.Body}, nil
	})
}
