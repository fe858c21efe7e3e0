package truffle

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// SearchOptions is what search needs.
type SearchOptions struct {
	Streams term.Streams
	Region  func() (string, error) // the region when --region is not given

	Query     find.Query
	Local     bool
	Output    Output
	PickFirst bool
	Limit     int // 0 is no limit
}

// newSearch turns flags into options. runF, if given, takes them instead of
// searchRun.
func newSearch(f Factory, runF func(SearchOptions) error) *cobra.Command {
	opts := SearchOptions{Streams: f.Streams, Region: func() (string, error) { return configuredRegion(f.Env) }}
	output := ""
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
			var err error
			if opts.Output, err = parseOutput(output, f.Streams.OutTTY); err != nil {
				return err
			}
			if cmd.Flags().Changed("limit") && opts.Limit < 1 {
				return problem.New(problem.Usage, "--limit %d leaves nothing", opts.Limit).WithNext("give at least 1")
			}
			if cmd.Flags().Changed("region") && opts.Query.Region == "" {
				return problem.New(problem.Usage, "--region is empty").WithNext("leave it out for the configured region")
			}
			if runF != nil {
				return runF(opts)
			}
			return searchRun(opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.Query.Region, "region", "r", "", "region to look in (default: the configured one, else us-east-1)")
	flags.BoolVar(&opts.Local, "local", false, "answer for the local cloud, whatever region is configured")
	flags.StringVarP(&output, "output", "o", "", "table, json or ndjson (default: a table on a terminal, json into a pipe)")
	flags.BoolVar(&opts.PickFirst, "pick-first", false, "print the first one only, in JSON as a single object")
	flags.IntVar(&opts.Limit, "limit", 0, "print at most this many")
	return cmd
}

func searchRun(opts SearchOptions) error {
	query := opts.Query
	if query.Region == "" {
		var err error
		if query.Region, err = regionFor(opts); err != nil {
			return err
		}
	}
	results, explanation, err := find.Search(query)
	if err != nil {
		return err
	}
	found := len(results)
	if opts.PickFirst {
		results = results[:1]
	}
	if opts.Limit > 0 && len(results) > opts.Limit {
		results = results[:opts.Limit]
	}
	if err := writeResults(opts, results); err != nil {
		return err
	}
	explain(opts, query.Region, results, found, explanation)
	return nil
}

// regionFor is the region when none was asked for. The local cloud is the same
// whatever is configured for AWS.
func regionFor(opts SearchOptions) (string, error) {
	if opts.Local {
		return defaultRegion, nil
	}
	return opts.Region()
}

func writeResults(opts SearchOptions, results []find.Result) error {
	if opts.Output == Table {
		return writeTable(opts.Streams, results)
	}
	offers := make([]offer.Offer, 0, len(results))
	for _, r := range results {
		offers = append(offers, r.Offer())
	}
	switch {
	case opts.Output == NDJSON:
		return offer.WriteLines(opts.Streams.Out, offers)
	case opts.PickFirst:
		return offer.WriteOne(opts.Streams.Out, offers[0])
	default:
		return offer.Write(opts.Streams.Out, offers)
	}
}

// explain says on standard error what the answer leaves out, and for a table
// also where its numbers come from; offers say that themselves.
func explain(opts SearchOptions, region string, results []find.Result, found int, explanation find.Explanation) {
	var notes []string
	for _, m := range explanation.Elsewhere {
		note := fmt.Sprintf("%s is not listed in %s", m.Type, region)
		if len(m.Regions) > 0 {
			note += "; it is in " + strings.Join(m.Regions, ", ")
		}
		notes = append(notes, note)
	}
	if opts.Output == Table {
		if more := found - len(results); more > 0 {
			notes = append(notes, fmt.Sprintf("%d more not shown", more))
		}
		notes = append(notes, provenance(region, results)...)
	}
	for _, note := range notes {
		term.Note(opts.Streams, "%s", note)
	}
}
