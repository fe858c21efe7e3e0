package term

import (
	"fmt"

	"github.com/spawn-ec2/spawn/internal/price"
)

// Costs says in a line what an instance costs while it runs and while it is
// stopped.
func Costs(b price.Bill) string {
	running := b.Running().Dollars() + " an hour running"
	if b.PaidAhead {
		running += ", its compute being paid for in advance"
	}
	stopped := b.Stopped()
	if !stopped.Known() {
		return running + "; stopped, its disk is still paid for: " + Unknown
	}
	return fmt.Sprintf("%s, %s stopped (%s a month)", running, stopped.Dollars(), stopped.Over(price.Month))
}

// CostParts are the parts of a bill with where each price comes from.
func CostParts(b price.Bill) []string {
	var parts []string
	for _, p := range b.Parts() {
		if p.Price.Known() {
			parts = append(parts, fmt.Sprintf("%s %s (%s)", p.Name, p.Price.Dollars(), Provenance(p.Price)))
		} else {
			parts = append(parts, p.Name+" "+Unknown)
		}
	}
	return parts
}

// CostsOnTop names what is in no sum; "" when there is nothing.
func CostsOnTop(b price.Bill) string {
	if !b.HasCredits() {
		return ""
	}
	return fmt.Sprintf("up to %s an hour on top for more CPU than its baseline (unlimited credits, AWS's default for this type)", b.Credits.Dollars())
}
