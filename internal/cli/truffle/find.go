package truffle

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// newFind turns words and flags into the options of search. runF, if given,
// takes them instead of searchRun.
func newFind(f Factory, runF func(searchOptions) error) *cobra.Command {
	opts := searchOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "find <words>",
		Short: "Find instance types in plain words",
		Long: `Find instance types in plain words. What was understood is printed as the
search that it stands for; words that were not understood are an error.

Cores, memory and disk are what there should be at least, unless the words say
"exactly" or "at most"; a number of GPUs is that number. The cheapest comes first.`,
		Example: `  truffle find "h100 8gpu"
  truffle find "graviton 16 cores 64gb under \$1"
  truffle find "cheapest spot 4 cores 16gb in frankfurt" | spawn
  truffle find "burstable arm exactly 2 cores"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.Shared.check(f, cmd); err != nil {
				return err
			}
			understood, err := find.ReadWords(strings.Join(args, " "))
			if err != nil {
				return err
			}
			if err := opts.understand(understood); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			echo(f.Streams, understood, opts.Shared)
			return searchRun(cmd.Context(), opts)
		},
	}
	opts.Shared.flags(cmd, orders(find.OrderPrice)...)
	return cmd
}

// understand makes the query of what was understood.
func (o *searchOptions) understand(u find.Understood) error {
	if len(u.Regions) > 0 {
		if len(o.Shared.Regions) > 0 {
			return problem.New(problem.Usage, "the region is given twice: %s in words, %s as a flag", strings.Join(u.Regions, ", "), strings.Join(o.Shared.Regions, ", ")).
				WithNext("leave one of them out")
		}
		o.Shared.Regions = u.Regions
	}
	o.Query.Spot = u.Spot
	return o.read(u.Patterns, u.Settings)
}

// echo says what was understood, as a command that can be run instead.
func echo(streams term.Streams, u find.Understood, s shared) {
	args := append([]string{"truffle", "search"}, u.Args()...)
	if len(u.Regions) == 0 && len(s.Regions) > 0 {
		args = append(args, "--region", strings.Join(s.Regions, ","))
	}
	for _, flag := range []struct {
		name  string
		given bool
	}{{"--local", s.Local}, {"--offline", s.Offline}, {"--refresh", s.Refresh}, {"--pick-first", s.PickFirst}} {
		if flag.given {
			args = append(args, flag.name)
		}
	}
	if s.Profile != "" {
		args = append(args, "--profile", s.Profile)
	}
	args = append(args, "--sort-by", s.SortBy)
	if s.Limit > 0 {
		args = append(args, "--limit", strconv.Itoa(s.Limit))
	}
	if s.output != "" {
		args = append(args, "--output", s.output)
	}
	meaning := ""
	if u.AtLeast {
		meaning = " (N+ is at least N; say exactly for N itself)"
	}
	term.Note(streams, "understood as%s:", meaning)
	fmt.Fprintf(streams.Err, "  %s\n", find.Quote(args))
}
