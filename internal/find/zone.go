package find

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/offer"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// ZoneQuery is what Zones looks for.
type ZoneQuery struct {
	Query
	MinCount int // the least number of zones; 0 is any, unknown ones too
}

// ZoneRow is a type in a region, with the zones that offer it.
type ZoneRow struct {
	Row
	// Told is true when EC2 named the zones to this account. Otherwise they are
	// the catalog's: their ids are right for everybody, but which name stands for
	// which id may differ from account to account.
	// https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
	Told bool
	IDs  []string // in the order of Zones, where the catalog told them; else none
}

// ZoneExplanation says what Zones did beside its results.
type ZoneExplanation struct {
	Explanation
	Unknown []string // types, with their regions, left out by MinCount: nobody knows their zones
	Fewer   int      // left out by MinCount
	Most    ZoneRow  // of them, the one in the most zones
}

// Zones finds in which zones types are offered, in the order of Search.
//
// The error is that of Search, or of kind NotFound when nothing is left.
func Zones(known Known, q ZoneQuery) ([]ZoneRow, ZoneExplanation, error) {
	var explanation ZoneExplanation
	found, searched, err := Search(known, q.Query)
	explanation.Explanation = searched
	if err != nil {
		return nil, explanation, err
	}
	var rows []ZoneRow
	for _, r := range found {
		row := known.zoneRow(r)
		switch {
		case len(row.Zones) >= q.MinCount:
			rows = append(rows, row)
		case len(row.Zones) == 0:
			explanation.Unknown = append(explanation.Unknown, r.Type.Name+" in "+r.Region)
		default:
			if len(row.Zones) > len(explanation.Most.Zones) {
				explanation.Most = row
			}
			explanation.Fewer++
		}
	}
	if len(rows) == 0 {
		return nil, explanation, explanation.nothingLeft(q.MinCount)
	}
	return rows, explanation, nil
}

func (k Known) zoneRow(r Row) ZoneRow {
	live, _ := k.Live.Region(r.Region)
	row := ZoneRow{Row: r}
	_, row.Told = live.Zones.Value[r.Type.Name]
	if row.Told {
		return row
	}
	offering, _ := catalog.Offered(r.Region, r.Type.Name)
	for _, z := range offering.Zones {
		row.IDs = append(row.IDs, z.ID)
	}
	return row
}

func (e *ZoneExplanation) nothingLeft(least int) error {
	if e.Fewer == 0 {
		return problem.New(problem.NotFound, "the zones of %s are not known, so none is known to be in %d", listed(e.Unknown), least).
			WithNext("ask EC2 with credentials of an account, or leave out --min-az-count")
	}
	cause := fmt.Sprintf("none is offered in %d zones: the most is %d, of %s in %s", least, len(e.Most.Zones), e.Most.Type.Name, e.Most.Region)
	if len(e.Unknown) > 0 {
		cause += "; not known: " + listed(e.Unknown)
	}
	return problem.New(problem.NotFound, "%s", cause).WithNext("lower --min-az-count, or look in more regions with --region")
}

// listed joins names, and counts them from the fourth on.
func listed(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// Offer is the row in the form in which spawn takes it: on demand, in any of
// the zones.
func (r ZoneRow) Offer() offer.Offer {
	o := r.Row.Offer()
	o.AvailabilityZones = slices.Clone(r.Zones)
	return o
}
