package local

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// operations are the actions of a service that has handlers for them; S3's
// requests name none.
func (c *Cloud) operations(service string) []call.Operation {
	switch service {
	case "ec2":
		return c.ec2.Operations()
	case "iam":
		return c.iam.Operations()
	case "sts":
		return c.sts.Operations()
	case "ssm":
		return c.ssm.Operations()
	case "scheduler":
		return c.scheduler.Operations()
	case "pricing":
		return c.pricing.Operations()
	case "servicequotas":
		return c.quotas.Operations()
	}
	return nil
}

// operation is the action of a service with a name.
func (c *Cloud) operation(service, name string) (call.Operation, bool) {
	all := c.operations(service)
	i := slices.IndexFunc(all, func(o call.Operation) bool { return o.Name == name })
	if i < 0 {
		return call.Operation{}, false
	}
	return all[i], true
}

// serveJSON does an action of a service that names it in a header.
func (e *exchange) serveJSON(caller *call.Caller) (*reply, error) {
	body, err := io.ReadAll(e.r.Body)
	if err != nil {
		return nil, fmt.Errorf("read a document again: %w", err)
	}
	target := e.r.Header.Get("X-Amz-Target")
	name, ours := strings.CutPrefix(target, e.protocol.Target+".")
	operation, found := e.cloud.operation(e.record.Service, name)
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
	for _, operation := range e.cloud.operations(e.record.Service) {
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
