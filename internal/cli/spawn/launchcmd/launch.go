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
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory      *factory.Factory
	InstanceType string
	Name         string
	Count        int
	AllOrNothing bool

	TTL             string
	IdleTimeout     string
	IdleCPU         string
	IdleAction      string
	HibernateOnIdle bool
	PreStop         string

	Zone           string
	Spot           bool
	OnDemand       bool
	SpotMaxPrice   string
	MaxPrice       string
	UseReservation bool
	Reservation    string

	SSHCIDR   string
	CreateKey bool
	own
	Profile        string
	ShareRole      bool
	NoMetadataTags bool

	UserData string
	Tags     []string

	NoWait     bool
	DryRun     bool
	Yes        bool
	AMI        string
	VolumeSize string
	VolumeType string
	Hibernate  bool

	StdinTimeout string
	Output       string

	configured defaults
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
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "show all that would be done, and whether you may, and do nothing")
	cmd.Flags().BoolVar(&o.NoWait, "no-wait", false, "return as soon as EC2 promises the instance, without waiting for it or its agent")
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	f.CloudFlags(cmd)
	return cmd
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
	if err := o.fillIn(); err != nil {
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
	if o.DryRun {
		return o.preview(ctx, target, plan)
	}
	o.announce(plan)
	if err := o.confirmCeiling(plan); err != nil {
		return err
	}
	for _, note := range plan.Notes {
		term.Note(o.Factory.Streams, "%s", note)
	}
	progress := newProgress(o.Factory.Streams)
	result, err := o.launcher(ctx, target, progress.Show).Launch(ctx, plan)
	progress.Close()
	if err != nil {
		return err
	}
	if err := o.show(plan, result, target.Clock.Now()); err != nil {
		return err
	}
	return verdict(plan, result)
}

// verdict makes an error of a launch that is less than what was asked for. What
// runs is kept.
func verdict(p launch.Plan, r launch.Result) error {
	if r.Short != nil {
		return problem.New(problem.Partial, "%d of %d run: %w", len(r.Members), p.Count, r.Short).
			WithNext("launch the rest later, or end these: spawn terminate")
	}
	for _, m := range r.Members {
		if m.Backstop != nil && !awserr.IsDenied(m.Backstop) {
			return problem.New(problem.Partial, "%s runs without the cloud's layer of its deadline: %w", m.Instance.Label(), m.Backstop).
				WithNext("arm it with: spawn cleanup")
		}
	}
	if !p.Wait {
		return nil
	}
	if r.Unheard {
		return problem.New(problem.Partial, "%s runs without what is said above; it still ends at its deadline", r.Members[0].Instance.Label())
	}
	for _, m := range r.Members {
		if !m.Ready {
			return problem.New(problem.Partial, "%s runs, and its agent does not answer; it still ends at its deadline, by its own timer", m.Instance.Label()).
				WithNext("look at its console for the reason, or end it: spawn terminate %s", m.Instance.Label())
		}
	}
	return nil
}

// resolve makes the plan before it connects, so that what is wrong with the
// wish is said without credentials; the region that the configuration names is
// known only afterwards.
func (o *Options) resolve(ctx context.Context, spec launch.Spec) (launch.Plan, *awsx.Target, error) {
	machine, err := o.machine(ctx)
	if err != nil {
		return launch.Plan{}, nil, err
	}
	if spec, err = offerKey(o.Factory.Streams, spec, machine); err != nil {
		return launch.Plan{}, nil, err
	}
	target, err := o.Factory.Connect(ctx, spec.WantedRegion())
	if err != nil {
		return launch.Plan{}, nil, err
	}
	machine.Region = target.Region
	defer o.Factory.Streams.Wait("checking what is asked for")()
	plan, err := launch.Resolve(spec, machine)
	if err != nil {
		return plan, target, err
	}
	if plan, err = plan.CheckReservation(ctx, target.EC2(), target.Clock.Now()); err != nil {
		return plan, target, err
	}
	if plan, err = plan.FindImages(ctx, target.EC2(), account.SSMOf(target)); err != nil {
		return plan, target, err
	}
	if plan, err = plan.CheckChosen(ctx, target.EC2()); err != nil {
		return plan, target, err
	}
	plan, err = o.configured.hold(plan)
	return plan, target, err
}

// machine is what resolving needs to know of this one.
func (o *Options) machine(ctx context.Context) (launch.Machine, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return launch.Machine{}, problem.New(problem.Failed, "your home folder is not known: %w", err).WithNext("set HOME")
	}
	machine := launch.Machine{Region: awsx.DefaultRegion, Home: home, Ceiling: o.configured.ceiling, KeyNeeded: !o.Factory.Global.Local}
	return withAgent(ctx, machine), nil
}

func (o *Options) launcher(ctx context.Context, t *awsx.Target, events func(launch.Event)) *launch.Launcher {
	cache := o.Factory.AccountCache(ctx, t)
	return &launch.Launcher{
		EC2: t.EC2(), STS: account.STSOf(t), IAM: account.IAMOf(t), S3: account.S3Of(t), Scheduler: account.SchedulerOf(t),
		Rights:     account.IAMOf(t),
		Quota:      quotaOf(t, t.Region),
		ObjectURLs: account.ObjectURLs(t),
		AgentURL:   settings.AgentURL(),
		Cache:      cache,
		NoJanitor:  settings.NoJanitor(),
		Address: func(ctx context.Context) (netip.Prefix, error) {
			if t.OnLoopback() {
				return account.Loopback(), nil
			}
			return cache.Address(ctx, func(ctx context.Context) (netip.Prefix, error) { return account.CallerAddress(ctx, http.DefaultClient) })
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
	say := func(format string, args ...any) { term.Say(o.Factory.Streams, fmt.Sprintf(format, args...)) }
	say("%s: %s (%s vCPU, %s) in %s, %s on %s", p.Name, c, term.Count(c.Type.VCPUs), term.Memory(c.Type.MemoryMiB), place, c.Image.Name, disk(c))
	say("  lives %s (%s), costs %s", term.Span(p.Lifetime.TTL), p.Lifetime.Reason, costs(c))
	if others := p.Candidates[1:]; len(others) > 0 {
		say("  if there is no capacity: %s", instead(others))
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
	if p.Lifetime.Reason != lifecycle.Ceiling || o.Yes || !s.CanAsk() {
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
	Costs       price.Bill       `json:"costs"`
	Total       price.Cost       `json:"total_until_deadline"`
	Backstop    bool             `json:"cloud_layer_armed"`
}

// show prints what runs: data on standard output.
func (o *Options) show(p launch.Plan, r launch.Result, now time.Time) error {
	if o.Output == "json" {
		all := make([]launched, len(r.Members))
		for i, m := range r.Members {
			all[i] = describe(p.Region, m)
		}
		if p.Count == 1 {
			return term.JSON(o.Factory.Streams, all[0])
		}
		return term.JSON(o.Factory.Streams, all)
	}
	for _, m := range r.Members {
		if err := term.Tell(o.Factory.Streams, o.sentence(p, m, now)); err != nil {
			return err
		}
	}
	return nil
}

func describe(region string, m launch.Member) launched {
	in, cost := m.Instance, m.Got.Price
	bill := m.Got.Bill(region, in.PublicIP != "")
	return launched{
		ID: in.ID, Name: in.Name, Type: in.Type, Region: region, Zone: in.Zone, Market: in.Market, Reservation: in.Reservation,
		HourlyUSD: cost.USD(), PriceSource: cost.Source, PriceAsOf: cost.AsOf,
		PublicIP: in.PublicIP, Deadline: m.Deadline.Time(), Ready: m.Ready, Backstop: m.Backstop == nil,
		Costs: bill, Total: bill.Over(m.Deadline.Time().Sub(in.Launched)),
	}
}

// sentence says of an instance when it ends, what it costs and how to reach it.
func (o *Options) sentence(p launch.Plan, m launch.Member, now time.Time) string {
	local := ""
	if o.Factory.Global.Local {
		local = " --local"
	}
	bill := m.Got.Bill(p.Region, m.Instance.PublicIP != "" || !p.Wait && !p.Chosen.NoPublicIP)
	does := "runs"
	if !p.Wait {
		does = "is being launched"
	}
	return fmt.Sprintf("%s (%s) %s and ends at %s, in %s\n%s  connect: spawn connect %s%s",
		m.Instance.Name, m.Instance.ID, does, term.Moment(m.Deadline.Time(), now), term.Span(m.Deadline.Left(now)),
		costLines(bill, m.Deadline.Time().Sub(m.Instance.Launched)), m.Instance.Name, local)
}
