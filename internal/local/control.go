package local

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/front"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/tape"
)

// Handler serves the cloud to its owner: the services and, under
// control.Prefix, the control interface.
func (c *Cloud) Handler() http.Handler {
	controlled := front.Guard(c.control)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, control.Prefix) {
			controlled.ServeHTTP(w, r)
			return
		}
		c.front.ServeHTTP(w, r)
	})
}

// Faults are the rules by which the cloud makes trouble for its callers.
func (c *Cloud) Faults() *fault.Set { return c.faults }

// Inflict does something to a machine.
func (c *Cloud) Inflict(e fault.Event) error { return c.ec2.Inflict(e) }

// remote is the cloud as its control interface sees it.
type remote struct{ cloud *Cloud }

var _ control.Cloud = remote{}

// Status implements control.Cloud.
func (r remote) Status() control.Status {
	c := r.cloud
	s := control.Status{
		Runtime: c.options.Runtime.Name(), Account: c.options.Account, Started: c.started, Uptime: time.Since(c.started),
		Now: c.Clock().Now(), Offset: c.Clock().Offset(), Instances: map[string]int{}, Calls: c.tape.Count(),
	}
	for state, n := range c.ec2.Count() {
		s.Instances[string(state)] = n
	}
	return s
}

// Advance implements control.Cloud.
func (r remote) Advance(d time.Duration) error {
	defer r.cloud.store.Touch() // cloud time is kept as well
	return r.cloud.Clock().Advance(d)
}

// Calls implements control.Cloud.
func (r remote) Calls(since uint64) []tape.Call { return r.cloud.tape.Calls(since) }

// Faults implements control.Cloud.
func (r remote) Faults() *fault.Set { return r.cloud.faults }

// Inflict implements control.Cloud.
func (r remote) Inflict(e fault.Event) error { return r.cloud.Inflict(e) }

// Exec implements control.Cloud.
func (r remote) Exec(ctx context.Context, instanceID string, cmd runtime.Command) (int, error) {
	return r.cloud.ec2.Exec(ctx, instanceID, cmd)
}

// Shutdown implements control.Cloud.
func (r remote) Shutdown() { r.cloud.shutdownOnce.Do(func() { close(r.cloud.shutdown) }) }
