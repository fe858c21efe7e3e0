package truffle

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// shared are the flags of every command that answers with rows.
type shared struct {
	Regions   []string // as given: names, or all
	Local     bool
	Offline   bool
	Refresh   bool
	Output    form
	PickFirst bool
	Limit     int // 0 is no limit
	SortBy    string

	output string
}

// flags gives a command the shared flags. orders are what --sort-by takes, the
// first being the default.
func (s *shared) flags(cmd *cobra.Command, orders ...string) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&s.Regions, "region", "r", nil, "`regions` to look in, separated by commas, or all (default: the configured one, else us-east-1)")
	flags.StringSliceVar(&s.Regions, "regions", nil, "the same as --region")
	flags.BoolVar(&s.Local, "local", false, "ask the local cloud on this machine instead of AWS")
	flags.StringVarP(&s.output, "output", "o", "", "the `form`: table, json or ndjson (default: a table on a terminal, json into a pipe)")
	flags.BoolVar(&s.PickFirst, "pick-first", false, "print the first one only, in JSON as a single object")
	flags.IntVar(&s.Limit, "limit", 0, "print at most this many")
}

// check reads the shared flags after parsing.
func (s *shared) check(f Factory, cmd *cobra.Command) error {
	var err error
	if s.Output, err = parseForm(s.output, f.Streams.OutTTY); err != nil {
		return err
	}
	if cmd.Flags().Changed("limit") && s.Limit < 1 {
		return problem.New(problem.Usage, "--limit %d leaves nothing", s.Limit).WithNext("give at least 1")
	}
	if slices.Contains(s.Regions, "") || len(s.Regions) == 0 && (cmd.Flags().Changed("region") || cmd.Flags().Changed("regions")) {
		return problem.New(problem.Usage, "--region is empty").WithNext("leave it out for the configured region")
	}
	return nil
}

// regions are those to look in. The local cloud is the same whatever is
// configured for AWS.
func (s shared) regions(f Factory) ([]string, error) {
	if len(s.Regions) == 0 {
		if s.Local {
			return []string{defaultRegion}, nil
		}
		region, err := configuredRegion(f.Env)
		return []string{region}, err
	}
	if slices.Contains(s.Regions, "all") {
		return catalog.Regions(), nil
	}
	return s.Regions, nil
}

// keep is how many of n results are shown.
func (s shared) keep(n int) int {
	if s.PickFirst {
		n = min(n, 1)
	}
	if s.Limit > 0 {
		n = min(n, s.Limit)
	}
	return n
}
