package truffle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// describeOptions is what describe and compare need.
type describeOptions struct {
	Factory Factory
	Shared  shared
	Types   []string
}

// newDescribe turns flags into options. runF, if given, takes them instead of
// describeRun.
func newDescribe(f Factory, runF func(describeOptions) error) *cobra.Command {
	opts := describeOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "describe <type>",
		Short: "Tell everything about one instance type",
		Long: `Tell everything about one instance type: what it has, where it is offered, what
it costs while it runs, while it is stopped and in a month, what it can do and
why not, and where each number comes from.`,
		Example: `  truffle describe m7i.large
  truffle describe p5.48xlarge --region us-east-1,eu-west-1 -o yaml`,
		ValidArgsFunction: complete.Types,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return problem.New(problem.Usage, "describe takes one instance type, but got %d", len(args)).
					WithNext("to see several beside each other: truffle compare m7i.large m8g.large")
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
			return describeRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd)
	return cmd
}

func describeRun(ctx context.Context, opts describeOptions) error {
	all, notes, err := opts.describe(ctx)
	if err != nil {
		return err
	}
	if !opts.Shared.Output.ForEyes() {
		return show(opts.Factory, opts.Shared, recordView(all, notes))
	}
	all = all[:opts.Shared.keep(len(all))]
	streams := opts.Factory.Streams
	if err := factTable(streams, "TYPE", all[0].Type.Name, append(typeFacts(all[0]), fact{name: "listed in", value: listedIn(all[0])})); err != nil {
		return err
	}
	for _, d := range all {
		fmt.Fprintln(streams.Out)
		facts := regionFacts(d)
		if !d.Confirmed {
			facts = append([]fact{{name: "listed there", value: term.Unknown}}, facts...)
		}
		for _, z := range d.SpotZones {
			facts = append(facts, fact{name: "Spot in " + z.Zone + ", $/h", value: z.Price.String()})
		}
		if err := factTable(streams, "REGION", d.Region, facts); err != nil {
			return err
		}
	}
	for _, note := range slices.Concat(notes, estimates(rowsOf(all)), assumptions(all)) {
		term.Note(streams, "%s", note)
	}
	return nil
}

// factTable writes facts under each other, with all that is known about them.
func factTable(streams term.Streams, what, name string, facts []fact) error {
	var cells [][]string
	for _, f := range facts {
		value := f.value
		if f.more != "" {
			value += ": " + f.more
		}
		cells = append(cells, []string{f.name, value})
	}
	return term.Table(streams, []term.Column{{Title: what}, {Title: name, Fold: true}}, cells)
}

// describe asks for the types and tells everything about them.
func (o describeOptions) describe(ctx context.Context) ([]find.Description, []string, error) {
	query := &find.Query{Patterns: o.Types}
	known, err := o.Factory.askIn(ctx, o.Shared, &query.Regions, inCatalog|market.Quotas, query)
	if err != nil {
		return nil, nil, err
	}
	all, explanation, err := find.Describe(known, *query)
	return all, missing(explanation, query.Regions), err
}

func rowsOf(all []find.Description) []find.Row {
	rows := make([]find.Row, len(all))
	for i, d := range all {
		rows[i] = d.Row
	}
	return rows
}

// recordView is what programs get of descriptions; eyes get tables of facts.
func recordView(all []find.Description, notes []string) view[description] {
	v := view[description]{notes: notes, cells: make([][]string, len(all))}
	for _, d := range all {
		v.records = append(v.records, describe(d))
	}
	return v
}

func listedIn(d find.Description) string {
	if len(d.ListedIn) == 0 {
		return term.Unknown
	}
	return fmt.Sprintf("%d regions: %s", len(d.ListedIn), strings.Join(d.ListedIn, " "))
}
