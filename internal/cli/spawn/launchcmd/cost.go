package launchcmd

import (
	"fmt"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/price"
	"github.com/spawn-ec2/spawn/internal/term"
)

// disk says what the root volume of a candidate will be.
func disk(c launch.Candidate) string {
	gib, assumed := c.RootGiB()
	switch {
	case gib == 0:
		return fmt.Sprintf("%s of the image's own size", c.Volume.Type)
	case assumed:
		return fmt.Sprintf("~%d GiB %s", gib, c.Volume.Type)
	default:
		return fmt.Sprintf("%d GiB %s", gib, c.Volume.Type)
	}
}

// costLines say at the end of a launch what the instance costs: by the hour, in
// total until its deadline, by which prices, and what is not counted.
func costLines(b price.Bill, life time.Duration) string {
	lines := []string{
		"costs " + term.Costs(b),
		fmt.Sprintf("in total until its end: %s, by the hour", b.Over(life)),
	}
	for _, part := range term.CostParts(b) {
		lines = append(lines, "  "+part)
	}
	if more := term.CostsOnTop(b); more != "" {
		lines = append(lines, more)
	}
	return "  " + strings.Join(lines, "\n  ") + "\n"
}
