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
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	All     bool
	Output  string
	Watch   bool

	form form.Form
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
	cmd.Flags().StringVarP(&o.Output, "output", "o", string(form.Table), "how to show them, a `form`: "+form.Alternatives(form.All()))
	cmd.Flags().BoolVarP(&o.Watch, "watch", "w", false, "show them again every two seconds, until Ctrl-C")
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
	var err error
	if o.form, err = form.Parse(o.Output, true, form.Table); err != nil {
		return err
	}
	if o.Watch && (!o.form.ForEyes() || !o.Factory.Streams.OutTTY) {
		return problem.New(problem.Usage, "--watch draws a table again and again, which needs a terminal").WithNext("list once, without --watch")
	}
	target, err := o.Factory.Connect(ctx, "")
	if err != nil {
		return err
	}
	if o.Watch {
		return o.watch(ctx, target)
	}
	return o.once(ctx, target, o.Factory.Streams)
}

// once lists what there is now.
func (o *Options) once(ctx context.Context, target *awsx.Target, s term.Streams) error {
	found, unseen, err := o.Factory.Look(ctx, target)
	if err != nil {
		return err
	}
	for _, u := range unseen {
		term.Note(s, "%s was not looked at: %v", u.Region, awsx.Explain(u.Err))
	}
	rows := make([]row, 0, len(found))
	for _, in := range found {
		if o.All || !in.State.Ended() {
			rows = append(rows, newRow(in))
		}
	}
	if len(rows) == 0 && o.form.ForEyes() {
		where := "anywhere"
		if o.Factory.Global.Region != "" {
			where = "in " + target.Region
		}
		term.Note(s, "no instances %s", where)
		return nil
	}
	if o.form.ForEyes() && !o.Watch {
		o.Factory.MentionCosts(found, target.Clock.Now())
	}
	return view(rows, target.Clock.Now()).Write(s, o.form)
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

func view(rows []row, now time.Time) form.View[row] {
	// Who it is, how it stands and how long it has come first where there is
	// little room.
	text := func(title string, spare int) form.Column {
		return form.Column{Column: term.Column{Title: title, Spare: spare}}
	}
	wide := func(title string, spare int) form.Column {
		return form.Column{Column: term.Column{Title: title, Spare: spare}, Wide: true}
	}
	v := form.View[row]{Records: rows, Columns: []form.Column{
		text("NAME", 0), text("ID", 4), text("TYPE", 1), text("ZONE", 3), text("STATE", 0),
		{Column: term.Column{Title: "LEFT", Right: true}},
		text("MARKET", 6), text("AGENT", 2), text("ADDRESS", 5),
		wide("ENDS", 7), wide("STARTED", 8), wide("RESERVATION", 9), wide("OWNER", 10), wide("WHY", 11),
	}}
	for _, r := range rows {
		v.Cells = append(v.Cells, []string{
			r.Name, r.ID, r.Type, cmp.Or(r.Zone, r.Region), string(r.State), left(r, now), string(r.Market), agent(r), cmp.Or(r.PublicIP, "none"),
			ends(r, now), term.Moment(r.Launched, now), cmp.Or(r.Capacity, "none"), term.Or(r.Owner), r.Reason,
		})
	}
	return v
}

func ends(r row, now time.Time) string {
	d, err := lifecycle.ParseDeadline(r.Deadline)
	if err != nil {
		return term.Unknown
	}
	return term.Moment(d.Time(), now)
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
