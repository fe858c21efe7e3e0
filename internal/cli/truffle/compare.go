package truffle

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// newCompare turns flags into options. runF, if given, takes them instead of
// compareRun.
func newCompare(f Factory, runF func(describeOptions) error) *cobra.Command {
	opts := describeOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "compare <type> <type>...",
		Short: "Show instance types beside each other",
		Long: `Show instance types beside each other: a column for each, a row for each fact.
A row begins with ! where the types differ, and with ? where that cannot be told
because something is unknown. The cheapest price is marked.`,
		Example: `  truffle compare m7i.large m7g.large m8a.large
  truffle compare m7i.large m7g.large -r us-east-1,eu-west-1`,
		ValidArgsFunction: complete.Types,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || !slices.ContainsFunc(args, func(a string) bool { return a != args[0] }) {
				return problem.New(problem.Usage, "compare takes two different instance types or more").
					WithNext("name them: truffle compare m7i.large m7g.large")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Types = args
			if err := opts.Shared.check(f, cmd); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return compareRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd)
	return cmd
}

func compareRun(ctx context.Context, opts describeOptions) error {
	all, notes, err := opts.describe(ctx)
	if err != nil {
		return err
	}
	if !opts.Shared.Output.ForEyes() {
		return show(opts.Factory, opts.Shared, recordView(all, notes))
	}
	all = all[:opts.Shared.keep(len(all))]
	columns, cells := comparison(all, opts.Shared.Output == form.Wide)
	if err := term.Beside(opts.Factory.Streams, 2, columns, cells); err != nil {
		return err
	}
	for _, note := range slices.Concat(notes, provenance(rowsOf(all)), assumptions(all)) {
		term.Note(opts.Factory.Streams, "%s", note)
	}
	return nil
}

// comparison is the table: a column a type, a row a fact.
func comparison(all []find.Description, wide bool) ([]term.Column, [][]string) {
	columns := []term.Column{{Title: ""}, {Title: "TYPE"}}
	regions := slices.ContainsFunc(all, func(d find.Description) bool { return d.Region != all[0].Region })
	facts := make([][]fact, len(all))
	for i, d := range all {
		columns = append(columns, term.Column{Title: d.Type.Name, Fold: true})
		if regions {
			facts[i] = append(facts[i], fact{name: "region", value: d.Region})
		}
		facts[i] = append(facts[i], typeFacts(d)...)
		facts[i] = append(facts[i], regionFacts(d)...)
	}
	var cells [][]string
	for n, f := range facts[0] {
		if f.wide && !wide {
			continue
		}
		values := make([]string, len(all))
		for i := range all {
			values[i] = facts[i][n].value
		}
		row := []string{difference(values), f.name}
		for i, d := range all {
			row = append(row, values[i]+cheapestMark(f.name, d))
		}
		cells = append(cells, row)
	}
	return columns, cells
}

// difference marks values that are not all the same: ! where they differ, ?
// where they might.
func difference(values []string) string {
	known := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == term.Unknown })
	switch {
	case len(known) > 0 && slices.ContainsFunc(known, func(v string) bool { return v != known[0] }):
		return "!"
	case len(known) < len(values):
		return "?"
	default:
		return ""
	}
}

func cheapestMark(name string, d find.Description) string {
	if name == onDemandFact && d.OnDemandCheapest || name == spotFact && d.SpotCheapest {
		return " cheapest"
	}
	return ""
}
