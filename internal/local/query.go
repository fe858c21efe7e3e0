package local

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/tape"
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
	if e.cloud.tape.Ask(tape.Before, e.record) == tape.HangUp {
		return nil, nil
	}
	out, err := operation.Run(e.cloud.store, caller, form)
	if e.cloud.tape.Ask(tape.Effect, e.record) == tape.HangUp {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := e.protocol.Answer(operation.Name, e.record.RequestID, out)
	if err != nil {
		return nil, err
	}
	return xmlReply(http.StatusOK, text), nil
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
	var all []call.Operation
	switch e.record.Service {
	case "ec2":
		all = e.cloud.ec2.Operations()
	case "iam":
		all = e.cloud.iam.Operations()
	case "sts":
		all = e.cloud.sts.Operations()
	}
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
