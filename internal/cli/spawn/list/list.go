// Package list is "spawn list".
package list

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	All     bool
	Output  string
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the instances that spawn made, in all regions",
		Args:    factory.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return listRun(cmd.Context(), o) },
	}
	cmd.Flags().BoolVarP(&o.All, "all", "a", false, "also those that have ended, as long as EC2 shows them")
	cmd.Flags().StringVarP(&o.Output, "output", "o", "table", "how to show them, a `form`: table or json")
	f.CloudFlags(cmd)
	return cmd
}

// row is an instance as data.
type row struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"`
	Type     string           `json:"instance_type"`
	State    lifecycle.State  `json:"state"`
	Reason   string           `json:"state_reason,omitempty"`
	Region   string           `json:"region"`
	Zone     string           `json:"availability_zone"`
	Market   lifecycle.Market `json:"market"`
	Capacity string           `json:"reservation_id,omitempty"`
	PublicIP string           `json:"public_ip,omitempty"`
	Deadline string           `json:"deadline,omitempty"`
	Agent    lifecycle.Phase  `json:"agent,omitempty"`
	Owner    string           `json:"owner"`
	Launched time.Time        `json:"launched"`
}

func listRun(ctx context.Context, o *Options) error {
	if err := factory.OneOf("--output", o.Output, "table", "json"); err != nil {
		return err
	}
	target, found, unseen, err := o.Factory.List(ctx)
	if err != nil {
		return err
	}
	for _, u := range unseen {
		term.Note(o.Factory.Streams, "%s was not looked at: %v", u.Region, awsx.Explain(u.Err))
	}
	rows := make([]row, 0, len(found))
	for _, in := range found {
		if o.All || !in.State.Ended() {
			rows = append(rows, newRow(in))
		}
	}
	if o.Output == "json" {
		return term.JSON(o.Factory.Streams, rows)
	}
	if len(rows) == 0 {
		where := "anywhere"
		if o.Factory.Global.Region != "" {
			where = "in " + target.Region
		}
		term.Note(o.Factory.Streams, "no instances %s", where)
		return nil
	}
	o.Factory.MentionCosts(found, target.Clock.Now())
	return table(o.Factory.Streams, rows, target.Clock.Now())
}

func newRow(in instance.Placed) row {
	r := row{
		ID: in.ID, Name: in.Name, Type: in.Type, State: in.State, Reason: in.StateReason, Region: in.Region, Zone: in.Zone, Market: in.Market, Capacity: in.Reservation, PublicIP: in.PublicIP,
		Deadline: in.Tags.Deadline.String(), Owner: in.Tags.Owner, Launched: in.Launched,
	}
	if in.Status != nil {
		r.Agent = in.Status.Phase
	}
	return r
}

func table(s term.Streams, rows []row, now time.Time) error {
	columns := []term.Column{{Title: "NAME"}, {Title: "ID"}, {Title: "TYPE"}, {Title: "ZONE"}, {Title: "STATE"}, {Title: "LEFT", Right: true}, {Title: "MARKET"}, {Title: "AGENT"}, {Title: "ADDRESS"}}
	cells := make([][]string, len(rows))
	for i, r := range rows {
		cells[i] = []string{r.Name, r.ID, r.Type, cmp.Or(r.Zone, r.Region), string(r.State), left(r, now), string(r.Market), agent(r), cmp.Or(r.PublicIP, "none")}
	}
	return term.Table(s, columns, cells)
}

func left(r row, now time.Time) string {
	if r.State.Ended() {
		return "ended"
	}
	d, err := lifecycle.ParseDeadline(r.Deadline)
	if err != nil {
		return term.Unknown
	}
	return term.Span(d.Left(now))
}

func agent(r row) string {
	switch {
	case r.State.Ended():
		return "gone"
	case r.Agent != "":
		return string(r.Agent)
	case r.State == lifecycle.StateRunning:
		return "silent"
	default:
		return term.Unknown
	}
}
