package truffle

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
)

// filterFlags gives a command a flag for each kind of filter. The function that
// it returns tells which were given, after parsing.
func filterFlags(cmd *cobra.Command) (given func() []find.Setting) {
	kinds := find.FilterKinds(false) // the flags are the same for Spot
	values := make([]string, len(kinds))
	for i, k := range kinds {
		cmd.Flags().StringVar(&values[i], k.Flag, "", k.Usage)
	}
	return func() []find.Setting {
		var settings []find.Setting
		for i, k := range kinds {
			if cmd.Flags().Changed(k.Flag) {
				settings = append(settings, find.Setting{Flag: k.Flag, Value: values[i]})
			}
		}
		return settings
	}
}

// missing says what a search left out: types that were asked for by name and
// are elsewhere, and types of which nobody can tell whether a filter fits.
func missing(e find.Explanation, regions []string) []string {
	var notes []string
	for _, m := range e.Elsewhere {
		note := fmt.Sprintf("%s is not listed in %s", m.Type, some(regions, 3))
		if len(m.Regions) > 0 {
			note += "; it is in " + some(market.FirstOf(catalog.BaseRegion, m.Regions), 5)
		}
		notes = append(notes, note)
	}
	for _, s := range e.Steps {
		switch {
		case s.Unknown == 1:
			notes = append(notes, fmt.Sprintf("1 type is left out because its %s is unknown (%s)", s.Filter.Subject(), s.Filter))
		case s.Unknown > 1:
			notes = append(notes, fmt.Sprintf("%d types are left out because their %s is unknown (%s)", s.Unknown, s.Filter.Subject(), s.Filter))
		}
	}
	if e.NotAsked > 0 {
		notes = append(notes, fmt.Sprintf("EC2 was not asked about %d of the types, because they are too many: the built-in catalog speaks for them; name fewer types or regions to ask about all", e.NotAsked))
	}
	return notes
}

// orders are what --sort-by takes, first the command's own default.
func orders(first find.Order) []string {
	names := []string{string(first)}
	for _, o := range find.Orders() {
		if o != first {
			names = append(names, string(o))
		}
	}
	return names
}
