package truffle

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/guptarohit/asciigraph"

	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// How large a chart is, in characters: as wide as the terminal, within bounds.
const (
	chartMin     = 40  // less does not fit both ends of the time under a plot
	chartMax     = 100 // more is more than the prices of some days tell
	chartUsual   = 72  // where there is no terminal
	plotHeight   = 4
	plotAxisRoom = 3 // between the numbers and the line
)

// maxPlots is how many plots are drawn at most; more are not looked at.
const maxPlots = 12

// spotChart is how the price of a type went in the zones of a region. Zones have
// a plot each, on the same scale: lines on top of each other would be told apart
// by colour alone.
type spotChart struct {
	title     string
	histories []find.SpotHistory
}

// spotCharts are those of the rows that are shown, a type in a region each. It
// is an error if EC2 did not tell about one of them: nobody else knows.
func spotCharts(known find.Known, rows []find.SpotRow, days int) ([]spotChart, error) {
	var charts []spotChart
	for _, r := range rows {
		title := fmt.Sprintf("%s in %s, Spot USD an hour, last %d days", r.Type.Name, r.Region, days)
		if slices.ContainsFunc(charts, func(c spotChart) bool { return c.title == title }) {
			continue
		}
		histories, err := known.SpotHistories(r.Region, r.Type.Name)
		if err != nil {
			return nil, err
		}
		charts = append(charts, spotChart{title, histories})
	}
	plots := 0
	for _, c := range charts {
		plots += len(c.histories)
	}
	if plots > maxPlots {
		return nil, problem.New(problem.Usage, "--chart would draw %d plots, of %d types", plots, len(charts)).
			WithNext("name fewer types, or add --limit 1: at most %d plots are drawn", maxPlots)
	}
	return charts, nil
}

func drawCharts(s term.Streams, charts []spotChart) error {
	for _, c := range charts {
		if _, err := fmt.Fprintf(s.Out, "\n%s\n", c.text(chartColumns(s))); err != nil {
			return fmt.Errorf("print a chart: %w", err)
		}
	}
	return nil
}

func chartColumns(s term.Streams) int {
	if !s.OutTTY || s.Columns == 0 {
		return chartUsual
	}
	return min(max(s.Columns, chartMin), chartMax)
}

// text is the chart within so many columns.
func (c spotChart) text(columns int) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, h := range c.histories {
		l, u := h.Extremes()
		low, high = min(low, l), max(high, u)
	}
	var b strings.Builder
	b.WriteString(c.title + "\n")
	if len(c.histories) == 0 {
		b.WriteString("EC2 has no prices of that time\n")
	}
	labels := len(axisNumber(high))
	width := columns - labels - plotAxisRoom
	for _, h := range c.histories {
		zoneLow, zoneHigh := h.Extremes()
		fmt.Fprintf(&b, "\n%s: %s to %s, now %s\n", h.Zone, axisNumber(zoneLow), axisNumber(zoneHigh), h.Prices[len(h.Prices)-1].Price)
		b.WriteString(asciigraph.Plot(h.Sampled(width), asciigraph.Height(plotHeight),
			asciigraph.LowerBound(low), asciigraph.UpperBound(high), asciigraph.YAxisValueFormatter(axisNumber)))
		b.WriteString("\n" + timeAxis(h, labels+plotAxisRoom-1, width) + "\n")
	}
	return b.String()
}

func axisNumber(usd float64) string { return fmt.Sprintf("%.4f", usd) }

// timeAxis names the first and the last moment under the ends of a plot.
func timeAxis(h find.SpotHistory, indent, width int) string {
	first, last := h.From.Local().Format("2 Jan 15:04"), h.To.Local().Format("2 Jan 15:04 MST")
	gap := max(1, width-len(first)-len(last))
	return strings.Repeat(" ", indent) + first + strings.Repeat(" ", gap) + last
}
