// Package launchcmd is "spawn launch", and what a bare "spawn" does with an
// offer or a type.
package launchcmd

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/awserr"
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
	Zone         string
	Spot         bool
	OnDemand     bool
	SpotMaxPrice string
	MaxPrice     string

	UseReservation bool
	Reservation    string

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
standard input, as truffle writes it. The instance ends at its deadline.

Of several offers the first one is launched; where there is no capacity, the
next zone and the next offer of the same region that is not dearer. An offer for
Spot or of a capacity reservation is launched as such.`,
		Example: `  truffle search t3.medium | spawn launch --ttl 8h --name dev-box
  truffle spot m7i.large --max-price 0.10 | spawn launch --spot
  truffle capacity --instance-types p5.48xlarge --available-only | spawn launch --use-reservation
  spawn launch --instance-type m7i.large --region us-east-1 --ttl 8h`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	o.wishes(cmd.Flags())
	cmd.Flags().StringVar(&o.StdinTimeout, "stdin-timeout", lifecycle.FormatDuration(offer.DefaultPatience().Limit), "how long to wait for an offer on standard input, a `duration`")
	cmd.Flags().StringVarP(&o.Output, "output", "o", "text", "how to show the instance, a `form`: text or json")
	f.CloudFlags(cmd)
	return cmd
}

// wishes are the flags that say what to launch.
func (o *Options) wishes(flags *pflag.FlagSet) {
	flags.StringVar(&o.InstanceType, "instance-type", "", "the instance `type`, such as m7i.large")
	flags.StringVar(&o.Zone, "az", "", "the availability `zone`, such as us-east-1b (default: as the offer says, else wherever EC2 has room)")
	flags.BoolVar(&o.Spot, "spot", false, "launch as a Spot instance, whatever the offer says")
	flags.BoolVar(&o.OnDemand, "on-demand", false, "launch on demand, whatever the offer says")
	flags.StringVar(&o.SpotMaxPrice, "spot-max-price", "", "the most to pay for Spot, a `price` in USD an hour (default: the on-demand price)")
	flags.StringVar(&o.MaxPrice, "max-price", "", "the most that what is launched may cost, a `price` in USD an hour (default: what the first offer costs)")
	flags.BoolVar(&o.UseReservation, "use-reservation", false, "refuse an offer that has no capacity reservation")
	flags.StringVar(&o.Reservation, "reservation-id", "", "launch into the capacity reservation with this `id`")
	flags.StringVar(&o.Name, "name", "", "what to call the instance: its `name`")
	flags.StringVar(&o.TTL, "ttl", "", "how long it may live, a `duration`: 90s, 45m, 8h, 1d, 2d12h, 1w, or none for the longest allowed (default 8h)")
	flags.StringVar(&o.SSHCIDR, "ssh-cidr", "", "the `network` that may reach SSH (default: this machine's public address)")
	flags.BoolVar(&o.CreateKey, "create-key", false, "make ~/.ssh/id_ed25519 when there is no SSH key")
}

// Asked tells whether a bare "spawn" was asked to launch: by a flag that says
// what to launch, or by something on standard input.
func Asked(cmd *cobra.Command, stdin *os.File) bool {
	asked := term.Piped(stdin)
	wishes := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(Options).wishes(wishes)
	wishes.VisitAll(func(f *pflag.Flag) { asked = asked || cmd.Flags().Changed(f.Name) })
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
	for _, note := range plan.Notes {
		term.Note(o.Factory.Streams, "%s", note)
	}
	progress := newProgress(o.Factory.Streams)
	result, err := o.launcher(target, progress.Show).Launch(ctx, plan)
	progress.Close()
	if err != nil {
		return err
	}
	if err := o.show(plan.Region, result, target.Clock.Now()); err != nil {
		return err
	}
	if !result.Ready {
		return problem.New(problem.Partial, "%s runs without its agent; it still ends at its deadline, by its own timer", result.Instance.Label()).
			WithNext("look at its console for the reason, or end it: spawn terminate %s", result.Instance.Label())
	}
	if err := result.Backstop; err != nil && !awserr.IsDenied(err) {
		return problem.New(problem.Partial, "%s runs without the cloud's layer of its deadline: %w", result.Instance.Label(), err).
			WithNext("arm it with: spawn cleanup")
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

		Zone:           o.Zone,
		SpotMaxPrice:   o.SpotMaxPrice,
		MaxPrice:       o.MaxPrice,
		Reservation:    o.Reservation,
		UseReservation: o.UseReservation,
	}
	switch {
	case o.Spot && o.OnDemand:
		return s, problem.New(problem.Usage, "--spot and --on-demand contradict each other")
	case o.Spot:
		s.Market = lifecycle.Spot
	case o.OnDemand:
		s.Market = lifecycle.OnDemand
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
	s.Offer, s.Others = offers[0], offers[1:]
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
	target, err := o.Factory.Connect(ctx, spec.WantedRegion())
	if err != nil {
		return launch.Plan{}, nil, err
	}
	machine.Region = target.Region
	plan, err := launch.Resolve(spec, machine)
	if err != nil {
		return plan, target, err
	}
	plan, err = plan.CheckReservation(ctx, target.EC2(), target.Clock.Now())
	return plan, target, err
}

func (o *Options) launcher(t *awsx.Target, events func(launch.Event)) *launch.Launcher {
	return &launch.Launcher{
		EC2: t.EC2(), STS: account.STSOf(t), IAM: account.IAMOf(t), S3: account.S3Of(t), Scheduler: account.SchedulerOf(t),
		ObjectURLs: account.ObjectURLs(t),
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
	c := p.First()
	place := p.Region
	if len(c.Zones) > 0 {
		place = strings.Join(c.Zones, " or ")
	}
	fmt.Fprintf(o.Factory.Streams.Err, "%s: %s (%s vCPU, %s) in %s, %s\n  lives %s (%s), costs %s\n",
		p.Name, c, term.Count(c.Type.VCPUs), term.Memory(c.Type.MemoryMiB), place, c.Image.Name,
		term.Span(p.Lifetime.TTL), p.Lifetime.Reason, costs(c))
	if others := p.Candidates[1:]; len(others) > 0 {
		fmt.Fprintf(o.Factory.Streams.Err, "  if there is no capacity: %s\n", instead(others))
	}
}

// instead names candidates with their zones; many are counted from the fifth on.
func instead(others []launch.Candidate) string {
	const most = 4
	var names []string
	for _, c := range others[:min(most, len(others))] {
		name := c.String()
		if len(c.Zones) > 0 {
			name += " in " + strings.Join(c.Zones, " or ")
		}
		names = append(names, name)
	}
	if more := len(others) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// costs says what a candidate costs an hour, and how that is known.
func costs(c launch.Candidate) string {
	switch {
	case c.Market == lifecycle.CapacityBlock:
		return "what its Capacity Block was bought for"
	case c.Reservation != nil:
		return fmt.Sprintf("%s (%s), which the reservation costs also while it is not used", term.PerHour(c.Price, c.Market), term.Provenance(c.Price))
	default:
		return fmt.Sprintf("%s (%s)", term.PerHour(c.Price, c.Market), term.Provenance(c.Price))
	}
}

// confirmCeiling asks once more before the longest life allowed, where somebody
// can answer.
func (o *Options) confirmCeiling(p launch.Plan) error {
	s := o.Factory.Streams
	if p.Lifetime.Reason != lifecycle.Ceiling || !s.InTTY || !s.ErrTTY {
		return nil
	}
	return term.Confirm(s, fmt.Sprintf("let it live %s, for up to %s of compute?", term.Span(p.Lifetime.TTL), p.First().Price.Over(p.Lifetime.TTL)))
}

// launched is the result as data. What is not known is null.
type launched struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Type        string           `json:"instance_type"`
	Region      string           `json:"region"`
	Zone        string           `json:"availability_zone"`
	Market      lifecycle.Market `json:"market"`
	Reservation string           `json:"reservation_id,omitempty"`
	HourlyUSD   *float64         `json:"usd_per_hour"`
	PriceSource string           `json:"price_source,omitempty"`
	PriceAsOf   string           `json:"price_as_of,omitempty"`
	PublicIP    string           `json:"public_ip,omitempty"`
	Deadline    time.Time        `json:"deadline"`
	Ready       bool             `json:"agent_ready"`
	Backstop    bool             `json:"cloud_layer_armed"`
}

func (o *Options) show(region string, r launch.Result, now time.Time) error {
	in, cost := r.Instance, r.Got.Price
	if o.Output == "json" {
		return term.JSON(o.Factory.Streams, launched{
			ID: in.ID, Name: in.Name, Type: in.Type, Region: region, Zone: in.Zone, Market: in.Market, Reservation: in.Reservation,
			HourlyUSD: cost.USD(), PriceSource: cost.Source, PriceAsOf: cost.AsOf,
			PublicIP: in.PublicIP, Deadline: r.Deadline.Time(), Ready: r.Ready, Backstop: r.Backstop == nil,
		})
	}
	local := ""
	if o.Factory.Global.Local {
		local = " --local"
	}
	compute := cost.Over(r.Deadline.Time().Sub(in.Launched)).String()
	if r.Got.Market == lifecycle.CapacityBlock {
		compute = "paid for with its Capacity Block"
	}
	return o.Factory.Println(fmt.Sprintf("%s (%s) runs and ends at %s, in %s; compute until then: %s\n  connect: spawn connect %s%s",
		in.Name, in.ID, term.Moment(r.Deadline.Time(), now), term.Span(r.Deadline.Left(now)), compute, in.Name, local))
}
