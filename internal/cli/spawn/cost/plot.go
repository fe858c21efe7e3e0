package cost

import (
	"fmt"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"

	"github.com/spawn-ec2/spawn/internal/term"
)

// How large the plot is, in characters, and what its axis takes.
const (
	plotHeight = 6
	plotLeast  = 20
	plotMost   = 100
	plotAxis   = 12
)

// plot draws on a terminal what a day costs, from now until the last deadline:
// what is known of it, if nothing is ended, stopped or started before.
func plot(s term.Streams, entries []entry, now time.Time) error {
	until := now
	for _, e := range entries {
		if !e.State.Ended() && e.deadline.After(until) {
			until = e.deadline
		}
	}
	if !s.OutTTY || !until.After(now) {
		return nil
	}
	width := min(max(s.Columns-plotAxis, plotLeast), plotMost)
	graph := asciigraph.Plot(ahead(entries, now, until, width), asciigraph.Height(plotHeight), asciigraph.LowerBound(0),
		asciigraph.YAxisValueFormatter(func(usd float64) string { return fmt.Sprintf("%.2f", usd) }))
	gap := max(1, width-len("now")-len(term.Moment(until, now)))
	_, err := fmt.Fprintf(s.Out, "\n$ a day, as far as it is known, until the last deadline\n%s\n%snow%s%s\n", graph, strings.Repeat(" ", plotAxis/2), strings.Repeat(" ", gap), term.Moment(until, now))
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// ahead samples what a day costs in USD, from now until then.
func ahead(entries []entry, now, until time.Time, samples int) []float64 {
	out := make([]float64, samples)
	for i := range out {
		at := now.Add(time.Duration(float64(until.Sub(now)) * float64(i) / float64(samples)))
		for _, e := range entries {
			if !e.State.Ended() && at.Before(e.deadline) {
				out[i] += e.knownRate() * 24
			}
		}
	}
	return out
}

// knownRate is what is known of the rate, in USD an hour.
func (e entry) knownRate() float64 {
	if usd := e.rate().USD(); usd != nil {
		return *usd
	}
	var total float64
	for _, part := range e.bill.Parts() {
		counts := part.Name == "disk" || e.runs()
		if usd := part.Price.USD(); usd != nil && counts {
			total += *usd
		}
	}
	return total
}
