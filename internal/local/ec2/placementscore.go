package ec2

import (
	"cmp"
	"slices"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// scoresInput is what GetSpotPlacementScores takes: types by name, not by
// requirements.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSpotPlacementScores.html
type scoresInput struct {
	call.Dry
	Paging
	Types                  []string `query:"InstanceType"`
	TargetCapacity         *int
	TargetCapacityUnitType string
	SingleAvailabilityZone bool
	RegionNames            []string `query:"RegionName"`
}

type placementScore struct {
	Region string `xml:"region"`
	ZoneID string `xml:"availabilityZoneId,omitempty"`
	Score  int    `xml:"score"`
}

type scoresOutput struct {
	Scores    wire.Items[placementScore] `xml:"spotPlacementScoreSet"`
	NextToken string                     `xml:"nextToken,omitempty"`
}

// The documented limits of a request and of its answer.
const (
	maxScoredTypes   = 1000
	maxScoredRegions = 10
	maxScores        = 10
	maxTarget        = 2_000_000_000
)

// getSpotPlacementScores scores regions, or zones, from 1 to 10, the best ten
// first. The scores are this cloud's own; the rules that AWS documents hold for
// them: fewer than three types always score low.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-placement-score.html
func (s *Service) getSpotPlacementScores(_ *store.Tx, _ *call.Caller, in *scoresInput) (*scoresOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	regions := in.RegionNames
	if len(regions) == 0 {
		regions = Regions()
	}
	var all []placementScore
	for _, region := range regions {
		if !KnownRegion(region) {
			return nil, errValue("The region '%s' is invalid", region)
		}
		all = append(all, in.score(region)...)
	}
	slices.SortStableFunc(all, func(a, b placementScore) int { return cmp.Compare(b.Score, a.Score) })
	all = all[:min(len(all), maxScores)]
	found, next, err := page(in.Paging, limits{10, 1000}, false, numbered(slices.Values(all)), func(placementScore) bool { return true })
	if err != nil {
		return nil, err
	}
	return &scoresOutput{found, next}, nil
}

func (in *scoresInput) check() error {
	switch {
	case in.TargetCapacity == nil:
		return errMissing("TargetCapacity")
	case *in.TargetCapacity < 1 || *in.TargetCapacity > maxTarget:
		return errValue("Invalid value '%d' for TargetCapacity: it must be from 1 to %d", *in.TargetCapacity, maxTarget)
	case len(in.Types) == 0:
		return errMissing("InstanceTypes")
	case len(in.Types) > maxScoredTypes:
		return errValue("Up to %d instance types can be scored", maxScoredTypes)
	case len(in.RegionNames) > maxScoredRegions:
		return errValue("Up to %d regions can be named", maxScoredRegions)
	}
	for _, name := range in.Types {
		if _, found := catalog.Lookup(name); !found {
			return errValue("Invalid value '%s' for InstanceType.", name)
		}
	}
	return oneOf("TargetCapacityUnitType", in.TargetCapacityUnitType, "units", "vcpu", "memory-mib")
}

// score is the score of a region, or of each of its zones, that has any of the
// types: what its best type scores.
func (in *scoresInput) score(region string) []placementScore {
	best := map[string]int{} // by zone id; "" for the region
	for _, name := range in.Types {
		o, _ := catalog.Offered(region, name)
		if !o.Spot.Known() {
			continue
		}
		n := in.scoreType(o)
		if !in.SingleAvailabilityZone {
			best[""] = max(best[""], n)
			continue
		}
		for _, z := range zonesWith(o) {
			best[z.ID] = max(best[z.ID], n)
		}
	}
	var out []placementScore
	for id, n := range best {
		out = append(out, placementScore{region, id, n})
	}
	slices.SortFunc(out, func(a, b placementScore) int { return cmp.Compare(a.ZoneID, b.ZoneID) })
	return out
}

// scoreType rates a type by how often it was interrupted, less one for each
// power of ten of instances beyond ten.
func (in *scoresInput) scoreType(o catalog.Offering) int {
	score := map[catalog.Interruption]int{
		catalog.Under5Percent: 9, catalog.From5To10Percent: 7, catalog.From10To15Percent: 5, catalog.From15To20Percent: 4, catalog.Over20Percent: 3,
	}[o.Interruption]
	for n := in.instances(o.Type); n > 10; n /= 10 {
		score--
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(in.Types)))
	if len(distinct) < 3 {
		score = min(score, 3)
	}
	return max(score, 1)
}

// instances is how many of the type make up the target capacity.
func (in *scoresInput) instances(name string) int {
	t, _ := catalog.Lookup(name)
	each := 1
	switch in.TargetCapacityUnitType {
	case "vcpu":
		each = max(1, t.VCPUs)
	case "memory-mib":
		each = max(1, t.MemoryMiB)
	}
	return (*in.TargetCapacity + each - 1) / each
}
