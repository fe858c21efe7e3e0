// Package complete is what spawn and truffle offer to a shell for a word that
// was begun, and the command that prints the shell's script. It asks nobody:
// what has to be asked for is the commands' own affair.
package complete

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// Types completes names of instance types: families first, and the sizes of a
// family once its dot is there, because a list of a thousand names helps nobody.
func Types(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
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

// Regions completes the name of one region.
func Regions(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return beginning(catalog.Regions(), begun), cobra.ShellCompDirectiveNoFileComp
}

// SeveralRegions completes the last of several regions that commas separate, or
// all.
func SeveralRegions(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before, last := "", begun
	if comma := strings.LastIndexByte(begun, ','); comma >= 0 {
		before, last = begun[:comma+1], begun[comma+1:]
	}
	words := beginning(append(catalog.Regions(), "all"), last)
	for i := range words {
		words[i] = before + words[i]
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func beginning(words []string, begun string) (found []string) {
	for _, word := range words {
		if strings.HasPrefix(word, begun) {
			found = append(found, word)
		}
	}
	return found
}
