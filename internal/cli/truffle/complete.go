package truffle

import (
	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/complete"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// complete lets shells complete the shared flags.
func (s *shared) complete(cmd *cobra.Command) {
	for flag, words := range map[string]cobra.CompletionFunc{
		"region":  complete.SeveralRegions,
		"regions": complete.SeveralRegions,
		"output": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, f := range form.All() {
				names = append(names, string(f))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		"sort-by": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return s.orders, cobra.ShellCompDirectiveNoFileComp
		},
	} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(flag, words); err != nil {
			panic("truffle: " + err.Error()) // a flag twice, which every start would show
		}
	}
}
