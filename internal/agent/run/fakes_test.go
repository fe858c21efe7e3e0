package run

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// world is all that an agent can see and do, with what it did.
type world struct {
	mu       sync.Mutex
	tags     map[string]string
	torn     map[string]string // what one more reader sees while the tags change
	id       string
	silent   bool  // the metadata service does not answer
	refuse   error // what EC2 says to TerminateInstances
	untold   error // what EC2 says to CreateTags
	hangs    bool  // terminals hang
	stuck    int   // how often turning the power off fails
	skew     time.Duration
	notified []string

	terminated []time.Time
	off        []time.Time
	told       []lifecycle.Status
	warned     []time.Time
	calledOff  []time.Time
}

func newWorld() *world { return &world{id: "i-0abc", tags: map[string]string{}} }

// set changes the world while an agent lives in it.
func (w *world) set(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

func (w *world) Identity(ctx context.Context) (sense.Identity, error) {
	if err := w.answer(ctx); err != nil {
		return sense.Identity{}, err
	}
	return sense.Identity{InstanceID: w.id, Region: "us-east-1", Partition: "aws"}, nil
}

func (w *world) Tags(ctx context.Context) (map[string]string, error) {
	if err := w.answer(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if torn := w.torn; torn != nil {
		w.torn = nil
		return torn, nil
	}
	return maps.Clone(w.tags), nil
}

// answer hangs until ctx ends if the service is silent.
func (w *world) answer(ctx context.Context) error {
	w.mu.Lock()
	silent := w.silent
	w.mu.Unlock()
	if silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (w *world) Terminate(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return w.refuse
	}
	w.terminated = append(w.terminated, time.Now())
	return nil
}

func (w *world) Tell(_ context.Context, s lifecycle.Status) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.untold != nil {
		return w.untold
	}
	w.told = append(w.told, s)
	return nil
}

func (w *world) Warn(ctx context.Context, _ string) error {
	w.mu.Lock()
	w.warned = append(w.warned, time.Now())
	hangs := w.hangs
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (w *world) CallOff(context.Context, string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calledOff = append(w.calledOff, time.Now())
	return nil
}

func (w *world) PowerOff(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck > 0 {
		w.stuck--
		return errors.New("stuck")
	}
	w.off = append(w.off, time.Now())
	return nil
}

func (w *world) notify(state string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notified = append(w.notified, state)
	return nil
}

func (w *world) options() Options {
	return Options{
		Log: slog.New(slog.DiscardHandler), Version: "test", Now: w.now,
		Metadata: w, Cloud: func(sense.Identity) Cloud { return w }, Warner: w,
		PowerOff: w.PowerOff, Notify: w.notify,
	}
}

// run runs an agent until it ends by itself or the test does.
func run(t *testing.T, o Options) (done chan error, stop context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done = make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	return done, cancel
}
