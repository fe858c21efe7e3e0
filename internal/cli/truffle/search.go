package truffle

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
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
	cmd := &cobra.Command{
		Use:   "search <pattern>...",
		Short: "Search instance types by name or pattern",
		Long: `Search instance types by name (m7i.large), glob ('m7i.*') or regular
expression ('/^m[67]i/'), in the order of preference in which they are given.

Types and prices come from the built-in catalog; what is printed says of which
day they are. Into a pipe the answer is written as offers in JSON.`,
		Example: `  truffle search m7i.large | spawn
  truffle search 'm7i.*' --region eu-west-1
  truffle search '/^t[34]g?\.micro$/' --output ndjson
  truffle search t3.micro --local | spawn launch --local --ttl 1h`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return problem.New(problem.Usage, "what to search for is missing").
					WithNext("name a type or a pattern: truffle search 'm7i.*'")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Query.Patterns = args
			if err := opts.Shared.check(f, cmd); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return searchRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd)
	return cmd
}

func searchRun(ctx context.Context, opts searchOptions) error {
	var err error
	if opts.Query.Regions, err = opts.Shared.regions(opts.Factory); err != nil {
		return err
	}
	known, err := opts.Factory.ask(ctx, opts.Shared, market.Question{Regions: opts.Query.Regions})
	if err != nil {
		return err
	}
	rows, explanation, err := find.Search(known, opts.Query)
	if err != nil {
		return err
	}
	v := view[offer.Offer]{columns: searchColumns()}
	for _, r := range rows {
		v.cells = append(v.cells, searchCells(r))
		v.records = append(v.records, r.Offer())
	}
	v.notes = missing(explanation, opts.Query.Regions)
	if opts.Shared.Output == formTable {
		v.notes = append(v.notes, provenance(rows[:opts.Shared.keep(len(rows))])...)
	}
	return show(opts.Factory, opts.Shared, v)
}

func searchColumns() []column {
	return []column{
		{Column: term.Column{Title: "TYPE"}},
		{Column: term.Column{Title: "VCPU", Right: true}},
		{Column: term.Column{Title: "MEMORY", Right: true}},
		{Column: term.Column{Title: "ARCH"}},
		{Column: term.Column{Title: "GPU"}},
		{Column: term.Column{Title: "ON-DEMAND $/h", Right: true}},
		{Column: term.Column{Title: "SPOT $/h", Right: true}},
		{Column: term.Column{Title: "NETWORK"}},
	}
}

func searchCells(r find.Row) []string {
	return []string{
		r.Type.Name,
		term.Count(r.Type.VCPUs),
		term.Memory(r.Type.MemoryMiB),
		term.Or(r.Type.Architectures.Preferred()),
		accelerators(r.Type),
		r.OnDemand.String(),
		r.Spot.String(),
		term.Or(r.Type.Network),
	}
}

func accelerators(t catalog.Type) string {
	switch {
	case t.Origin == catalog.NameOnly:
		return term.Unknown
	case t.Accelerators.Count == 0:
		return "-"
	default:
		return fmt.Sprintf("%d x %s", t.Accelerators.Count, t.Accelerators.Model)
	}
}

// missing says which types that were asked for by name the answer leaves out.
func missing(e find.Explanation, regions []string) []string {
	var notes []string
	for _, m := range e.Elsewhere {
		note := fmt.Sprintf("%s is not listed in %s", m.Type, strings.Join(regions, ", "))
		if len(m.Regions) > 0 {
			note += "; it is in " + strings.Join(m.Regions, ", ")
		}
		notes = append(notes, note)
	}
	return notes
}
