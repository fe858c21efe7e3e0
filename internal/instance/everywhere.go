package instance

import (
	"context"
	"slices"
	"sync"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

// Placed is an instance and the region that it is in.
type Placed struct {
	Instance
	Region string
}

// Unseen is a region that could not be looked at, and why.
type Unseen struct {
	Region string
	Err    error
}

// regionsAtOnce bounds the calls under way. It is above the number of regions
// that there are, so that all are asked in one round trip.
const regionsAtOnce = 64

// ListIn lists the instances that spawn made in several regions at once, in the
// regions' order. A region that the account has not opted into answers that the
// credentials are bad: it is passed over, as long as another one takes them.
//
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func ListIn(ctx context.Context, regions []string, client func(region string) Describer) ([]Placed, []Unseen) {
	found, failed := make([][]Instance, len(regions)), make([]error, len(regions))
	var all sync.WaitGroup
	slots := make(chan struct{}, regionsAtOnce)
	for i, region := range regions {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i], failed[i] = List(ctx, client(region))
		})
	}
	all.Wait()
	accepted := slices.Contains(failed, nil)
	var placed []Placed
	var unseen []Unseen
	for i, region := range regions {
		for _, in := range found[i] {
			placed = append(placed, Placed{in, region})
		}
		if err := failed[i]; err != nil && (!accepted || !awserr.IsBadCredentials(err)) {
			unseen = append(unseen, Unseen{region, err})
		}
	}
	return placed, unseen
}
