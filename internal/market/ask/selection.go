package ask

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
)

// typesAtOnce is how many types one call asks about: DescribeInstanceTypes has
// no larger pages, and a hundred types in the zones of any region fit into the
// thousand results of the others' pages.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html
const typesAtOnce = 100

// selection is a number of types that one call asks about.
type selection struct {
	values []string // for a filter: names, and patterns with * and ?
	names  []string // all that are known to be meant
}

// filter are the types as EC2's operations take them. A filter is never refused
// for a name that a region does not have, while a list of types is.
func (s selection) filter() ec2types.Filter {
	return ec2types.Filter{Name: aws.String("instance-type"), Values: s.values}
}

// selections divide a question's types. Wildcards go as they are while all
// that the catalog has of them fits into a page; beyond that, pages one after
// the other would take longer than all of the catalog's names at the same time:
// then it is chunked, and newer types have to be looked for.
func selections(q market.Question) (some []selection, chunked bool) {
	values := slices.Concat(q.Types, q.Wildcards)
	if len(values) == 0 {
		return nil, false
	}
	names := slices.Clone(q.Types)
	if len(q.Wildcards) > 0 {
		for t := range catalog.Types() {
			if q.Means(t.Name) {
				names = append(names, t.Name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) <= typesAtOnce && len(values) <= typesAtOnce {
		return []selection{{values, names}}, false
	}
	for chunk := range slices.Chunk(names, typesAtOnce) {
		some = append(some, selection{chunk, chunk})
	}
	return some, len(q.Wildcards) > 0
}

// gather asks about all selections at the same time and puts the answers
// together; one that fails makes all fail.
func gather[T any](ctx context.Context, some []selection, ask func(context.Context, selection) ([]T, error)) ([]T, error) {
	parts := make([][]T, len(some))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range some {
		group.Go(func() (err error) {
			parts[i], err = ask(ctx, s)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(parts...), nil
}
