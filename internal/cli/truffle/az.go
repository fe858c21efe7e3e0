package truffle

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// azOptions is what az needs.
type azOptions struct {
	Factory Factory
	Shared  shared
	Query   find.ZoneQuery
}

// newAZ turns flags into options. runF, if given, takes them instead of azRun.
func newAZ(f Factory, runF func(azOptions) error) *cobra.Command {
	opts := azOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "az <pattern>...",
		Short: "Show in which availability zones types are offered",
		Long: `Show in which availability zones instance types are offered. Into a pipe the
answer is written as offers in JSON that name the zones, so that spawn can try
the next zone where one has no capacity left.

With credentials EC2 names the zones of the account. Without, they are the
built-in catalog's: which name stands for which zone may differ in an account.`,
		Example: `  truffle az m7i.large --region eu-west-1
  truffle az m7i.large --min-az-count 3 --output json | spawn launch
  truffle az 'p5.*' --region all --output wide`,
		ValidArgsFunction: complete.Types,
		Args:              somePattern,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Query.Patterns = args
			if err := opts.Shared.check(f, cmd); err != nil {
				return err
			}
			if cmd.Flags().Changed("min-az-count") && opts.Query.MinCount < 1 {
				return problem.New(problem.Usage, "--min-az-count %d leaves nothing out", opts.Query.MinCount).WithNext("give at least 1")
			}
			if runF != nil {
				return runF(opts)
			}
			return azRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd)
	cmd.Flags().IntVar(&opts.Query.MinCount, "min-az-count", 0, "leave out what is not known to be in at least `n` zones of a region")
	return cmd
}

func azRun(ctx context.Context, opts azOptions) error {
	query := &opts.Query
	known, err := opts.Factory.askIn(ctx, opts.Shared, &query.Regions, market.Types|market.Zones|market.OnDemand, query)
	if err != nil {
		return err
	}
	rows, explanation, err := find.Zones(known, opts.Query)
	if err != nil {
		return err
	}
	v := view[azRecord]{columns: azColumns()}
	for _, r := range rows {
		v.cells = append(v.cells, azCells(r))
		v.records = append(v.records, newAZRecord(r))
	}
	v.notes = missing(explanation.Explanation, opts.Query.Regions)
	if len(explanation.Unknown) > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%d left out by --min-az-count because their zones are not known: %s", len(explanation.Unknown), strings.Join(explanation.Unknown, ", ")))
	}
	if opts.Shared.Output.ForEyes() {
		v.notes = append(v.notes, azProvenance(rows[:opts.Shared.keep(len(rows))])...)
	}
	return show(opts.Factory, opts.Shared, v)
}

// azRecord is an offer with what else is known of its zones.
type azRecord struct {
	offer.Offer
	ZoneIDs    []string `json:"availability_zone_ids"` // in the order of availability_zones; null is unknown
	ZonesKnown bool     `json:"availability_zones_known"`
	ZonesTold  bool     `json:"availability_zones_of_account"` // named by EC2 to this account
}

func newAZRecord(r find.ZoneRow) azRecord {
	return azRecord{Offer: r.Offer(), ZoneIDs: r.IDs, ZonesKnown: len(r.Zones) > 0, ZonesTold: r.Told}
}

func azColumns() []form.Column {
	return []form.Column{
		{Column: term.Column{Title: "TYPE"}},
		{Column: term.Column{Title: "REGION"}},
		{Column: term.Column{Title: "ZONES", Right: true}},
		{Column: term.Column{Title: "NAMES"}},
		{Column: term.Column{Title: "ON-DEMAND $/h", Right: true}},
		{Column: term.Column{Title: "IDS"}, Wide: true},
	}
}

func azCells(r find.ZoneRow) []string {
	count, names := term.Unknown, term.Unknown
	if len(r.Zones) > 0 {
		count, names = strconv.Itoa(len(r.Zones)), strings.Join(shortZones(r), " ")
	}
	return []string{r.Type.Name, r.Region, count, names, r.OnDemand.String(), term.Or(strings.Join(r.IDs, " "))}
}

// shortZones are the zones' names without the region, which has its own column:
// a b c.
func shortZones(r find.ZoneRow) []string {
	var short []string
	for _, zone := range r.Zones {
		short = append(short, strings.TrimPrefix(strings.TrimPrefix(zone, r.Region), "-"))
	}
	return short
}

// azProvenance says where zones and prices come from.
func azProvenance(rows []find.ZoneRow) []string {
	var prices []find.Row
	fromCatalog, unknown := false, false
	for _, r := range rows {
		row := r.Row
		row.Spot = price.Price{} // is not shown
		prices = append(prices, row)
		fromCatalog = fromCatalog || !r.Told && len(r.Zones) > 0
		unknown = unknown || len(r.Zones) == 0
	}
	notes := provenance(prices)
	if fromCatalog {
		notes = append(notes, "zones of the built-in catalog go by their ids: which letter stands for which zone may differ in your account")
	}
	if unknown {
		notes = append(notes, "unknown zones: the type is newer than what the built-in catalog knows of the zones")
	}
	return notes
}
