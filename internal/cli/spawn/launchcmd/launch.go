// Package launchcmd is "spawn launch", and what a bare "spawn" does with an
// offer or a type.
package launchcmd

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory      *factory.Factory
	InstanceType string
	Name         string
	TTL          string
	SSHCIDR      string
	CreateKey    bool
	StdinTimeout string
	Output       string
}

// New makes the command. run is replaced by tests of the flags.
func New(f *factory.Factory, run func(context.Context, *Options) error) *cobra.Command {
	o := &Options{Factory: f}
	if run == nil {
		run = launchRun
	}
	cmd := &cobra.Command{
		Use:   "launch",
		Short: "Launch an instance from an offer or a type",
		Long: `Launch an instance. The type comes from --instance-type or from an offer on
standard input, as truffle writes it. The instance ends at its deadline.`,
		Example: `  truffle search t3.medium | spawn launch --ttl 8h --name dev-box
  spawn launch --instance-type m7i.large --region us-east-1 --ttl 8h`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.InstanceType, "instance-type", "", "the instance `type`, such as m7i.large")
	flags.StringVar(&o.Name, "name", "", "what to call the instance: its `name`")
	flags.StringVar(&o.TTL, "ttl", "", "how long it may live, a `duration`: 90s, 45m, 8h, 1d, 2d12h, 1w, or none for the longest allowed (default 8h)")
	flags.StringVar(&o.SSHCIDR, "ssh-cidr", "", "the `network` that may reach SSH (default: this machine's public address)")
	flags.BoolVar(&o.CreateKey, "create-key", false, "make ~/.ssh/id_ed25519 when there is no SSH key")
	flags.StringVar(&o.StdinTimeout, "stdin-timeout", lifecycle.FormatDuration(offer.DefaultPatience().Limit), "how long to wait for an offer on standard input, a `duration`")
	flags.StringVarP(&o.Output, "output", "o", "text", "how to show the instance, a `form`: text or json")
	f.CloudFlags(cmd)
	return cmd
}

// Asked tells whether a bare "spawn" was asked to launch: by a flag of the
// launch, or by something on standard input.
func Asked(cmd *cobra.Command, stdin *os.File) bool {
	asked := term.Piped(stdin)
	for _, name := range []string{"instance-type", "name", "ttl", "ssh-cidr", "create-key"} {
		asked = asked || cmd.Flags().Changed(name)
	}
	return asked
}

func launchRun(ctx context.Context, o *Options) error {
	if err := factory.OneOf("--output", o.Output, "text", "json"); err != nil {
		return err
	}
	spec, err := o.spec(ctx)
	if err != nil {
		return err
	}
	plan, target, err := o.resolve(ctx, spec)
	if err != nil {
		return err
	}
	o.announce(plan)
	if err := o.confirmCeiling(plan); err != nil {
		return err
	}
	progress := newProgress(o.Factory.Streams)
	result, err := o.launcher(target, progress.Show).Launch(ctx, plan)
	progress.Close()
	if err != nil {
		return err
	}
	if err := o.show(plan, result, target.Clock.Now()); err != nil {
		return err
	}
	if !result.Ready {
		return problem.New(problem.Partial, "%s runs without its agent; it still ends at its deadline, by its own timer", result.Instance.Label()).
			WithNext("look at its console for the reason, or end it: spawn terminate %s", result.Instance.Label())
	}
	return nil
}

// spec gathers what the user wants. Nothing has been asked of any cloud yet.
func (o *Options) spec(ctx context.Context) (launch.Spec, error) {
	s := launch.Spec{
		Offer:     offer.Offer{InstanceType: o.InstanceType},
		Region:    o.Factory.Global.Region,
		Name:      o.Name,
		TTL:       o.TTL,
		CreateKey: o.CreateKey,
	}
	if o.SSHCIDR != "" {
		source, err := account.ParseSource(o.SSHCIDR)
		if err != nil {
			return s, err
		}
		s.Source = source
	}
	if o.InstanceType != "" || !term.Piped(os.Stdin) {
		return s, nil
	}
	patience := offer.DefaultPatience()
	var err error
	if patience.Limit, err = lifecycle.ParseDuration(o.StdinTimeout); err != nil {
		return s, &problem.Error{Kind: problem.Usage, Err: err}
	}
	patience.OnNotice = func() { term.Note(o.Factory.Streams, "waiting for an offer on standard input") }
	offers, err := offer.ReadPipe(ctx, o.Factory.Streams.In, patience)
	if err != nil {
		return s, err
	}
	s.Offer = offers[0]
	if len(offers) > 1 {
		term.Note(o.Factory.Streams, "%d offers came; the first one is launched: %s", len(offers), s.Offer.InstanceType)
	}
	return s, nil
}

// resolve makes the plan before it connects, so that what is wrong with the
// wish is said without credentials; the region that the configuration names is
// known only afterwards.
func (o *Options) resolve(ctx context.Context, spec launch.Spec) (launch.Plan, *awsx.Target, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return launch.Plan{}, nil, problem.New(problem.Failed, "your home folder is not known: %w", err).WithNext("set HOME")
	}
	machine := launch.Machine{Region: awsx.DefaultRegion, Home: home, Ceiling: settings.Ceiling(), KeyNeeded: !o.Factory.Global.Local}
	if err := launch.Check(spec, machine); err != nil {
		return launch.Plan{}, nil, err
	}
	target, err := o.Factory.Connect(ctx, spec.Offer.Region)
	if err != nil {
		return launch.Plan{}, nil, err
	}
	machine.Region = target.Region
	plan, err := launch.Resolve(spec, machine)
	return plan, target, err
}

func (o *Options) launcher(t *awsx.Target, events func(launch.Event)) *launch.Launcher {
	return &launch.Launcher{
		EC2: t.EC2(), STS: t.STS(), IAM: t.IAM(), S3: t.S3(),
		ObjectURLs: t.ObjectURLs,
		Address: func(ctx context.Context) (netip.Prefix, error) {
			if t.OnLoopback() {
				return account.Loopback(), nil
			}
			return account.CallerAddress(ctx, http.DefaultClient)
		},
		Now:      t.Clock.Now,
		Journals: o.Factory.StateFor(t).Launches(),
		Endpoint: t.Endpoint,
		Patience: launch.DefaultPatience,
		Events:   events,
	}
}

// announce says what was decided before anything is made.
func (o *Options) announce(p launch.Plan) {
	fmt.Fprintf(o.Factory.Streams.Err, "%s: %s (%s vCPU, %s) in %s, %s\n  lives %s (%s), costs %s (%s)\n",
		p.Name, p.Type.Name, term.Count(p.Type.VCPUs), term.Memory(p.Type.MemoryMiB), p.Region, p.Image.Name,
		term.Span(p.Lifetime.TTL), p.Lifetime.Reason, term.PerHour(p.Price), term.Provenance(p.Price))
}

// confirmCeiling asks once more before the longest life allowed, where somebody
// can answer.
func (o *Options) confirmCeiling(p launch.Plan) error {
	s := o.Factory.Streams
	if p.Lifetime.Reason != lifecycle.Ceiling || !s.InTTY || !s.ErrTTY {
		return nil
	}
	return term.Confirm(s, fmt.Sprintf("let it live %s, for up to %s of compute?", term.Span(p.Lifetime.TTL), p.Price.Over(p.Lifetime.TTL)))
}

// launched is the result as data.
type launched struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Type     string    `json:"instance_type"`
	Region   string    `json:"region"`
	Zone     string    `json:"availability_zone"`
	PublicIP string    `json:"public_ip,omitempty"`
	Deadline time.Time `json:"deadline"`
	Ready    bool      `json:"agent_ready"`
}

func (o *Options) show(p launch.Plan, r launch.Result, now time.Time) error {
	in := r.Instance
	if o.Output == "json" {
		return term.JSON(o.Factory.Streams, launched{in.ID, in.Name, in.Type, p.Region, in.Zone, in.PublicIP, r.Deadline.Time(), r.Ready})
	}
	local := ""
	if o.Factory.Global.Local {
		local = " --local"
	}
	return o.Factory.Println(fmt.Sprintf("%s (%s) runs and ends at %s, in %s; compute until then: %s\n  connect: spawn connect %s%s",
		in.Name, in.ID, term.Moment(r.Deadline.Time(), now), term.Span(r.Deadline.Left(now)),
		p.Price.Over(p.Lifetime.TTL), in.Name, local))
}
