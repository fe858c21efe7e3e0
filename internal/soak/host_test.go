package soak_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// health is which layers of its deadline work on an instance.
type health int

// The states of health.
const (
	whole   health = iota // spored and the operating system's timer
	timered               // spored is dead, and the timer is armed for what spored knew
	hung                  // neither
)

func (h health) String() string { return [...]string{"whole", "timered", "hung"}[h] }

// How quick an instance is. They are ours; what matters is that there is time in
// which something can go wrong.
const (
	boots    = 4 * time.Second  // until it runs
	sets     = 15 * time.Second // until spored runs, after that
	shuts    = 3 * time.Second
	looks    = 30 * time.Second // how often spored reads the tags
	tries    = 3                // how often spored calls EC2 before it powers off
	timerLag = 10 * time.Second // how much later than spored the timer acts
)

// fleet is the runtime: what runs on its machines is this file's spored, which
// keeps to the contract and does nothing else.
type fleet struct {
	born func(id string) health

	mu    sync.Mutex
	hosts map[string]*host // of every instance that ever ran
}

// Name implements runtime.Runtime.
func (*fleet) Name() string { return "soak" }

// host is an instance as whoever pays for the electricity sees it.
type host struct {
	fleet *fleet
	id    string

	mu     sync.Mutex
	health health
	on     []span              // when it ran; the last one without an end: it does
	armed  lifecycle.Deadline  // what the timer is set to
	failed map[string]struct{} // what spored could not do, by error
}

// span is a time in which a machine ran.
type span struct{ from, to time.Time }

// Boot implements runtime.Runtime.
func (f *fleet) Boot(ctx context.Context, m runtime.Machine) (runtime.Running, error) {
	if err := pause(ctx, boots); err != nil {
		return nil, err
	}
	f.mu.Lock()
	h := f.hosts[m.ID]
	if h == nil {
		h = &host{fleet: f, id: m.ID, health: f.born(m.ID), failed: map[string]struct{}{}}
		f.hosts[m.ID] = h
	}
	f.mu.Unlock()
	h.mu.Lock()
	h.on = append(h.on, span{from: time.Now()})
	h.mu.Unlock()
	ctx, unplug := context.WithCancel(context.Background())
	b := &boot{host: h, machine: m, off: make(chan struct{}), unplug: unplug}
	go b.run(ctx)
	return b, nil
}

// boot is a host between a start and a stop.
type boot struct {
	host    *host
	machine runtime.Machine
	unplug  context.CancelFunc
	off     chan struct{}
	once    sync.Once
}

// Done implements runtime.Running.
func (b *boot) Done() <-chan struct{} { return b.off }

// PowerOff implements runtime.Running.
func (b *boot) PowerOff(ctx context.Context) {
	_ = pause(ctx, shuts) // when ctx ends first, the plug is pulled
	b.powerOff()
}

func (b *boot) powerOff() {
	b.once.Do(func() {
		b.host.mu.Lock()
		b.host.on[len(b.host.on)-1].to = time.Now()
		b.host.mu.Unlock()
		b.unplug()
		close(b.off)
	})
}

// Reboot implements runtime.Running; nobody here reboots.
func (*boot) Reboot(context.Context) {}

// Exec implements runtime.Running.
func (*boot) Exec(context.Context, runtime.Command) (int, error) { return 0, runtime.ErrNoInside }

// run is what goes on inside. The timer is armed before anything else, as the
// boothook does.
func (b *boot) run(ctx context.Context) {
	b.arm()
	if pause(ctx, sets) != nil {
		return
	}
	told := lifecycle.Deadline{}
	for {
		switch b.host.state() {
		case whole:
			b.arm()
			if at := b.host.timer(); at.Passed(time.Now()) {
				b.end(ctx)
				return
			} else if at != told && b.tell(ctx, at) == nil {
				told = at
			}
		case timered:
			if b.host.timer().Passed(time.Now().Add(-timerLag)) {
				if b.arm(); b.host.timer().Passed(time.Now()) {
					b.powerOff()
					return
				}
			}
		case hung:
		}
		if pause(ctx, b.next()) != nil {
			return
		}
	}
}

// next is how long nothing happens.
func (b *boot) next() time.Duration {
	left := looks
	if at := b.host.timer(); !at.IsZero() {
		if b.host.state() == timered {
			at = lifecycle.DeadlineAt(at.Time().Add(timerLag))
		}
		left = min(left, time.Until(at.Time()))
	}
	return max(left, time.Second)
}

// arm sets the timer to what the tag says. A tag that cannot be read leaves it.
func (b *boot) arm() {
	text, err := b.metadata("tags/instance/" + lifecycle.TagDeadline)
	if err != nil {
		return
	}
	if at, err := lifecycle.ParseDeadline(text); err == nil {
		b.host.mu.Lock()
		b.host.armed = at
		b.host.mu.Unlock()
	}
}

func (h *host) timer() lifecycle.Deadline {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.armed
}

func (h *host) state() health {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.health
}

// end ends the instance as spored does: its request first if that is persistent,
// then itself, a few times, and by powering off when that is refused.
func (b *boot) end(ctx context.Context) {
	var err error
	for range tries {
		var api *ec2.Client
		if api, err = b.api(ctx); err == nil {
			err = b.terminate(ctx, api)
		}
		if err == nil || pause(ctx, 5*time.Second) != nil {
			return
		}
	}
	b.host.mu.Lock()
	b.host.failed[err.Error()] = struct{}{}
	b.host.mu.Unlock()
	b.powerOff()
}

func (b *boot) terminate(ctx context.Context, api *ec2.Client) error {
	if request, err := b.metadata("tags/instance/" + lifecycle.TagSpotRequest); err == nil {
		if _, err := api.CancelSpotInstanceRequests(ctx, &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{request}}); err != nil {
			return err
		}
	}
	_, err := api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{b.machine.ID}})
	return err
}

// tell acknowledges a deadline.
func (b *boot) tell(ctx context.Context, at lifecycle.Deadline) error {
	api, err := b.api(ctx)
	if err != nil {
		return err
	}
	status := lifecycle.Status{Phase: lifecycle.PhaseReady, Deadline: at, OSTimer: true, Agent: "soak", At: time.Now()}
	_, err = api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{b.machine.ID}, Tags: account.EC2Tags(map[string]string{lifecycle.TagStatus: status.String()})})
	return err
}

// api is EC2 as the instance's role.
func (b *boot) api(ctx context.Context) (*ec2.Client, error) {
	role, err := b.metadata("iam/security-credentials/")
	if err != nil {
		return nil, err
	}
	text, err := b.metadata("iam/security-credentials/" + role)
	if err != nil {
		return nil, err
	}
	var c struct {
		ID     string `json:"AccessKeyId"`
		Secret string `json:"SecretAccessKey"`
		Token  string
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, err
	}
	zone, err := b.metadata("placement/region")
	if err != nil {
		return nil, err
	}
	return ec2.NewFromConfig(aws.Config{
		Region: zone, BaseEndpoint: aws.String("http://" + b.machine.APIAddr), HTTPClient: &line{to: b.machine.API},
		Credentials: credentials.NewStaticCredentialsProvider(c.ID, c.Secret, c.Token),
	}), ctx.Err()
}

// metadata reads what the metadata service has under a path.
func (b *boot) metadata(path string) (string, error) {
	token, err := b.ask(http.MethodPut, "api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}})
	if err != nil {
		return "", err
	}
	return b.ask(http.MethodGet, "meta-data/"+path, http.Header{"X-Aws-Ec2-Metadata-Token": {token}})
}

func (b *boot) ask(method, path string, header http.Header) (string, error) {
	r, err := http.NewRequest(method, "http://169.254.169.254/latest/"+path, http.NoBody) //nolint:noctx // nothing is waited for
	if err != nil {
		return "", err
	}
	r.Header, r.Host = header, "169.254.169.254"
	a := &answer{header: http.Header{}, status: http.StatusOK}
	b.machine.Metadata.ServeHTTP(a, r)
	if a.status != http.StatusOK {
		return "", fmt.Errorf("metadata %s: status %d", path, a.status)
	}
	return strings.TrimSpace(a.body.String()), nil
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
