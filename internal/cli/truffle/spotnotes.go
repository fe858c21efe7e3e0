package truffle

import (
	"fmt"
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
)

// spotMissing says what the answer leaves out.
func spotMissing(e find.SpotExplanation, opts spotOptions) []string {
	notes := missing(e.Explanation, opts.Query.Regions)
	if len(e.NotSold) > 0 {
		notes = append(notes, "EC2 has no Spot price for "+some(e.NotSold, 3))
	}
	if e.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("%d left out by --max-price because their Spot price is not known", e.Unknown))
	}
	return notes
}

// spotProvenance says where the numbers come from.
func spotProvenance(rows []find.SpotRow) []string {
	var prices []find.Row
	var interruptions []string
	for _, r := range rows {
		row := r.Row
		row.Spot = r.Price
		prices = append(prices, row)
		line := fmt.Sprintf("interrupted within a month, by AWS's Spot Instance advisor: %s, %s", r.InterruptionSource.AsOf, r.InterruptionSource.Name)
		if r.Interruption != catalog.InterruptionUnknown && !slices.Contains(interruptions, line) {
			interruptions = append(interruptions, line)
		}
	}
	return append(provenance(prices), interruptions...)
}

// scoreCaveats say what placement scores mean and what they do not, and where
// they are not known.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-placement-score.html
func scoreCaveats(known find.Known, rows []find.SpotRow) []string {
	var regions, types []string
	var failed []find.FailedQuery
	scored := false
	for _, r := range rows {
		scored = scored || r.Score > 0
		if !slices.Contains(types, r.Type.Name) {
			types = append(types, r.Type.Name)
		}
		if slices.Contains(regions, r.Region) {
			continue
		}
		regions = append(regions, r.Region)
		if err := known.Scored(r.Region); err != nil {
			failed = append(failed, find.FailedQuery{Region: r.Region, Err: err})
		}
	}
	notes := byCause("scores in %s are not known: %v", failed)
	if !scored {
		return notes
	}
	caveat := fmt.Sprintf("scores are EC2's guess for right now, 1 to 10, for all types asked about together (%d here); it tells the ten best zones only", len(types))
	if len(types) < 3 {
		caveat += "; for fewer than three types it is not representative"
	}
	return append(notes, caveat)
}
