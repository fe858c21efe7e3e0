package truffle

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
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
		ValidArgsFunction: completeTypes,
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
	case o.Chart && !o.Shared.Output.forEyes():
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

func spotRun(ctx context.Context, opts spotOptions) error {
	var err error
	if opts.Query.Regions, err = opts.Shared.regions(opts.Factory); err != nil {
		return err
	}
	question, err := opts.Query.Question()
	if err != nil {
		return err
	}
	question.Facets = market.Types | market.OnDemand | market.Spot
	if opts.Score {
		question.Facets |= market.Scores
	}
	if opts.Chart {
		question.Facets |= market.History
		question.Since = opts.Factory.Now().AddDate(0, 0, -opts.Days)
	}
	known, err := opts.Factory.ask(ctx, opts.Shared, question)
	if err != nil {
		return err
	}
	opts.Query.Regions = opts.Shared.answered(known, opts.Query.Regions)
	opts.Query.Regions = opts.Shared.answered(known, opts.Query.Regions)
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
	if opts.Shared.Output.forEyes() {
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

// spotRecord is an offer with what else is known of its Spot price.
type spotRecord struct {
	offer.Offer
	Average           bool       `json:"spot_price_is_average"` // of the region, and not what a zone asks now
	Since             *time.Time `json:"spot_price_since"`
	SavingsPercent    *int       `json:"savings_percent"`
	Interruption      *string    `json:"interruption"` // share of instances within a month: <5%, 5-10%, …
	InterruptionAsOf  *string    `json:"interruption_as_of"`
	InterruptionFrom  *string    `json:"interruption_source"`
	PlacementScore    *int       `json:"placement_score"` // 1 to 10, of all types asked about together
	OnDemandEstimated bool       `json:"on_demand_is_estimate"`
}

func newSpotRecord(r find.SpotRow) spotRecord {
	record := spotRecord{Offer: r.Offer(), Average: r.Average(), OnDemandEstimated: r.OnDemand.Estimated}
	if !r.Since.IsZero() {
		since := r.Since.UTC()
		record.Since = &since
	}
	if percent, _, ok := r.Savings(); ok {
		record.SavingsPercent = &percent
	}
	if r.Interruption != catalog.InterruptionUnknown {
		share := r.Interruption.String()
		record.Interruption, record.InterruptionAsOf, record.InterruptionFrom = &share, &r.InterruptionSource.AsOf, &r.InterruptionSource.Name
	}
	if r.Score > 0 {
		record.PlacementScore = &r.Score
	}
	return record
}

func spotColumns(score bool) []column {
	columns := []column{
		{Column: term.Column{Title: "TYPE"}},
		{Column: term.Column{Title: "ZONE"}},
		{Column: term.Column{Title: "SPOT $/h", Right: true}},
		{Column: term.Column{Title: "SAVES %", Right: true}},
		{Column: term.Column{Title: "INTERRUPTED", Right: true}},
	}
	if score {
		columns = append(columns, column{Column: term.Column{Title: "SCORE", Right: true}})
	}
	return append(columns,
		column{Column: term.Column{Title: "ON-DEMAND $/h", Right: true}},
		column{Column: term.Column{Title: "VCPU", Right: true}},
		column{Column: term.Column{Title: "MEMORY", Right: true}},
		column{Column: term.Column{Title: "ARCH"}, wide: true},
		column{Column: term.Column{Title: "GPU"}, wide: true},
		column{Column: term.Column{Title: "PRICE SINCE"}, wide: true},
		column{Column: term.Column{Title: "SPOT SOURCE"}, wide: true},
	)
}

func spotCells(r find.SpotRow, score bool) []string {
	cells := []string{r.Type.Name, spotZone(r), spotPrice(r), savings(r), r.Interruption.String()}
	if score {
		cells = append(cells, term.Count(r.Score))
	}
	since := term.Unknown
	if !r.Since.IsZero() {
		since = r.Since.Local().Format("2 Jan 15:04 MST")
	}
	return append(cells, r.OnDemand.String(), term.Count(r.Type.VCPUs), term.Memory(r.Type.MemoryMiB),
		term.Or(r.Type.Architectures.Preferred()), accelerators(r.Type), since, term.Provenance(r.Price))
}

func spotZone(r find.SpotRow) string {
	if r.Zone == "" {
		return "any in " + r.Region
	}
	return r.Zone
}

func spotPrice(r find.SpotRow) string {
	if r.Average() {
		return "~" + r.Price.String()
	}
	return r.Price.String()
}

func savings(r find.SpotRow) string {
	percent, estimated, ok := r.Savings()
	switch {
	case !ok:
		return term.Unknown
	case estimated:
		return "~" + strconv.Itoa(percent)
	default:
		return strconv.Itoa(percent)
	}
}

// spotMissing says what the answer leaves out.
func spotMissing(e find.SpotExplanation, opts spotOptions) []string {
	notes := missing(e.Explanation, opts.Query.Regions)
	for _, name := range e.NotSold {
		notes = append(notes, "EC2 has no Spot price for "+name)
	}
	if e.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("%d left out by --max-price because their Spot price is not known", e.Unknown))
	}
	return notes
}

// spotProvenance says where the numbers come from.
func spotProvenance(rows []find.SpotRow) []string {
	var prices []find.Row
	var interruptions []string
	averages := false
	for _, r := range rows {
		row := r.Row
		row.Spot = r.Price
		prices = append(prices, row)
		averages = averages || r.Average()
		line := fmt.Sprintf("interrupted within a month, by AWS's Spot Instance advisor: %s, %s", r.InterruptionSource.AsOf, r.InterruptionSource.Name)
		if r.Interruption != catalog.InterruptionUnknown && !slices.Contains(interruptions, line) {
			interruptions = append(interruptions, line)
		}
	}
	notes := append(provenance(prices), interruptions...)
	if averages {
		notes = append(notes, "~ beside a Spot price: the average of the region at that time, not what a zone asks now")
	}
	return notes
}

// scoreCaveats say what placement scores mean and what they do not, and where
// they are not known.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-placement-score.html
func scoreCaveats(known find.Known, rows []find.SpotRow) []string {
	var notes, regions, types []string
	scored := false
	for _, r := range rows {
		scored = scored || r.Score > 0
		if !slices.Contains(types, r.Type.Name) {
			types = append(types, r.Type.Name)
		}
		if slices.Contains(regions, r.Region) {
			continue
		}
		regions = append(regions, r.Region)
		if err := known.Scored(r.Region); err != nil {
			notes = append(notes, fmt.Sprintf("scores in %s are not known: %v", r.Region, err))
		}
	}
	if !scored {
		return notes
	}
	caveat := fmt.Sprintf("scores are EC2's guess for right now, 1 to 10, for all types asked about together (%d here); it tells the ten best zones only", len(types))
	if len(types) < 3 {
		caveat += "; for fewer than three types it is not representative"
	}
	return append(notes, caveat)
}
