package truffle

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// completion is what a shell is offered for a word that was begun.
type completion = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// complete lets shells complete the shared flags.
func (s *shared) complete(cmd *cobra.Command) {
	for flag, words := range map[string]completion{
		"region":  completeRegions,
		"regions": completeRegions,
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

// completeTypes completes names of instance types: families first, and the
// sizes of a family once its dot is there, because a list of a thousand names
// helps nobody.
func completeTypes(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	begun = strings.ToLower(begun)
	inFamily := strings.Contains(begun, ".")
	var words []string
	for t := range catalog.Types() {
		word := t.Name
		if !inFamily {
			word = t.Family() + "."
		}
		if strings.HasPrefix(word, begun) && (len(words) == 0 || words[len(words)-1] != word) {
			words = append(words, word)
		}
	}
	if inFamily {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeRegions completes the last of several regions that commas separate.
func completeRegions(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	before, last := "", begun
	if comma := strings.LastIndexByte(begun, ','); comma >= 0 {
		before, last = begun[:comma+1], begun[comma+1:]
	}
	var words []string
	for _, name := range append(catalog.Regions(), "all") {
		if strings.HasPrefix(name, last) {
			words = append(words, before+name)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
