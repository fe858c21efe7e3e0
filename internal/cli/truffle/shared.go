package truffle

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// shared are the flags of every command that answers with rows.
type shared struct {
	Regions   []string // as given: names, or all
	Local     bool
	Offline   bool
	Refresh   bool
	Profile   string
	Output    form.Form
	PickFirst bool
	Limit     int // 0 is no limit
	SortBy    string

	output string
	orders []string // what --sort-by takes
}

// flags gives a command the shared flags. orders are what --sort-by takes, the
// first being the default.
func (s *shared) flags(cmd *cobra.Command, orders ...string) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&s.Regions, "region", "r", nil, "`regions` to look in, separated by commas, or all (default: the configured one, else us-east-1)")
	flags.StringSliceVar(&s.Regions, "regions", nil, "the same as --region")
	flags.BoolVar(&s.Local, "local", settings.LocalByEnvironment(), "ask the local cloud on this machine instead of AWS (or SPAWN_LOCAL=1)")
	flags.BoolVar(&s.Offline, "offline", false, "ask nobody: show what was answered earlier, however old, else the built-in catalog")
	flags.BoolVar(&s.Refresh, "refresh", false, "ask again, whatever was answered earlier; without credentials this is an error")
	flags.StringVar(&s.Profile, "profile", "", "the AWS `profile` to ask with")
	flags.StringVarP(&s.output, "output", "o", "", "the `form`: "+form.Alternatives(form.All())+" (default: a table on a terminal, json into a pipe)")
	flags.BoolVar(&s.PickFirst, "pick-first", false, "print the first one only, in JSON as a single object")
	flags.IntVar(&s.Limit, "limit", 0, "print at most this many")
	if s.orders = orders; len(orders) > 0 {
		flags.StringVar(&s.SortBy, "sort-by", orders[0], "the `order`: "+form.Alternatives(orders))
	}
	s.complete(cmd)
}

// check reads the shared flags after parsing.
func (s *shared) check(f Factory, cmd *cobra.Command) error {
	var err error
	if s.Output, err = form.Parse(s.output, f.Streams.OutTTY, form.JSON); err != nil {
		return err
	}
	if cmd.Flags().Changed("limit") && s.Limit < 1 {
		return problem.New(problem.Usage, "--limit %d leaves nothing", s.Limit).WithNext("give at least 1")
	}
	if s.Offline && s.Refresh {
		return problem.New(problem.Usage, "--offline and --refresh contradict each other").WithNext("leave one of them out")
	}
	if s.Local && s.Profile != "" {
		return problem.New(problem.Usage, "--local and --profile contradict each other: the local cloud has no profiles").WithNext("leave one of them out")
	}
	if len(s.orders) > 0 && !slices.Contains(s.orders, s.SortBy) {
		return problem.New(problem.Usage, "there is no order %q", s.SortBy).WithNext("use --sort-by %s", form.Alternatives(s.orders))
	}
	if slices.Contains(s.Regions, "") || len(s.Regions) == 0 && (cmd.Flags().Changed("region") || cmd.Flags().Changed("regions")) {
		return problem.New(problem.Usage, "--region is empty").WithNext("leave it out for the configured region")
	}
	return nil
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
