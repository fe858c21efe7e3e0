package truffle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Output is a form of the answer.
type Output string

// The forms.
const (
	Table  Output = "table"
	JSON   Output = "json"
	NDJSON Output = "ndjson"
)

// parseOutput reads --output. Without it, eyes get a table and a pipe gets
// JSON.
func parseOutput(text string, terminal bool) (Output, error) {
	switch o := Output(text); {
	case o == "" && terminal:
		return Table, nil
	case o == "":
		return JSON, nil
	case slices.Contains([]Output{Table, JSON, NDJSON}, o):
		return o, nil
	default:
		return "", problem.New(problem.Usage, "there is no output %q", text).WithNext("use --output table, json or ndjson")
	}
}

// writeTable shows results to a person.
func writeTable(s term.Streams, results []find.Result) error {
	columns := []term.Column{
		{Title: "TYPE"},
		{Title: "VCPU", Right: true},
		{Title: "MEMORY", Right: true},
		{Title: "ARCH"},
		{Title: "GPU"},
		{Title: "ON-DEMAND $/h", Right: true},
		{Title: "SPOT $/h", Right: true},
		{Title: "NETWORK"},
	}
	rows := make([][]string, len(results))
	for i, r := range results {
		rows[i] = []string{
			r.Type.Name,
			term.Count(r.Type.VCPUs),
			term.Memory(r.Type.MemoryMiB),
			term.Or(r.Type.Architectures.Preferred()),
			accelerators(r.Type),
			r.OnDemand().String(),
			r.Spot().String(),
			term.Or(r.Type.Network),
		}
	}
	return term.Table(s, columns, rows)
}

func accelerators(t catalog.Type) string {
	switch {
	case t.Origin == catalog.NameOnly:
		return term.Unknown
	case t.Accelerators.Count == 0:
		return "-"
	default:
		return fmt.Sprintf("%d x %s", t.Accelerators.Count, t.Accelerators.Model)
	}
}

// provenance says where the prices that are shown come from, a line for each
// source, and what an estimate is.
func provenance(region string, results []find.Result) []string {
	onDemand, spot := map[catalog.Source]bool{}, map[catalog.Source]bool{}
	estimated := false
	for _, r := range results {
		if p := r.Offering.OnDemand; p.Known() {
			onDemand[p.Source] = true
			estimated = estimated || p.Estimated
		}
		if p := r.Offering.Spot; p.Known() {
			spot[p.Source] = true
		}
	}
	lines := append(sourceLines("on-demand in "+region, onDemand), sourceLines("Spot average in "+region, spot)...)
	if estimated {
		lines = append(lines, fmt.Sprintf("~ is estimated from %s: whether %s has the type is not known", catalog.BaseRegion, region))
	}
	return lines
}

func sourceLines(what string, sources map[catalog.Source]bool) []string {
	var lines []string
	for s := range sources {
		lines = append(lines, fmt.Sprintf("%s: %s, %s", what, s.AsOf, s.Name))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(b, a) }) // the newest first
	return lines
}
