package wizard

import (
	"fmt"
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Need is what somebody needs an instance for.
type Need string

// The needs.
const (
	Small   Need = "small"
	General Need = "general"
	Memory  Need = "memory"
	GPU     Need = "GPU"
	ByName  Need = "type" // a type that is known by its name
)

// needs are all of them with what they are for.
func needs() []struct {
	need Need
	why  string
} {
	return []struct {
		need Need
		why  string
	}{
		{Small, "to try something out"},
		{General, "programs, builds, services"},
		{Memory, "large data, held in memory"},
		{GPU, "training, inference, rendering"},
		{ByName, "you know its name, such as m7i.large"},
	}
}

// mostTypes is how many types are shown for a need.
const mostTypes = 5

// suited are types for a need, the first ones first; the later ones are for
// regions without those. They are a matter of taste: types of today that most
// accounts may launch, from what is cheap to what is large.
func suited(n Need) []string {
	switch n {
	case Small:
		return []string{"t3.micro", "t3.small", "t4g.small", "t3.medium", "t3.large"}
	case General:
		return []string{"m7i.large", "m7g.large", "m7i.xlarge", "m7i.2xlarge", "m7i.4xlarge", "m6i.large", "m6i.xlarge", "m6i.2xlarge", "m5.large", "m5.xlarge", "m5.2xlarge"}
	case Memory:
		return []string{"r7i.large", "r7g.large", "r7i.xlarge", "r7i.2xlarge", "r7i.4xlarge", "r6i.large", "r6i.xlarge", "r6i.2xlarge", "r5.large", "r5.xlarge", "r5.2xlarge"}
	case GPU:
		return []string{"g4dn.xlarge", "g6.xlarge", "g5.xlarge", "g6e.xlarge", "p4d.24xlarge", "g4dn.2xlarge", "g6.2xlarge", "g5.2xlarge", "p5.48xlarge"}
	default:
		return nil
	}
}

// candidates are types for a need that a region has; there may be none.
func candidates(known find.Known, n Need, region string) []find.Row {
	var rows []find.Row
	for _, name := range suited(n) {
		t, there := catalog.Lookup(name)
		if row, offered := known.Row(region, t); there && offered && len(rows) < mostTypes {
			rows = append(rows, row)
		}
	}
	return rows
}

// named is the one type that a name means in a region.
func named(known find.Known, region, name string) (find.Row, error) {
	rows, _, err := find.Search(known, find.Query{Patterns: []string{name}, Regions: []string{region}})
	if err == nil && len(rows) > 1 {
		err = problem.New(problem.Usage, "%s are %d types", name, len(rows)).WithNext("name one of them, such as %s", rows[0].Type.Name)
	}
	if err != nil {
		return find.Row{}, err
	}
	return rows[0], nil
}

// typeOption is a type with what it has and what it costs. What a row of them is
// too narrow for is at its end: a GPU is chosen by what it is and costs.
func typeOption(r find.Row, gpus bool) term.Option {
	size := []string{term.Count(r.Type.VCPUs) + " vCPU", term.Memory(r.Type.MemoryMiB)}
	costs := []string{onDemand(r), spot(r)}
	if !gpus {
		return term.Option{Label: r.Type.Name, Details: append(size, costs...)}
	}
	gpu := fmt.Sprintf("%d × %s", r.Type.Accelerators.Count, r.Type.Accelerators.Model)
	return term.Option{Label: r.Type.Name, Details: slices.Concat([]string{gpu}, costs, size)}
}

// hourly is a price where the market is named before it.
func hourly(p price.Price) string {
	if !p.Known() {
		return "price " + term.Unknown
	}
	return p.Dollars() + " an hour"
}

func onDemand(r find.Row) string { return "on demand " + r.OnDemand.Dollars() }
func spot(r find.Row) string     { return "Spot " + r.Spot.Dollars() }

// provenance says where the prices of rows come from and of when they are, each
// source once.
func provenance(rows []find.Row, withSpot bool) []string {
	var notes []string
	add := func(market string, p price.Price) {
		if note := market + ": " + term.Provenance(p); p.Known() && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	for _, r := range rows {
		add("on demand", r.OnDemand)
	}
	for _, r := range rows {
		if withSpot {
			add("Spot, of which this is the average", r.Spot)
		}
	}
	return notes
}
