package run

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/act"
	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// world is all that an agent can see and do, with what it did.
type world struct {
	mu       sync.Mutex
	tags     map[string]string
	torn     map[string]string // what one more reader sees while the tags change
	id       string
	onDemand bool  // how it was bought
	silent   bool  // the metadata service does not answer
	refuse   error // what EC2 says to TerminateInstances
	untold   error // what EC2 says to CreateTags
	hangs    bool  // terminals hang
	stuck    int   // how often turning the power off fails
	skew     time.Duration
	notified []string

	sensors     func(context.Context, time.Time) []core.Signal
	notices     []core.Notice
	noNotices   error
	hooksTake   time.Duration
	unrest      error // what EC2 says to StopInstances
	uncancelled error // what EC2 says to CancelSpotInstanceRequests

	terminated []time.Time
	off        []time.Time
	told       []lifecycle.Status
	warned     []time.Time
	calledOff  []time.Time
	texts      []string
	rested     []rest
	cancelled  []string
	hooked     []hooked
}

// rest is a call to stop or hibernate; hooked one of the hooks.
type rest struct {
	how string
	at  time.Time
}

type hooked struct {
	act.Ending
	at time.Time
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
	return sense.Identity{InstanceID: w.id, Region: "us-east-1", Partition: "aws", OnDemand: w.onDemand}, nil
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

func (w *world) Stop(context.Context) error      { return w.rest("stop") }
func (w *world) Hibernate(context.Context) error { return w.rest("hibernate") }

func (w *world) rest(how string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rested = append(w.rested, rest{how, time.Now()})
	return w.unrest
}

func (w *world) CancelSpot(_ context.Context, request string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancelled = append(w.cancelled, request)
	return w.uncancelled
}

// Sense is a quiet machine, unless the test says otherwise.
func (w *world) Sense(ctx context.Context, now time.Time, _ lifecycle.IdlePolicy) []core.Signal {
	w.mu.Lock()
	sensors := w.sensors
	w.mu.Unlock()
	if sensors == nil {
		return []core.Signal{{Name: "cpu", Detail: "CPU 1 % of 2 processors over 5m (idle below 5 %)"}}
	}
	return sensors(ctx, now)
}

func (w *world) Read(context.Context) ([]core.Notice, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notices, w.noNotices
}

// Run is a hook that takes a while.
func (w *world) Run(ctx context.Context, e act.Ending) error {
	w.mu.Lock()
	w.hooked = append(w.hooked, hooked{e, time.Now()})
	takes := w.hooksTake
	w.mu.Unlock()
	return wait(ctx, takes)
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

func (w *world) Warn(ctx context.Context, text string) error {
	w.mu.Lock()
	w.texts = append(w.texts, text)
	w.warned = append(w.warned, time.Now())
	hangs := w.hangs
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (w *world) CallOff(_ context.Context, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text == "" {
		return nil // it only takes away what an earlier life left
	}
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
		Sensor: w, Notices: w, Hooks: w, Sync: func(context.Context) {},
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
