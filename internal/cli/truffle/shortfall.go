package truffle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// shortfall is something that could not be found out, for one cause, in some
// regions.
type shortfall struct {
	facets  market.Facet
	cause   string
	next    string
	regions []string
}

// shortfalls say what the services did not tell and where the catalog's
// knowledge stands in for it: a line for each cause, with its regions. What the
// catalog does not have either is shown as unknown by whoever shows it.
func shortfalls(survey market.Survey) []string {
	var all []shortfall
	if err := survey.Enabled.Err; err != nil {
		all = append(all, shortfall{cause: "the account's regions could not be listed: " + err.Error(), next: problem.NextOf(err)})
	}
	for _, r := range survey.Regions {
		for _, s := range shortfallsIn(r) {
			same := slices.IndexFunc(all, func(other shortfall) bool { return other.cause == s.cause && other.facets == s.facets })
			if same < 0 {
				all = append(all, s)
			} else {
				all[same].regions = append(all[same].regions, s.regions...)
			}
		}
	}
	var lines []string
	for _, s := range all {
		lines = append(lines, s.line())
	}
	return lines
}

// shortfallsIn are those of one region, by cause.
func shortfallsIn(r market.Region) []shortfall {
	var all []shortfall
	for facet, err := range r.Errors() {
		if facet&inCatalog == 0 {
			continue
		}
		cause := err.Error()
		i := slices.IndexFunc(all, func(s shortfall) bool { return s.cause == cause })
		if i < 0 {
			i = len(all)
			all = append(all, shortfall{cause: cause, next: problem.NextOf(err), regions: []string{r.Name}})
		}
		all[i].facets |= facet
	}
	return all
}

func (s shortfall) line() string {
	line := s.cause
	if len(s.regions) > 0 {
		line = strings.Join(s.regions, ", ") + ": " + s.cause + "; " + s.instead()
	} else {
		line += "; those of the built-in catalog are asked"
	}
	if s.next != "" {
		line += "; " + s.next
	}
	return line
}

// instead says what the built-in catalog stands in for.
func (s shortfall) instead() string {
	from := " from the built-in catalog of " + catalogDate()
	if s.facets&market.Types != 0 {
		return "shown" + from
	}
	var what []string
	if s.facets&market.Zones != 0 {
		what = append(what, "zones")
	}
	if s.facets&market.OnDemand != 0 {
		what = append(what, "on-demand prices")
	}
	if s.facets&market.Spot != 0 {
		what = append(what, "Spot prices")
	}
	return strings.Join(what, " and ") + " are" + from
}

// catalogDate is the day of the catalog's youngest source; each price names its
// own.
func catalogDate() string {
	day := ""
	for _, s := range catalog.Sources() {
		day = max(day, s.AsOf)
	}
	return day
}

// ages say how old the kept answers are that are shown.
func (f Factory) ages(survey market.Survey) []string {
	oldest := survey.Enabled.AsOf
	kept := survey.Enabled.Kept
	for _, r := range survey.Regions {
		for asOf := range r.KeptSince() {
			if !kept || asOf.Before(oldest) {
				kept, oldest = true, asOf
			}
		}
	}
	if !kept {
		return nil
	}
	return []string{fmt.Sprintf("answers that EC2 gave up to %s ago; --refresh asks again", term.Span(f.Now().Sub(oldest).Round(time.Second)))}
}
