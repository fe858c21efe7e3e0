package truffle

import (
	"strconv"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/term"
	"github.com/spawn-ec2/spawn/internal/term/form"
)

// spotRecord is an offer with what else is known of its Spot price.
type spotRecord struct {
	offer.Offer
	Average           bool       `json:"spot_price_is_average"` // of the region, and not what a zone asks now
	Since             *time.Time `json:"spot_price_since"`
	SavingsPercent    *int       `json:"savings_percent"`
	Interruption      *string    `json:"interruption"` // share of instances within a month: <5%, 5-10%, …
	InterruptionAsOf  *string    `json:"interruption_as_of"`
	InterruptionFrom  *string    `json:"interruption_source"`
	PlacementScore    *int       `json:"placement_score"` // 1 to 10, of all types asked about together
	OnDemandEstimated bool       `json:"on_demand_is_estimate"`
}

func newSpotRecord(r find.SpotRow) spotRecord {
	record := spotRecord{Offer: r.Offer(), Average: r.Average(), OnDemandEstimated: r.OnDemand.Estimated}
	if !r.Since.IsZero() {
		since := r.Since.UTC()
		record.Since = &since
	}
	if percent, _, ok := r.Savings(); ok {
		record.SavingsPercent = &percent
	}
	if r.Interruption != catalog.InterruptionUnknown {
		share := r.Interruption.String()
		record.Interruption, record.InterruptionAsOf, record.InterruptionFrom = &share, &r.InterruptionSource.AsOf, &r.InterruptionSource.Name
	}
	if r.Score > 0 {
		record.PlacementScore = &r.Score
	}
	return record
}

func spotColumns(score bool) []form.Column {
	text := func(title string) form.Column { return form.Column{Column: term.Column{Title: title}} }
	figure := func(title string) form.Column { return form.Column{Column: term.Column{Title: title, Right: true}} }
	// What the type is, its name says; a narrow terminal is for what Spot costs.
	spare := func(n int, c form.Column) form.Column {
		c.Spare = n
		return c
	}
	wide := func(c form.Column) form.Column {
		c.Wide = true
		return c
	}
	columns := []form.Column{
		text("TYPE"), text("ZONE"), spare(2, figure("VCPU")), spare(3, figure("MEMORY GiB")), figure("SPOT $/h"), figure("SAVES %"), figure("INTERRUPTED"),
	}
	if score {
		columns = append(columns, figure("SCORE"))
	}
	return append(columns, spare(1, figure("ON-DEMAND $/h")), spare(5, wide(text("ARCH"))), spare(5, wide(text("GPU"))), spare(5, wide(text("PRICE SINCE"))), spare(5, wide(text("SPOT SOURCE"))))
}

func spotCells(r find.SpotRow, score bool) []string {
	cells := []string{
		r.Type.Name, spotZone(r), term.Count(r.Type.VCPUs), term.GiB(r.Type.MemoryMiB), r.Price.String(), savings(r), r.Interruption.String(),
	}
	if score {
		cells = append(cells, term.Count(r.Score))
	}
	since := term.Unknown
	if !r.Since.IsZero() {
		since = r.Since.Local().Format("2 Jan 15:04 MST")
	}
	return append(cells, r.OnDemand.String(), term.Or(r.Type.Architectures.Preferred()), accelerators(r.Type), since, term.Provenance(r.Price))
}

func spotZone(r find.SpotRow) string {
	if r.Zone == "" {
		return "any in " + r.Region
	}
	return r.Zone
}

func savings(r find.SpotRow) string {
	percent, estimated, ok := r.Savings()
	switch {
	case !ok:
		return term.Unknown
	case estimated:
		return "~" + strconv.Itoa(percent)
	default:
		return strconv.Itoa(percent)
	}
}
