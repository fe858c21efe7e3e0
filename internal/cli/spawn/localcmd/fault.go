package localcmd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

func (c *Cloud) faultCommand(f *factory.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Let things go wrong in the local cloud",
		Long: `Rules stay in force until they are cleared or the cloud ends. They are counted,
never random: the same calls meet the same trouble. spot-notice, rebalance,
scheduled-event and host-death happen to one instance, once. Times are the cloud's.`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.faultListCommand(), c.faultClearCommand(),
		c.throttleCommand(), c.errorCommand(), c.noCapacityCommand(), c.latencyCommand(), c.loseCommand(),
		c.delayCommand(fault.Lag, "Keep invisible what EC2 has just made"),
		c.delayCommand(fault.ProfileDelay, "Keep new instance profiles unknown to EC2"), c.quotaCommand(),
		c.spotNoticeCommand(f), c.rebalanceCommand(f), c.scheduledEventCommand(f), c.hostDeathCommand(f))
	return cmd
}

func (c *Cloud) faultListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Show the rules that are in force, and how often each has applied",
		Args:  factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := c.mustFind(cmd.Context())
			if err != nil {
				return err
			}
			rules, err := found.client().Faults(cmd.Context())
			if err != nil {
				return err
			}
			if len(rules) == 0 {
				term.Note(c.streams, "nothing is set to go wrong")
				return nil
			}
			rows := make([][]string, 0, len(rules))
			for _, r := range rules {
				rows = append(rows, []string{r.ID, string(r.Kind), describeRule(r), strconv.Itoa(r.Hits)})
			}
			return term.Table(c.streams, []term.Column{{Title: "ID"}, {Title: "FAULT"}, {Title: "WHAT", Fold: true}, {Title: "APPLIED", Right: true}}, rows)
		},
	}
}

// describeRule writes a rule as the flags that made it.
func describeRule(r fault.Rule) string {
	var parts []string
	add := func(flag, value string, given bool) {
		if given {
			parts = append(parts, "--"+flag+" "+value)
		}
	}
	add("service", r.Service, r.Service != "")
	add("action", r.Action, r.Action != "")
	add("rate", strconv.FormatFloat(r.Rate, 'g', -1, 64), r.Rate != 0)
	add("burst", strconv.Itoa(r.Burst), r.Burst != 0)
	add("code", r.Code, r.Code != "")
	if r.Value != nil {
		add("value", strconv.FormatFloat(*r.Value, 'g', -1, 64), true)
	}
	if r.NewAccount {
		parts = append(parts, "--new-account")
	}
	add("region", r.Region, r.Region != "")
	add("status", strconv.Itoa(r.Status), r.Status != 0)
	add("message", strconv.Quote(r.Message), r.Message != "")
	add("zone", r.Zone, r.Zone != "")
	add("type", r.Type, r.Type != "")
	add("delay", r.Delay.String(), r.Delay != 0)
	add("after", strconv.Itoa(r.After), r.After != 0)
	add("times", strconv.Itoa(r.Times), r.Times != 0)
	return strings.Join(parts, " ")
}

func (c *Cloud) faultClearCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clear [id]",
		Short: "Take one rule out of force, or all of them",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) <= 1 {
				return nil
			}
			return problem.New(problem.Usage, "%s takes one rule, and got %d", cmd.CommandPath(), len(args)).WithNext("usage: %s", cmd.UseLine())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := c.mustFind(cmd.Context())
			if err != nil {
				return err
			}
			id := strings.Join(args, "")
			n, err := found.client().ClearFaults(cmd.Context(), id)
			if err != nil {
				return err
			}
			if id != "" && n == 0 {
				return problem.New(problem.NotFound, "there is no rule %s", id).WithNext("see: spawn local fault list")
			}
			term.Note(c.streams, "rules taken out of force: %d", n)
			return nil
		},
	}
}

// rule is a command that puts a rule in force; its flags fill r.
func (c *Cloud) rule(r *fault.Rule, short, example string) *cobra.Command {
	return &cobra.Command{
		Use:     string(r.Kind),
		Short:   short,
		Example: example,
		Args:    factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := r.Check(); err != nil {
				return problem.New(problem.Usage, "%w", err).WithNext("see: %s --help", cmd.CommandPath())
			}
			found, err := c.mustFind(cmd.Context())
			if err != nil {
				return err
			}
			added, err := found.client().AddFault(cmd.Context(), *r)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.streams.Out, added.ID)
			return err
		},
	}
}

func whichCalls(cmd *cobra.Command, r *fault.Rule) {
	cmd.Flags().StringVar(&r.Service, "service", "", "calls of this `service` only: ec2, iam, sts, s3, ssm …")
	cmd.Flags().StringVar(&r.Action, "action", "", "calls of this `action` only: RunInstances …")
}

func whichOfThem(cmd *cobra.Command, r *fault.Rule) {
	cmd.Flags().IntVar(&r.After, "after", 0, "let so many calls pass first")
	cmd.Flags().IntVar(&r.Times, "times", 0, "apply so often (default: until cleared)")
}

func (c *Cloud) throttleCommand() *cobra.Command {
	r := &fault.Rule{Kind: fault.Throttle}
	cmd := c.rule(r, "Refuse calls that come too fast, as the service does", "  spawn local fault throttle --service ec2 --rate 2 --burst 5")
	whichCalls(cmd, r)
	cmd.Flags().Float64Var(&r.Rate, "rate", 0, "`calls` a second that pass in the long run")
	cmd.Flags().IntVar(&r.Burst, "burst", 1, "`calls` that may come at once")
	return cmd
}

func (c *Cloud) errorCommand() *cobra.Command {
	r := &fault.Rule{Kind: fault.Error}
	cmd := c.rule(r, "Let calls fail without an effect", "  spawn local fault error --action RunInstances --code InsufficientInstanceCapacity --times 2")
	whichCalls(cmd, r)
	whichOfThem(cmd, r)
	cmd.Flags().StringVar(&r.Code, "code", "", "the error `code` of the service")
	cmd.Flags().IntVar(&r.Status, "status", 0, "the HTTP status (default: the usual one for the code)")
	cmd.Flags().StringVar(&r.Message, "message", "", "the message (default: that the error was ordered)")
	return cmd
}

func (c *Cloud) noCapacityCommand() *cobra.Command {
	r := &fault.Rule{Kind: fault.NoCapacity}
	cmd := c.rule(r, "Have no room for instances in a zone, of a type, or both", "  spawn local fault no-capacity --zone us-east-1a --type m7i.large")
	cmd.Flags().StringVar(&r.Zone, "zone", "", "the availability `zone` (default: every zone)")
	cmd.Flags().StringVar(&r.Type, "type", "", "the instance `type` (default: every type)")
	return cmd
}

func (c *Cloud) latencyCommand() *cobra.Command {
	r := &fault.Rule{Kind: fault.Latency}
	cmd := c.rule(r, "Make calls slow", "  spawn local fault latency --service ec2 --delay 200ms")
	whichCalls(cmd, r)
	whichOfThem(cmd, r)
	cmd.Flags().DurationVar(&r.Delay, "delay", 0, "how much longer each call takes")
	return cmd
}

func (c *Cloud) loseCommand() *cobra.Command {
	r := &fault.Rule{Kind: fault.Lose}
	cmd := c.rule(r, "Lose answers: calls take effect, and the caller never hears", "  spawn local fault lose --action RunInstances --times 1")
	whichCalls(cmd, r)
	whichOfThem(cmd, r)
	return cmd
}

// delayCommand is for the rules that make something appear late.
func (c *Cloud) delayCommand(kind fault.Kind, short string) *cobra.Command {
	r := &fault.Rule{Kind: kind}
	cmd := c.rule(r, short, "  spawn local fault "+string(kind)+" --delay 5s")
	cmd.Flags().DurationVar(&r.Delay, "delay", 0, "for how long after it was made")
	return cmd
}

func (c *Cloud) quotaCommand() *cobra.Command {
	r := &fault.Rule{Kind: fault.Quota}
	cmd := c.rule(r, "Set how many vCPUs may run at once", "  spawn local fault quota --code L-1216C47A --value 5\n  spawn local fault quota --new-account --region eu-west-1")
	cmd.Flags().StringVar(&r.Code, "code", "", "the `code` of the quota, as Service Quotas names it")
	vcpus := cmd.Flags().Float64("value", 0, "how many `vCPUs`; 0 lets nothing run")
	cmd.Flags().BoolVar(&r.NewAccount, "new-account", false, "give every quota the value that it has in a new account")
	cmd.Flags().StringVar(&r.Region, "region", "", "in this `region` only (default: in every region)")
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		if cmd.Flags().Changed("value") { // 0 is a value, too
			r.Value = vcpus
		}
	}
	return cmd
}

// event is a command that lets something happen to the instance it names; its
// flags fill e.
func (c *Cloud) event(f *factory.Factory, e *fault.Event, short, done string) *cobra.Command {
	return &cobra.Command{
		Use:   string(e.Kind) + " <instance>",
		Short: short,
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			e.Instance = args[0]
			if err := e.Check(); err != nil {
				return problem.New(problem.Usage, "%w", err).WithNext("see: %s --help", cmd.CommandPath())
			}
			found, err := c.mustFind(cmd.Context())
			if err != nil {
				return err
			}
			if e.Instance, err = localInstance(cmd.Context(), f, args[0]); err != nil {
				return err
			}
			if err := found.client().Inflict(cmd.Context(), *e); err != nil {
				return err
			}
			term.Note(c.streams, "%s %s", e.Instance, done)
			return nil
		},
	}
}

// localInstance is the id of the instance in the local cloud that a person
// means. An id is taken as it is, in whatever region it may be.
func localInstance(ctx context.Context, f *factory.Factory, nameOrID string) (string, error) {
	if strings.HasPrefix(nameOrID, "i-") {
		return nameOrID, nil
	}
	here := *f
	here.Global = factory.Global{Local: true, Region: f.Global.Region}
	_, in, err := here.Find(ctx, nameOrID)
	return in.ID, err
}

func (c *Cloud) spotNoticeCommand(f *factory.Factory) *cobra.Command {
	e := &fault.Event{Kind: fault.SpotNotice}
	cmd := c.event(f, e, "Announce its interruption to a Spot Instance, and interrupt it as its request says", "has its notice")
	cmd.Flags().DurationVar(&e.In, "in", 2*time.Minute, "the time from the notice to the interruption")
	return cmd
}

func (c *Cloud) rebalanceCommand(f *factory.Factory) *cobra.Command {
	return c.event(f, &fault.Event{Kind: fault.Rebalance}, "Recommend to a Spot Instance that its work goes elsewhere", "has its recommendation")
}

func (c *Cloud) scheduledEventCommand(f *factory.Factory) *cobra.Command {
	e := &fault.Event{Kind: fault.Scheduled}
	cmd := c.event(f, e, "Announce maintenance of its host to an instance; it never comes", "has its announcement")
	cmd.Flags().StringVar(&e.Action, "code", "instance-retirement", "what is announced: "+strings.Join(fault.Codes(), ", "))
	cmd.Flags().DurationVar(&e.In, "in", 24*time.Hour, "the time until it is to begin")
	return cmd
}

func (c *Cloud) hostDeathCommand(f *factory.Factory) *cobra.Command {
	e := &fault.Event{Kind: fault.HostDeath}
	cmd := c.event(f, e, "Cut the power of an instance", "has lost its power")
	cmd.Flags().StringVar(&e.Action, "action", fault.Terminate, "what becomes of the instance: terminate or stop")
	return cmd
}
