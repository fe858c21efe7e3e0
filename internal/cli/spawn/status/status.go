// Package status is "spawn status".
package status

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Name    string
	Output  string
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "status <name|id>",
		Short: "Show one instance: its state, its time left and its cost",
		Args:  factory.OneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return statusRun(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVarP(&o.Output, "output", "o", "text", "how to show it, a `form`: text or json")
	f.CloudFlags(cmd)
	return cmd
}

// report is what is known of an instance. What is not known is null.
type report struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Type        string           `json:"instance_type"`
	Zone        string           `json:"availability_zone"`
	Market      lifecycle.Market `json:"market"`
	SpotRequest string           `json:"spot_request_id,omitempty"`
	Reservation string           `json:"reservation_id,omitempty"`
	State       lifecycle.State  `json:"state"`
	StateReason string           `json:"state_reason,omitempty"`
	PublicIP    string           `json:"public_ip,omitempty"`
	Launched    time.Time        `json:"launched"`
	Deadline    string           `json:"deadline"`
	SecondsLeft *int64           `json:"seconds_left"`
	Agent       *agentReport     `json:"agent"`
	Layers      *layers          `json:"deadline_layers"`
	Problems    []string         `json:"problems,omitempty"`
	HourlyUSD   *float64         `json:"usd_per_hour"`
	PriceSource string           `json:"price_source,omitempty"`
	PriceAsOf   string           `json:"price_as_of,omitempty"`
	Estimated   bool             `json:"price_is_estimate"` // a Spot price of the catalog is the region's average
	SoFar       price.Cost       `json:"compute_so_far"`
	AtMost      price.Cost       `json:"compute_until_deadline"`
	Costs       *price.Bill      `json:"costs"` // with disk and address; null when it has ended
	TotalSoFar  price.Cost       `json:"total_so_far"`
	TotalAtMost price.Cost       `json:"total_until_deadline"`
	hourly      price.Price
	deadline    lifecycle.Deadline
}

type agentReport struct {
	Phase        lifecycle.Phase `json:"phase"`
	Version      string          `json:"version"`
	Acknowledged bool            `json:"deadline_acknowledged"`
	OSTimer      bool            `json:"os_timer_armed"`
	Why          string          `json:"why,omitempty"`

	Script lifecycle.ScriptFate `json:"user_script,omitempty"` // running, unrun or an exit code
}

func statusRun(ctx context.Context, o *Options) error {
	if err := factory.OneOf("--output", o.Output, "text", "json"); err != nil {
		return err
	}
	target, in, err := o.Factory.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	now := target.Clock.Now()
	r := newReport(in, in.Hourly(target.Region), now)
	done := o.Factory.Streams.Wait("asking what ends %s, and what its disks cost", in.Label())
	r.Layers = readLayers(ctx, in, factory.CloudLayer(target), now)
	if !in.State.Ended() {
		r.addBill(target.Region, in, o.volumes(ctx, target, &r, in), now)
	}
	done()
	if o.Output == "json" {
		return term.JSON(o.Factory.Streams, r)
	}
	return show(o.Factory.Streams, r, now)
}

func newReport(in instance.Instance, hourly price.Price, now time.Time) report {
	r := report{
		ID: in.ID, Name: in.Name, Type: in.Type, Zone: in.Zone, Market: in.Market, SpotRequest: in.SpotRequest, Reservation: in.Reservation, State: in.State, StateReason: in.StateReason, PublicIP: in.PublicIP,
		Launched: in.Launched, Deadline: in.Tags.Deadline.String(), hourly: hourly, deadline: in.Tags.Deadline,
	}
	for _, p := range in.TagProblems {
		r.Problems = append(r.Problems, p.Error())
	}
	if in.Status != nil {
		r.Agent = &agentReport{
			Phase: in.Status.Phase, Version: in.Status.Agent, OSTimer: in.Status.OSTimer, Why: in.Status.Why, Script: in.Status.Script,
			Acknowledged: in.Status.Deadline == in.Tags.Deadline,
		}
	}
	if in.State.Ended() {
		return r
	}
	if !in.Tags.Deadline.IsZero() {
		left := int64(in.Tags.Deadline.Left(now).Seconds())
		r.SecondsLeft = &left
	}
	r.addCost(in, now)
	return r
}

// addCost counts compute since the last start and, at most, until the deadline.
func (r *report) addCost(in instance.Instance, now time.Time) {
	if in.State != lifecycle.StateRunning {
		return
	}
	r.HourlyUSD, r.PriceSource, r.PriceAsOf, r.Estimated = r.hourly.USD(), r.hourly.Source, r.hourly.AsOf, r.hourly.Estimated
	r.SoFar = r.hourly.Over(now.Sub(in.Launched))
	if !r.deadline.IsZero() {
		r.AtMost = r.hourly.Over(r.deadline.Time().Sub(in.Launched))
	}
}

func show(s term.Streams, r report, now time.Time) error {
	lines := [][2]string{
		{"instance", fmt.Sprintf("%s (%s), %s in %s", term.Or(r.Name), r.ID, r.Type, term.Or(r.Zone))},
		{"state", stateLine(r)},
		{"market", marketLine(r)},
		{"deadline", deadlineLine(r, now)},
		{"agent", agentLine(r)},
	}
	if r.Agent != nil && r.Agent.Script != "" {
		lines = append(lines, [2]string{"script", scriptLine(r)})
	}
	lines = append(lines, r.Layers.lines(now)...)
	lines = append(lines, [2]string{"address", cmp.Or(r.PublicIP, "none")})
	lines = append(lines, costLines(r)...)
	for _, p := range r.Problems {
		lines = append(lines, [2]string{"problem", p})
	}
	return term.Pairs(s, lines)
}

func marketLine(r report) string {
	line := string(r.Market)
	if r.SpotRequest != "" {
		line += ", by " + r.SpotRequest
	}
	if r.Reservation != "" {
		line += ", in the capacity reservation " + r.Reservation
	}
	return line
}

func stateLine(r report) string {
	if r.StateReason != "" {
		return fmt.Sprintf("%s: %s", r.State, r.StateReason)
	}
	return string(r.State)
}

func deadlineLine(r report, now time.Time) string {
	switch {
	case r.deadline.IsZero():
		return term.Unknown + ": the tag is missing or cannot be read; the instance keeps its last one"
	case r.State.Ended():
		return term.Moment(r.deadline.Time(), now)
	case r.deadline.Passed(now):
		return fmt.Sprintf("%s, %s ago", term.Moment(r.deadline.Time(), now), term.Span(-r.deadline.Left(now)))
	default:
		return fmt.Sprintf("%s, in %s", term.Moment(r.deadline.Time(), now), term.Span(r.deadline.Left(now)))
	}
}

// scriptLine is what became of the script in the user-data.
func scriptLine(r report) string {
	see := "; see: spawn logs " + cmp.Or(r.Name, r.ID)
	switch fate := r.Agent.Script; {
	case fate == lifecycle.ScriptRuns:
		return "runs"
	case fate == lifecycle.ScriptUnrun:
		return "could not be started" + see
	case fate.Failed():
		return "failed with exit code " + string(fate) + see
	default:
		return "succeeded"
	}
}

func agentLine(r report) string {
	if r.Agent == nil {
		if r.State == lifecycle.StateRunning {
			return "silent: the other layers watch the deadline"
		}
		return term.Unknown
	}
	line := fmt.Sprintf("%s, spored %s", r.Agent.Phase, r.Agent.Version)
	if !r.State.Ended() && !r.Agent.Acknowledged {
		line += ", has not acknowledged the deadline"
	}
	if r.Agent.Why != "" {
		line += " (" + r.Agent.Why + ")"
	}
	return line
}
