package truffle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/price"
)

// provenance says where the prices that are shown come from, a line for each
// source, and what an estimate is.
func provenance(rows []find.Row) []string {
	estimated := false
	var onDemand, spot []string
	for _, r := range rows {
		onDemand = withSource(onDemand, "on-demand in "+r.Region, r.OnDemand)
		spot = withSource(spot, "Spot in "+r.Region, r.Spot)
		estimated = estimated || r.OnDemand.Known() && r.OnDemand.Estimated
	}
	lines := slices.Concat(onDemand, spot)
	if estimated {
		lines = append(lines, fmt.Sprintf("~ is estimated from %s: whether the region has the type is not known", catalog.BaseRegion))
	}
	return lines
}

// withSource adds the line about a price's source, once.
func withSource(lines []string, what string, p price.Price) []string {
	if !p.Known() {
		return lines
	}
	line := fmt.Sprintf("%s: %s, %s", what, p.AsOf, p.Source)
	if slices.Contains(lines, line) {
		return lines
	}
	lines = append(lines, line)
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(b, a) }) // the newest first
	return lines
}
