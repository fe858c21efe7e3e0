package truffle

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// How many days of Spot prices EC2 keeps, and how many of them are drawn
// unless told otherwise.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-history.html
const (
	maxDays     = 90
	defaultDays = 3
)

// spotOptions is what spot needs.
type spotOptions struct {
	Factory Factory
	Shared  shared
	Query   find.SpotQuery
	Chart   bool
	Days    int // of the chart
	Score   bool

	maxPrice    float64 // USD an hour
	sortByPrice bool
}

// newSpot turns flags into options. runF, if given, takes them instead of
// spotRun.
func newSpot(f Factory, runF func(spotOptions) error) *cobra.Command {
	opts := spotOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "spot <pattern>...",
		Short: "Show Spot prices, what they save and how often instances are interrupted",
		Long: `Show what instance types cost as Spot instances, zone by zone, how much less
that is than on demand, and how often such instances were interrupted.

Prices of zones are asked of EC2. Without credentials they are the region's
averages of the built-in catalog, marked with ~. Into a pipe the answer is
written as offers in JSON, which spawn launches as Spot instances.

--chart draws how the price went in each zone of the types that are shown, below
the table; it is plain text, and no part of the other forms.`,
		Example: `  truffle spot m7i.large --max-price 0.10 | spawn launch --spot
  truffle spot 'm8g.*' --sort-by-price --limit 5
  truffle spot m7i.large --chart --days 7
  truffle spot m7i.large m7a.large m6i.large --score`,
		ValidArgsFunction: complete.Types,
		Args:              somePattern,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Query.Patterns = args
			if err := opts.check(cmd); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return spotRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd, string(find.ByPreference), string(find.ByName), string(find.ByPrice), string(find.BySavings), string(find.ByInterruption))
	flags := cmd.Flags()
	flags.Float64Var(&opts.maxPrice, "max-price", 0, "leave out what costs more than this many `USD` an hour, or may")
	flags.BoolVar(&opts.sortByPrice, "sort-by-price", false, "the same as --sort-by price")
	flags.BoolVar(&opts.Chart, "chart", false, "draw how the price went in each zone")
	flags.IntVar(&opts.Days, "days", defaultDays, "how many `days` the chart shows")
	flags.BoolVar(&opts.Score, "score", false, "show how likely EC2 thinks capacity in each zone, from 1 to 10")
	return cmd
}

// somePattern wants at least one argument.
func somePattern(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return problem.New(problem.Usage, "which instance types is missing").
		WithNext("name a type or a pattern: %s 'm7i.*'", cmd.CommandPath())
}

// check reads the flags after parsing.
func (o *spotOptions) check(cmd *cobra.Command) error {
	if err := o.Shared.check(o.Factory, cmd); err != nil {
		return err
	}
	changed := cmd.Flags().Changed
	switch {
	case o.sortByPrice && changed("sort-by") && o.Shared.SortBy != string(find.ByPrice):
		return problem.New(problem.Usage, "--sort-by-price and --sort-by %s contradict each other", o.Shared.SortBy).WithNext("give one of them")
	case o.Chart && !o.Shared.Output.ForEyes():
		return problem.New(problem.Usage, "--chart is for eyes, and the output is %s", o.Shared.Output).
			WithNext("add --output table, or leave out --chart: the prices are in the answer")
	case changed("days") && !o.Chart:
		return problem.New(problem.Usage, "--days says how much --chart shows, which is missing").WithNext("add --chart")
	case o.Days < 1 || o.Days > maxDays:
		return problem.New(problem.Usage, "--days %d is not possible: EC2 keeps prices for %d days", o.Days, maxDays).WithNext("give 1 to %d", maxDays)
	}
	o.Query.By = find.SpotOrder(o.Shared.SortBy)
	if o.sortByPrice {
		o.Query.By = find.ByPrice
	}
	if !changed("max-price") {
		return nil
	}
	if o.Query.MaxPrice = price.FromUSD(o.maxPrice, "--max-price", ""); !o.Query.MaxPrice.Known() {
		return problem.New(problem.Usage, "--max-price %g cannot be a price", o.maxPrice).WithNext("give USD per hour, such as 0.10")
	}
	return nil
}

// Question is the query's, with what the score and the chart need.
func (o *spotOptions) Question() (market.Question, error) {
	q, err := o.Query.Question()
	if o.Score {
		q.Facets |= market.Scores
	}
	if o.Chart {
		q.Facets |= market.History
		q.Since = o.Factory.Now().AddDate(0, 0, -o.Days)
	}
	return q, err
}

func spotRun(ctx context.Context, opts spotOptions) error {
	known, err := opts.Factory.askIn(ctx, opts.Shared, &opts.Query.Regions, market.Types|market.OnDemand|market.Spot, &opts)
	if err != nil {
		return err
	}
	rows, explanation, err := find.Spot(known, opts.Query)
	if err != nil {
		return err
	}
	v := view[spotRecord]{columns: spotColumns(opts.Score)}
	for _, r := range rows {
		v.cells = append(v.cells, spotCells(r, opts.Score))
		v.records = append(v.records, newSpotRecord(r))
	}
	v.notes = spotMissing(explanation, opts)
	shown := rows[:opts.Shared.keep(len(rows))]
	if opts.Shared.Output.ForEyes() {
		v.notes = append(v.notes, spotProvenance(shown)...)
	}
	if opts.Score {
		v.notes = append(v.notes, scoreCaveats(known, rows)...)
	}
	if !opts.Chart {
		return show(opts.Factory, opts.Shared, v)
	}
	charts, err := spotCharts(known, shown, opts.Days)
	if err != nil {
		return err
	}
	if err := show(opts.Factory, opts.Shared, v); err != nil {
		return err
	}
	return drawCharts(opts.Factory.Streams, charts)
}
