package truffle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// capacityOptions is what capacity needs.
type capacityOptions struct {
	Factory Factory
	Shared  shared
	Query   find.CapacityQuery
	Blocks  bool
}

// newCapacity turns flags into options. runF, if given, takes them instead of
// capacityRun.
func newCapacity(f Factory, runF func(capacityOptions) error) *cobra.Command {
	opts := capacityOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "capacity",
		Short: "Show the account's capacity reservations, or Capacity Blocks for sale",
		Long: `Show the capacity reservations of the account, Capacity Blocks that it bought
among them: what can be launched into now first. Into a pipe they are written as
offers in JSON, and spawn launches into the first one.

With --blocks, show the Capacity Blocks that EC2 has for sale instead, for one
instance and one day. They are no offers to spawn: a block must be bought before
anything can run in it.

Only EC2 knows, so this needs credentials of an account or the local cloud.`,
		Example: `  truffle capacity --gpu-only --available-only | spawn launch --use-reservation
  truffle capacity --instance-types p5.48xlarge,p5e.48xlarge --region all
  truffle capacity --blocks --instance-types p5.48xlarge`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(cmd); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return capacityRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&opts.Query.Types, "instance-types", nil, "only these `types` or patterns, separated by commas")
	flags.BoolVar(&opts.Query.GPUOnly, "gpu-only", false, "only types with a GPU")
	flags.BoolVar(&opts.Query.AvailableOnly, "available-only", false, "only what can be launched into now")
	flags.BoolVar(&opts.Blocks, "blocks", false, "show Capacity Blocks for sale instead of reservations")
	return cmd
}

// check reads the flags after parsing.
func (o *capacityOptions) check(cmd *cobra.Command) error {
	if err := o.Shared.check(o.Factory, cmd); err != nil {
		return err
	}
	switch {
	case o.Blocks && o.Query.AvailableOnly:
		return problem.New(problem.Usage, "--available-only and --blocks contradict each other: a block that is for sale cannot be launched into").
			WithNext("leave out one of them")
	case slices.Contains(o.Query.Types, "") || len(o.Query.Types) == 0 && cmd.Flags().Changed("instance-types"):
		return problem.New(problem.Usage, "--instance-types is empty").WithNext("leave it out for all types")
	}
	return nil
}

func capacityRun(ctx context.Context, opts capacityOptions) error {
	facets := market.Reservations
	if opts.Blocks {
		facets = market.Blocks
	}
	query := &opts.Query
	known, err := opts.Factory.askIn(ctx, opts.Shared, &query.Regions, facets, query)
	if err != nil {
		return err
	}
	opts.Query.Now = opts.Factory.Now()
	if opts.Blocks {
		return showBlocks(opts, known)
	}
	return showReservations(opts, known)
}

func showReservations(opts capacityOptions, known find.Known) error {
	rows, explanation, err := find.Capacity(known, opts.Query)
	if err != nil {
		return err
	}
	v := view[capacityRecord]{columns: capacityColumns()}
	for _, r := range rows {
		v.cells = append(v.cells, capacityCells(r, opts.Query.Now))
		v.records = append(v.records, newCapacityRecord(r))
	}
	v.notes = capacityMissing(explanation)
	if rows[0].Obstacle != "" {
		v.notes = append(v.notes, "nothing can be launched into any of them now")
	}
	if opts.Shared.Output.ForEyes() {
		var prices []find.Row
		for _, r := range rows[:opts.Shared.keep(len(rows))] {
			row := r.Row
			row.Spot = price.Price{} // is not shown
			prices = append(prices, row)
		}
		v.notes = append(v.notes, provenance(prices)...)
		v.notes = append(v.notes, told(known, opts.Query.Regions, func(r market.Region) time.Time { return r.Reservations.AsOf })...)
	}
	return show(opts.Factory, opts.Shared, v)
}

// capacityRecord is an offer with what else is known of its reservation.
type capacityRecord struct {
	offer.Offer
	Launchable bool       `json:"launchable"` // now
	Obstacle   *string    `json:"obstacle"`   // why not; null when it is
	State      string     `json:"state"`
	Platform   string     `json:"platform"`
	Targeted   bool       `json:"targeted"` // only launches that name it use it
	Total      int        `json:"total_capacity"`
	Start      *time.Time `json:"start"`
	End        *time.Time `json:"end"` // null: until it is cancelled
}

func newCapacityRecord(r find.CapacityRow) capacityRecord {
	c := r.Reservation
	record := capacityRecord{
		Offer: r.Offer(), Launchable: r.Obstacle == "", State: c.State, Platform: c.Platform, Targeted: c.Targeted, Total: c.Total,
		Start: moment(c.Start), End: moment(c.End),
	}
	if r.Obstacle != "" {
		record.Obstacle = &r.Obstacle
	}
	return record
}

// moment is a time for a record; nil when there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func capacityColumns() []form.Column {
	return []form.Column{
		{Column: term.Column{Title: "TYPE"}},
		{Column: term.Column{Title: "ZONE"}},
		{Column: term.Column{Title: "FREE/TOTAL", Right: true}},
		{Column: term.Column{Title: "STATE", Spare: 2}},
		{Column: term.Column{Title: "KIND", Spare: 4}},
		{Column: term.Column{Title: "NOT NOW BECAUSE", Fold: true}},
		{Column: term.Column{Title: "RESERVATION"}},
		{Column: term.Column{Title: "START", Spare: 5}},
		{Column: term.Column{Title: "END", Spare: 3}},
		{Column: term.Column{Title: "PLATFORM", Spare: 6}, Wide: true},
		{Column: term.Column{Title: "USED BY", Spare: 6}, Wide: true},
		{Column: term.Column{Title: "VCPU", Right: true, Spare: 6}, Wide: true},
		{Column: term.Column{Title: "MEMORY GiB", Right: true, Spare: 6}, Wide: true},
		{Column: term.Column{Title: "GPU", Spare: 6}, Wide: true},
		{Column: term.Column{Title: "ON-DEMAND $/h", Right: true, Spare: 6}, Wide: true},
	}
}

func capacityCells(r find.CapacityRow, now time.Time) []string {
	c := r.Reservation
	obstacle, end, users := "-", "when cancelled", "all that fits"
	if r.Obstacle != "" {
		obstacle = r.Obstacle
	}
	if !c.End.IsZero() {
		end = term.Moment(c.End, now)
	}
	if c.Targeted {
		users = "launches that name it"
	}
	return []string{
		r.Type.Name, c.Zone, fmt.Sprintf("%d/%d", c.Available, c.Total), term.Or(c.State), term.Or(c.Kind), obstacle, c.ID,
		term.Moment(c.Start, now), end, term.Or(c.Platform), users,
		term.Count(r.Type.VCPUs), term.GiB(r.Type.MemoryMiB), accelerators(r.Type), r.OnDemand.String(),
	}
}

// capacityMissing says which regions the answer leaves out, and what else.
func capacityMissing(e find.CapacityExplanation) []string {
	notes := byCause("missing: %s: %v", e.Failed)
	if e.UnknownGPU > 0 {
		notes = append(notes, fmt.Sprintf("%d left out by --gpu-only because nothing is known about their type", e.UnknownGPU))
	}
	return notes
}

// byCause words failed queries, a line for each cause with all its regions.
func byCause(format string, failed []find.FailedQuery) []string {
	var causes []string
	regions := map[string][]string{}
	for _, f := range failed {
		cause := f.Err.Error()
		if regions[cause] == nil {
			causes = append(causes, cause)
		}
		regions[cause] = append(regions[cause], f.Region)
	}
	var lines []string
	for _, cause := range causes {
		lines = append(lines, fmt.Sprintf(format, strings.Join(regions[cause], ", "), cause))
	}
	return lines
}

// told says when EC2 told what is shown.
func told(known find.Known, regions []string, asOf func(market.Region) time.Time) []string {
	var moments origins
	for _, name := range regions {
		live, _ := known.Live.Region(name)
		if when := asOf(live); !when.IsZero() {
			moments = moments.add(name, "EC2", term.Stamp(when))
		}
	}
	return moments.lines("capacity")
}
