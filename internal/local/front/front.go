// Package front is the local cloud's door: requests come in over HTTP, are
// guarded and authenticated, find their operation, meet the hooks of the tape
// and the faults, and are answered in the protocol of their service.
//
// It knows protocols and no service's rules: what an operation does is the
// service's.
package front

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/s3"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// Service is a service behind the front.
type Service struct {
	Name       string // as signatures name it: ec2
	Protocol   wire.Protocol
	Operations []call.Operation
	Objects    *s3.Service // S3 alone: its requests name no operation
}

func (s Service) operation(name string) (call.Operation, bool) {
	i := slices.IndexFunc(s.Operations, func(o call.Operation) bool { return o.Name == name })
	if i < 0 {
		return call.Operation{}, false
	}
	return s.Operations[i], true
}

// Config is what a front rests on. All of it is required.
type Config struct {
	Store  *store.Store
	Clock  *clock.Clock
	Tape   *tape.Tape
	Faults *fault.Set
	Log    *slog.Logger // told of faults of the cloud itself

	// Identify finds the owner of an access key and its secret.
	Identify func(tx *store.Tx, accessKeyID string) (auth.Secret, call.Principal, bool)
	// KnownRegion tells whether there is such a region.
	KnownRegion func(name string) bool
	// Closing is closed when the cloud ends: nobody waits any longer.
	Closing <-chan struct{}
}

// Front serves the services that were given to it.
type Front struct {
	Config
	services map[string]Service
	handler  http.Handler
}

// New is a front without services.
func New(c Config) *Front {
	f := &Front{Config: c, services: map[string]Service{}}
	f.handler = Guard(http.HandlerFunc(f.answer))
	return f
}

// Serve adds services. It comes before the first request: services and their
// front know each other, so neither can be made with the other.
func (f *Front) Serve(services ...Service) {
	for _, s := range services {
		f.services[s.Name] = s
	}
}

// Operations are the names of a service's operations; none for S3, whose
// requests name none.
func (f *Front) Operations(service string) []string {
	var names []string
	for _, o := range f.services[service].Operations {
		names = append(names, o.Name)
	}
	return names
}

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }
