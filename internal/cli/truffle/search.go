package truffle

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// searchOptions is what search needs.
type searchOptions struct {
	Factory Factory
	Shared  shared
	Query   find.Query
}

// newSearch turns flags into options. runF, if given, takes them instead of
// searchRun.
func newSearch(f Factory, runF func(searchOptions) error) *cobra.Command {
	opts := searchOptions{Factory: f}
	var filters func() []find.Setting
	cmd := &cobra.Command{
		Use:   "search [pattern]...",
		Short: "Search instance types by name, pattern and what they have",
		Long: `Search instance types by name (m7i.large), glob ('m7i.*') or regular
expression ('/^m[67]i/'), in the order of preference in which they are given,
and by what they have. With filters no pattern is needed; then the cheapest
comes first.

A range is a number (8), from and to (4-16), at least (8+) or at most (-16), in
the unit that the flag names or in the one behind a number (--memory 1tib+). A
type of which nobody knows whether it fits is left out, and counted.

What is printed says where it comes from and of which day it is. Into a pipe the
answer is written as offers in JSON.`,
		Example: `  truffle search m7i.large | spawn
  truffle search 'm7i.*' --region eu-west-1
  truffle search --vcpus 8+ --memory 32-64 --arch arm64 --max-price 0.50
  truffle search --gpu-model h100 --gpus 8 -r all --sort-by price
  truffle search '/^t[34]g?\.micro$/' --output ndjson
  truffle search t3.micro --local | spawn launch --local --ttl 1h`,
		ValidArgsFunction: complete.Types,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.Shared.check(f, cmd); err != nil {
				return err
			}
			if err := opts.read(args, filters()); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return searchRun(cmd.Context(), opts)
		},
	}
	filters = filterFlags(cmd)
	cmd.Flags().BoolVar(&opts.Query.Spot, "spot", false, "as Spot instances: offers are for Spot, and prices to sort and filter by are Spot prices")
	opts.Shared.flags(cmd, orders(find.OrderPreference)...)
	return cmd
}

// read makes the query of what was given.
func (o *searchOptions) read(patterns []string, filters []find.Setting) error {
	if len(patterns) == 0 && len(filters) == 0 {
		return problem.New(problem.Usage, "what to search for is missing").
			WithNext("name a type, a pattern or a filter: truffle search 'm7i.*' --vcpus 8+")
	}
	o.Query.Patterns, o.Query.Order = patterns, find.Order(o.Shared.SortBy)
	var err error
	o.Query.Filters, err = find.ParseFilters(filters, o.Query.Spot)
	return err
}

func searchRun(ctx context.Context, opts searchOptions) error {
	query := &opts.Query
	known, err := opts.Factory.askIn(ctx, opts.Shared, &query.Regions, inCatalog, query)
	if err != nil {
		return err
	}
	rows, explanation, err := find.Search(known, opts.Query)
	if err != nil {
		return err
	}
	columns := searchColumns(len(opts.Query.Regions) > 1)
	v := view[offer.Offer]{columns: titles(columns)}
	for _, r := range rows {
		v.cells = append(v.cells, cellsOf(columns, r))
		v.records = append(v.records, opts.Query.Offer(r))
	}
	v.notes = missing(explanation, opts.Query.Regions)
	if opts.Shared.Output.ForEyes() {
		v.notes = append(v.notes, provenance(rows[:opts.Shared.keep(len(rows))])...)
	}
	return show(opts.Factory, opts.Shared, v)
}

// rowColumn is a column about rows.
type rowColumn struct {
	form.Column
	of func(find.Row) string
}

func searchColumns(regions bool) []rowColumn {
	text := func(title string, of func(find.Row) string) rowColumn {
		return rowColumn{form.Column{Column: term.Column{Title: title}}, of}
	}
	figure := func(title string, of func(find.Row) string) rowColumn {
		return rowColumn{form.Column{Column: term.Column{Title: title, Right: true}}, of}
	}
	wide := func(c rowColumn) rowColumn {
		c.Wide = true
		return c
	}
	columns := []rowColumn{text("TYPE", func(r find.Row) string { return r.Type.Name })}
	if regions {
		columns = append(columns, text("REGION", func(r find.Row) string { return r.Region }))
	}
	return append(columns,
		figure("VCPU", func(r find.Row) string { return term.Count(r.Type.VCPUs) }),
		figure("MEMORY GiB", func(r find.Row) string { return term.GiB(r.Type.MemoryMiB) }),
		figure("PRICE $/h", func(r find.Row) string { return r.OnDemand.String() }),
		figure("SPOT $/h", func(r find.Row) string { return r.Spot.String() }),
		text("ARCH", func(r find.Row) string { return term.Or(r.Type.Architectures.Preferred()) }),
		text("GPU", func(r find.Row) string { return accelerators(r.Type) }),
		wide(figure("GPU MEMORY", func(r find.Row) string { return gpuMemory(r.Type) })),
		text("NETWORK", func(r find.Row) string { return network(r.Type) }),
		wide(figure("EBS", func(r find.Row) string { return ebs(r.Type) })),
		wide(figure("LOCAL DISK", func(r find.Row) string { return localDisk(r.Type) })),
		wide(text("HIBERNATION", func(r find.Row) string { return r.Type.Hibernation.String() })),
		wide(text("ZONES", func(r find.Row) string { return term.Or(strings.Join(r.Zones, " ")) })),
		wide(text("PRICE OF", func(r find.Row) string { return term.Provenance(r.OnDemand) })),
		wide(text("SPOT PRICE OF", func(r find.Row) string { return term.Provenance(r.Spot) })),
	)
}

func titles(columns []rowColumn) []form.Column {
	var all []form.Column
	for _, c := range columns {
		all = append(all, c.Column)
	}
	return all
}

func cellsOf(columns []rowColumn, r find.Row) []string {
	var cells []string
	for _, c := range columns {
		cells = append(cells, c.of(r))
	}
	return cells
}
