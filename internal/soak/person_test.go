package soak_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// process is one command in progress at a desk: clients of its own, as a program
// that was just started has.
type process struct {
	desk   *desk
	target *awsx.Target
	config aws.Config
	ec2    *ec2.Client
	disk   string        // the desk's, as it was when the process began
	died   chan struct{} // closed when it was killed
}

// place is a folder of the desk's disk.
func (p *process) place(name string) string { return filepath.Join(p.disk, name) }

// start starts a process at a desk. With a kill of n it dies at its n-th call.
func (d *desk) start(ctx context.Context, kill int, heed bool) (*process, error) {
	target, err := awsx.Connect(ctx, awsx.Options{Local: &d.access})
	if err != nil {
		return nil, err
	}
	p := &process{desk: d, target: target, config: target.Config(), disk: d.disk(), died: make(chan struct{})}
	l := &line{to: d.world.cloud.Handler(), left: kill, heed: heed}
	if kill > 0 {
		l.die = func() {
			if err := d.crash(); err != nil {
				panic(fmt.Sprintf("copy what a killed process leaves: %v", err))
			}
			close(p.died)
		}
	}
	p.config.HTTPClient = l
	p.ec2 = ec2.NewFromConfig(p.config)
	return p, nil
}

func (p *process) sts() *sts.Client             { return sts.NewFromConfig(p.config) }
func (p *process) iam() *iam.Client             { return iam.NewFromConfig(p.config) }
func (p *process) scheduler() *scheduler.Client { return scheduler.NewFromConfig(p.config) }

func (p *process) s3() *s3.Client {
	return s3.NewFromConfig(p.config, func(o *s3.Options) { o.UsePathStyle = true })
}

// cloudLayer is what the commands have as the cloud's layer.
func (p *process) cloudLayer() deadline.Cloud {
	who := func(ctx context.Context) (account.Identity, error) { return account.Identify(ctx, p.sts()) }
	return deadline.Cloud{
		API: p.scheduler(), Clock: deadline.Real(p.target.Clock.Now), Who: who,
		Prepare: func(ctx context.Context) error {
			me, err := who(ctx)
			if err != nil {
				return err
			}
			origin := func() lifecycle.Origin { return lifecycle.Origin{Owner: me.ARN, Created: p.target.Clock.Now()} }
			return account.EnsureScheduler(ctx, p.iam(), p.scheduler(), me, origin, func(account.Kind, string) {})
		},
	}
}

// greet is what every command does first.
func (p *process) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err := launch.FinishAbandoned(ctx, p.place("launches"), endpoint, region, p.ec2, p.cloudLayer())
	return err
}

// wish is what somebody wants to launch.
type wish struct {
	kind       string
	ttl        time.Duration
	spot       bool
	persistent bool
	count      int
}

// resolve makes a plan of the wish.
func (d *desk) resolve(w wish) (launch.Plan, error) {
	s := launch.Spec{
		Offer: offer.Offer{InstanceType: w.kind}, TTL: lifecycle.FormatDuration(w.ttl), Source: d.source, CreateKey: true, Count: w.count,
	}
	if w.spot {
		s.Market = lifecycle.Spot
	}
	if w.persistent {
		s.Idle = launch.IdleWish{Timeout: "20m", Action: lifecycle.Stop}
	}
	return launch.Resolve(s, launch.Machine{Region: region, Home: d.home(), Ceiling: lifecycle.DefaultCeiling})
}

// launch is spawn launch.
func (p *process) launch(ctx context.Context, plan launch.Plan) (launch.Result, error) {
	l := &launch.Launcher{
		EC2: p.ec2, STS: p.sts(), IAM: p.iam(), S3: p.s3(), Scheduler: p.scheduler(),
		ObjectURLs: account.ObjectURLs(p.target),
		Address:    func(context.Context) (netip.Prefix, error) { return p.desk.source, nil },
		Cache:      account.Cache{Dir: p.place("cache"), Endpoint: endpoint, Caller: p.target.Caller(ctx), Now: time.Now},
		Now:        p.target.Clock.Now,
		Journals:   p.place("launches"),
		Endpoint:   endpoint,
		Patience:   launch.DefaultPatience,
		Events:     func(launch.Event) {},
	}
	return l.Launch(ctx, plan)
}

// terminate is spawn terminate.
func (p *process) terminate(ctx context.Context, in instance.Instance) error {
	if err := instance.Terminate(ctx, p.ec2, in); err != nil {
		return err
	}
	if _, err := instance.Become(ctx, p.ec2, in, lifecycle.StateTerminated); err != nil {
		return err
	}
	return p.cloudLayer().Disarm(ctx, in.ID, in.SpotRequest != "")
}

// cleanup is spawn cleanup --yes.
func (p *process) cleanup(ctx context.Context) (reap.Sweep, error) {
	who, err := account.Identify(ctx, p.sts())
	if err != nil {
		return reap.Sweep{}, err
	}
	if err := launch.RecallAbandoned(ctx, p.place("launches"), endpoint, region, who, p.ec2, p.target.Clock.Now()); err != nil {
		return reap.Sweep{}, err
	}
	mine, err := journal.Made(p.place("launches"))
	if err != nil {
		return reap.Sweep{}, err
	}
	scope := reap.Scope{Owner: who.ARN, Now: p.target.Clock.Now(), Mine: func(id string) bool { return mine[id] }}
	items, err := reap.Find(ctx, p.ec2, scope)
	if err != nil {
		return reap.Sweep{}, err
	}
	layer := p.cloudLayer()
	backstops, err := reap.FindBackstops(ctx, p.ec2, layer, scope)
	if err != nil {
		return reap.Sweep{}, err
	}
	if _, err := reap.ArmMissing(ctx, p.ec2, layer, backstops.Missing); err != nil {
		return reap.Sweep{}, err
	}
	sweep, err := reap.Clean(ctx, p.ec2, items, scope)
	if err != nil {
		return sweep, err
	}
	more, err := reap.CleanSchedules(ctx, p.ec2, layer, scope)
	sweep.Outcomes, sweep.Left = append(sweep.Outcomes, more.Outcomes...), append(sweep.Left, more.Left...)
	return sweep, err
}
