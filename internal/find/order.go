package find

import (
	"cmp"
	"slices"

	"github.com/spawn-ec2/spawn/internal/problem"
)

// Order is what rows are sorted by.
type Order string

// The orders. Small comes before large, unknown last; ties are sorted by family
// and size, then by region in the order asked.
const (
	// OrderPreference is the order of the patterns, each by family and size; where
	// there is no pattern, nothing is preferred and the cheapest comes first.
	OrderPreference Order = "preference"
	OrderName       Order = "name" // family, then size
	OrderPrice      Order = "price"
	OrderSpotPrice  Order = "spot-price"
	OrderVCPUs      Order = "vcpus"
	OrderMemory     Order = "memory"
	OrderGPUs       Order = "gpus"
	OrderGPUMemory  Order = "gpu-memory"
	OrderNetwork    Order = "network"
	OrderLocalDisk  Order = "local-disk"
)

// Orders are all orders, the default first.
func Orders() []Order {
	return []Order{OrderPreference, OrderName, OrderPrice, OrderSpotPrice, OrderVCPUs, OrderMemory, OrderGPUs, OrderGPUMemory, OrderNetwork, OrderLocalDisk}
}

// sortRows sorts rows that are in order of preference, in which a region's rows
// come in the order asked.
func sortRows(rows []Row, q Query) error {
	order := cmp.Or(q.Order, OrderPreference)
	if order == OrderPreference {
		if len(q.Patterns) > 0 {
			return nil
		}
		order = OrderPrice
	}
	if order == OrderPrice && q.Spot {
		order = OrderSpotPrice
	}
	compare, ok := comparisons()[order]
	if !ok {
		return problem.New(problem.Usage, "nothing can be sorted by %q", q.Order)
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(
			compare(a, b),
			compareTypes(a.Type, b.Type),
			cmp.Compare(slices.Index(q.Regions, a.Region), slices.Index(q.Regions, b.Region)),
		)
	})
	return nil
}

func comparisons() map[Order]func(a, b Row) int {
	orders := map[Order]func(a, b Row) int{
		OrderName:      func(Row, Row) int { return 0 },
		OrderPrice:     func(a, b Row) int { return a.OnDemand.Cmp(b.OnDemand) },
		OrderSpotPrice: func(a, b Row) int { return a.Spot.Cmp(b.Spot) },
	}
	for order, of := range map[Order]func(Row) (n int, known bool){
		OrderVCPUs:     func(r Row) (int, bool) { return r.Type.VCPUs, r.Type.VCPUs > 0 },
		OrderMemory:    func(r Row) (int, bool) { return r.Type.MemoryMiB, r.Type.MemoryMiB > 0 },
		OrderGPUs:      func(r Row) (int, bool) { return r.Type.GPUs() },
		OrderGPUMemory: gpuMemory,
		OrderNetwork:   func(r Row) (int, bool) { return r.Type.NetworkMbps, r.Type.NetworkMbps > 0 },
		OrderLocalDisk: localDisk,
	} {
		orders[order] = func(a, b Row) int {
			m, knownM := of(a)
			n, knownN := of(b)
			if !knownM || !knownN {
				return compareBool(knownM, knownN)
			}
			return cmp.Compare(m, n)
		}
	}
	return orders
}
