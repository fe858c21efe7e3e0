// Package local is the local cloud: an EC2-compatible cloud for one user on
// loopback, with the real wire protocols, signatures checked and permissions
// enforced. The packages below it are its parts; here they are put together.
//
// It is not AWS and not a mirror of any client: it knows EC2, IAM, STS, S3,
// Systems Manager, EventBridge Scheduler, the Price List and Service Quotas as
// AWS documents them, as far as somebody calls them. It never listens by
// itself, and it never reaches out.
package local

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/auth"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/control"
	"github.com/spawn-ec2/spawn/internal/local/ec2"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/front"
	"github.com/spawn-ec2/spawn/internal/local/iam"
	"github.com/spawn-ec2/spawn/internal/local/pricing"
	"github.com/spawn-ec2/spawn/internal/local/quotas"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/s3"
	"github.com/spawn-ec2/spawn/internal/local/scheduler"
	"github.com/spawn-ec2/spawn/internal/local/ssm"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/sts"
	"github.com/spawn-ec2/spawn/internal/local/tape"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// DefaultAccount is the account of a cloud that is given none: the one that
// AWS's documentation uses.
const DefaultAccount = "123456789012"

// Credentials are an access key.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
}

// Options say what a cloud is made of. Dir, Runtime and Addr are required.
type Options struct {
	// Dir is where instances have their folders and buckets their objects, and
	// where state is kept. One cloud at a time may use it.
	Dir string
	// Keep saves the state in Dir, at most store.SaveEvery behind, and restores
	// what an earlier cloud saved there: credentials, resources, cloud time, and
	// instances with their disks. Faults, the tape and the text of consoles are
	// not kept. Without Keep, what an earlier cloud left in Dir is removed.
	Keep    bool
	Runtime runtime.Runtime
	Addr    string       // the host and port under which clients reach the handler
	Account string       // twelve digits; empty: DefaultAccount
	Admin   Credentials  // of the administrator; empty: those that were kept, or random
	Log     *slog.Logger // nil: nothing is logged
	Clock   *clock.Clock // nil: real time
}

// Cloud is a local cloud.
type Cloud struct {
	options Options
	store   *store.Store
	keeper  *store.Keeper // nil: state is not kept
	tape    *tape.Tape
	faults  *fault.Set
	ec2     *ec2.Service
	iam     *iam.Service
	sts     *sts.Service
	s3      *s3.Service

	ssm       *ssm.Service
	scheduler *scheduler.Service
	pricing   *pricing.Service
	quotas    *quotas.Service

	front   *front.Front // the services alone
	control http.Handler
	started time.Time

	closing      chan struct{} // closed when the cloud ends
	closingOnce  sync.Once
	shutdown     chan struct{}
	shutdownOnce sync.Once
}

// New makes a cloud with an empty account, or restores the one that was kept.
func New(o Options) (*Cloud, error) {
	if o.Dir == "" || o.Runtime == nil || o.Addr == "" {
		return nil, errors.New("make a local cloud: it needs a folder, a runtime and an address")
	}
	o = o.withDefaults()
	if err := o.clear(); err != nil {
		return nil, err
	}
	c := &Cloud{options: o, store: store.New(o.Clock.Now), tape: &tape.Tape{}, started: time.Now(), closing: make(chan struct{}), shutdown: make(chan struct{})}
	c.faults = fault.NewSet(o.Clock.Now)
	c.iam = iam.New(c.store, o.Account)
	c.sts = sts.New(c.store, c.iam)
	var err error
	if c.s3, err = s3.New(c.store, o.Account, filepath.Join(o.Dir, "objects")); err != nil {
		return nil, err
	}
	c.front = front.New(front.Config{
		Store: c.store, Clock: o.Clock, Tape: c.tape, Faults: c.faults, Log: o.Log,
		Identify: c.identify, KnownRegion: ec2.KnownRegion, Closing: c.closing,
	})
	c.quotas = quotas.New(o.Account, c.faults)
	c.ec2 = ec2.New(ec2.Config{
		Account: o.Account, Store: c.store, Clock: o.Clock, IAM: c.iam, STS: c.sts, Runtime: o.Runtime,
		Faults: c.faults, Quotas: c.quotas, Dir: o.Dir, API: c.front, APIAddr: o.Addr, Log: o.Log,
	})
	c.ssm = ssm.New(o.Account)
	c.pricing = pricing.New(ec2.Regions())
	c.scheduler = scheduler.New(scheduler.Config{
		Account: o.Account, Store: c.store, Clock: o.Clock, IAM: c.iam, Cloud: c.front, Log: o.Log,
	})
	c.front.Serve(
		front.Service{Name: "ec2", Protocol: wire.EC2(), Operations: c.ec2.Operations()},
		front.Service{Name: "iam", Protocol: wire.IAM(), Operations: c.iam.Operations()},
		front.Service{Name: "sts", Protocol: wire.STS(), Operations: c.sts.Operations()},
		front.Service{Name: "s3", Protocol: wire.S3(), Objects: c.s3},
		front.Service{Name: "ssm", Protocol: wire.JSON("AmazonSSM"), Operations: c.ssm.Operations()},
		front.Service{Name: "scheduler", Protocol: wire.REST(), Operations: c.scheduler.Operations()},
		front.Service{Name: "pricing", Protocol: wire.JSON("AWSPriceListService"), Operations: c.pricing.Operations()},
		front.Service{Name: "servicequotas", Protocol: wire.JSON("ServiceQuotasV20190624"), Operations: c.quotas.Operations()},
	)
	if err := c.open(); err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// open restores what was kept or, if there is nothing, makes a new account. All
// services have their tables by now.
func (c *Cloud) open() error {
	identities := store.NewTable[identity](c.store)
	restored, err := c.restore(identities)
	if err != nil {
		return err
	}
	if c.options.Admin == (Credentials{}) {
		c.options.Admin = Credentials{call.NewAccessKeyID("AKIA"), call.NewSecret()}
	}
	c.control = control.Handler(remote{c}, c.options.Admin.SecretAccessKey)
	if restored {
		return c.resume()
	}
	return c.found(identities)
}

// identify finds the owner of an access key: a user's, or one of a session.
func (c *Cloud) identify(tx *store.Tx, accessKeyID string) (auth.Secret, call.Principal, bool) {
	if strings.HasPrefix(accessKeyID, "ASIA") {
		return c.sts.Identify(tx, accessKeyID)
	}
	return c.iam.Identify(tx, accessKeyID)
}

// release lets go of the file in which state is kept.
func (c *Cloud) release() error {
	if c.keeper == nil {
		return nil
	}
	return c.keeper.Close()
}

func (o Options) withDefaults() Options {
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.New()
	}
	return o
}

// Admin are the credentials of a user who may do everything.
func (c *Cloud) Admin() Credentials { return c.options.Admin }

// Clock is the cloud's clock.
func (c *Cloud) Clock() *clock.Clock { return c.options.Clock }

// Tape is the record of the calls.
func (c *Cloud) Tape() *tape.Tape { return c.tape }

// ShutdownRequested is closed when somebody asked through the control
// interface for the cloud to end. Ending it is up to who made it.
func (c *Cloud) ShutdownRequested() <-chan struct{} { return c.shutdown }

// Close powers every machine off and waits for it, no longer than ctx lets it,
// stops the clock's timers and saves what is to be kept. The folder stays.
func (c *Cloud) Close(ctx context.Context) error {
	c.closingOnce.Do(func() { close(c.closing) })
	c.options.Clock.Close()
	return errors.Join(c.ec2.Close(ctx), c.release())
}
