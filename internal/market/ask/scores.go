package ask

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

// The limits of GetSpotPlacementScores: types and regions of a request.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSpotPlacementScores.html
const (
	scoredTypes   = 1000
	scoredRegions = 10
)

// scores asks how likely each zone is to have one Spot instance of any of the
// question's types; one fact a region, or none if scores are not asked for.
//
// A score is of all types together, not of each. With fewer than three of them
// it is always low and says nothing. A call tells the ten best zones of its
// regions: a zone without a score is unknown, not bad.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-placement-score.html
func (a *asker) scores(ctx context.Context, regions []market.Region) []market.Fact[map[string]int] {
	if a.question.Facets&market.Scores == 0 || len(a.selections) == 0 {
		return nil
	}
	out := make([]market.Fact[map[string]int], len(regions))
	var wait sync.WaitGroup
	var lacking []int
	for i, r := range regions {
		out[i] = r.Scores
		if !r.Scores.Known() {
			lacking = append(lacking, i)
		}
	}
	for some := range slices.Chunk(lacking, scoredRegions) {
		wait.Go(func() {
			names := make([]string, len(some))
			for i, at := range some {
				names[i] = regions[at].Name
			}
			for i, fact := range a.scoresOf(ctx, names) {
				out[some[i]] = fact
			}
		})
	}
	wait.Wait()
	return out
}

// scoresOf asks for the scores of up to ten regions. EC2 names zones by their
// ids there, and the names that the account has for them are asked as well.
func (a *asker) scoresOf(ctx context.Context, regions []string) []market.Fact[map[string]int] {
	var found []ec2types.SpotPlacementScore
	var err error
	zoneNames := make([]market.Fact[map[string]string], len(regions))
	var wait sync.WaitGroup
	wait.Go(func() { found, err = a.placementScores(ctx, regions) })
	for i, region := range regions {
		wait.Go(func() { zoneNames[i] = a.zoneNames(ctx, region) })
	}
	wait.Wait()
	out := make([]market.Fact[map[string]int], len(regions))
	for i, region := range regions {
		switch {
		case err != nil:
			out[i] = failed[map[string]int](err)
		case zoneNames[i].Err != nil:
			out[i].Err = zoneNames[i].Err
		default:
			out[i] = known(scoresIn(region, found, zoneNames[i].Value), a.asOf)
		}
	}
	return out
}

// scoresIn are the scores of a region's zones under the zones' names. A zone
// that the account does not have is left out.
func scoresIn(region string, found []ec2types.SpotPlacementScore, names map[string]string) map[string]int {
	scores := map[string]int{}
	for _, s := range found {
		if name, has := names[aws.ToString(s.AvailabilityZoneId)]; has && aws.ToString(s.Region) == region {
			scores[name] = int(aws.ToInt32(s.Score))
		}
	}
	return scores
}

func (a *asker) placementScores(ctx context.Context, regions []string) ([]ec2types.SpotPlacementScore, error) {
	// Only types that exist can be scored: one unknown name is an error for all.
	var names []string
	for _, s := range a.selections {
		names = append(names, slices.DeleteFunc(slices.Clone(s.names), func(name string) bool {
			_, exists := catalog.Lookup(name)
			return !exists
		})...)
	}
	if len(names) == 0 {
		return nil, nil
	}
	client := a.services.EC2In(a.home())
	return pages(ctx, a, func(token *string) ([]ec2types.SpotPlacementScore, *string, error) {
		out, err := client.GetSpotPlacementScores(ctx, &ec2.GetSpotPlacementScoresInput{
			InstanceTypes: names[:min(len(names), scoredTypes)], RegionNames: regions,
			TargetCapacity: aws.Int32(1), SingleAvailabilityZone: aws.Bool(true), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.SpotPlacementScores, out.NextToken, nil
	})
}

// zoneNames are the names of a region's zones by their ids: which zone is
// called a differs between accounts.
//
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
func (a *asker) zoneNames(ctx context.Context, region string) market.Fact[map[string]string] {
	if !a.take(ctx) {
		return failed[map[string]string](ctx.Err())
	}
	defer a.leave()
	out, err := a.services.EC2In(region).DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		return failed[map[string]string](err)
	}
	names := map[string]string{}
	for _, z := range out.AvailabilityZones {
		names[aws.ToString(z.ZoneId)] = aws.ToString(z.ZoneName)
	}
	return known(names, a.asOf)
}
