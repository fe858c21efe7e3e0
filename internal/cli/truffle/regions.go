package truffle

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// regionsOptions is what regions needs.
type regionsOptions struct {
	Factory Factory
	Shared  shared
}

// newRegions turns flags into options. runF, if given, takes them instead of
// regionsRun.
func newRegions(f Factory, runF func(regionsOptions) error) *cobra.Command {
	opts := regionsOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "regions",
		Short: "Show all regions, what they have and how dear they are",
		Long: `Show all regions: their names in words, how many zones and instance types they
have, whether the account has enabled them, and how dear they are beside
us-east-1. That price level is the median over the types that both have.`,
		Example: `  truffle regions
  truffle regions --sort-by level --limit 5
  truffle regions --region eu-west-1,eu-central-1 --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.Shared.check(f, cmd); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return regionsRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd, "name", "level")
	return cmd
}

func regionsRun(ctx context.Context, opts regionsOptions) error {
	configured, err := opts.Shared.configured(opts.Factory)
	if err != nil {
		return err
	}
	known, err := opts.Factory.ask(ctx, opts.Shared, market.Question{First: configured})
	if err != nil {
		return err
	}
	rows, err := chosenRegions(find.Regions(known), opts.Shared.Regions)
	if err != nil {
		return err
	}
	if opts.Shared.SortBy == "level" {
		slices.SortStableFunc(rows, find.CompareLevels)
	}
	v := view[regionRecord]{columns: regionColumns()}
	for _, r := range rows {
		v.cells = append(v.cells, regionCells(r))
		v.records = append(v.records, newRegionRecord(r))
	}
	if opts.Shared.Output.ForEyes() {
		v.notes = regionProvenance(known)
	}
	return show(opts.Factory, opts.Shared, v)
}

// chosenRegions are the rows of the regions that were named, in that order; all
// when none was.
func chosenRegions(rows []find.RegionRow, names []string) ([]find.RegionRow, error) {
	if len(names) == 0 || slices.Contains(names, "all") {
		return rows, nil
	}
	var chosen []find.RegionRow
	for _, name := range names {
		i := slices.IndexFunc(rows, func(r find.RegionRow) bool { return r.Name == name })
		if i < 0 {
			return nil, problem.New(problem.Usage, "nothing is known about region %q", name).WithNext("list those that are known: truffle regions")
		}
		chosen = append(chosen, rows[i])
	}
	return chosen, nil
}

// regionRecord is a region; what is not known is null.
type regionRecord struct {
	Region   string   `json:"region"`
	Place    *string  `json:"place"`
	Zones    *int     `json:"zones"`
	Types    *int     `json:"instance_types"`
	Enabled  *bool    `json:"enabled"`
	Level    *float64 `json:"price_level"` // 1 is as dear as us-east-1; an estimate
	Compared int      `json:"price_level_types"`
}

func newRegionRecord(r find.RegionRow) regionRecord {
	record := regionRecord{Region: r.Name, Compared: r.Compared}
	if r.Place != "" {
		record.Place = &r.Place
	}
	if r.Zones > 0 {
		record.Zones = &r.Zones
	}
	if r.Types > 0 {
		record.Types = &r.Types
	}
	if r.Enabled != catalog.Unknown {
		yes := r.Enabled == catalog.Yes
		record.Enabled = &yes
	}
	if r.Level > 0 {
		rounded := math.Round(r.Level*1000) / 1000
		record.Level = &rounded
	}
	return record
}

func regionColumns() []form.Column {
	return []form.Column{
		{Column: term.Column{Title: "REGION"}},
		{Column: term.Column{Title: "PLACE"}},
		{Column: term.Column{Title: "PRICE LEVEL", Right: true}},
		{Column: term.Column{Title: "ZONES", Right: true}},
		{Column: term.Column{Title: "TYPES", Right: true}},
		{Column: term.Column{Title: "ENABLED"}},
		{Column: term.Column{Title: "TYPES COMPARED", Right: true}, Wide: true},
	}
}

func regionCells(r find.RegionRow) []string {
	level := term.Unknown
	if r.Level > 0 {
		level = fmt.Sprintf("~%.2f", r.Level)
	}
	return []string{r.Name, term.Or(r.Place), level, term.Count(r.Zones), term.Count(r.Types), r.Enabled.String(), term.Count(r.Compared)}
}

// regionProvenance says where the columns come from.
func regionProvenance(known find.Known) []string {
	var sources []string
	for _, s := range catalog.Sources() {
		sources = append(sources, s.AsOf+", "+s.Name)
	}
	notes := []string{
		"~ price level: the median of on-demand prices beside " + catalog.BaseRegion + ", estimated from lists of different days",
		"zones, types and prices: " + strings.Join(sources, "; "),
	}
	switch enabled := known.Live.Enabled; {
	case enabled.Err != nil:
		notes = append(notes, fmt.Sprintf("which regions are enabled is not known: %v", enabled.Err))
	case enabled.Known():
		notes = append(notes, "enabled in the account: "+term.Stamp(enabled.AsOf)+", EC2")
	}
	return notes
}
