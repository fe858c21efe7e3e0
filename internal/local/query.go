package local

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// serveQuery does an action of a Query service.
func (e *exchange) serveQuery(caller *call.Caller) (*reply, error) {
	form, err := e.readForm()
	if err != nil {
		return nil, err
	}
	e.record.Action = form.Get("Action")
	operation, err := e.find(form)
	if err != nil {
		return nil, err
	}
	return e.perform(caller, operation, call.Form(form))
}

// perform does an operation and writes its answer as the protocol has it.
func (e *exchange) perform(caller *call.Caller, operation call.Operation, input call.Input) (*reply, error) {
	return e.attempt(func() (*reply, error) {
		out, err := operation.Run(e.cloud.store, caller, input)
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

func (e *exchange) find(form url.Values) (call.Operation, error) {
	all := e.cloud.operations(e.record.Service)
	action := form.Get("Action")
	if action == "" {
		return call.Operation{}, wire.Errorf("MissingAction", "The request is missing an action or a required parameter.")
	}
	i := slices.IndexFunc(all, func(o call.Operation) bool { return o.Name == action })
	if i < 0 || form.Get("Version") != e.protocol.Version {
		return call.Operation{}, e.protocol.NoSuchAction(action)
	}
	return all[i], nil
}
