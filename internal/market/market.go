// Package market is the words between asking EC2 and answering questions: what
// is asked of which regions, and what they said: which types a region has and in
// which zones, what they cost, what capacity is reserved or for sale.
//
// It asks nobody and reads nothing; market/ask and market/kept do. A region that
// fails does not hide the others: every fact carries its own error, and a fact
// that was not found out is never an empty one.
package market

import (
	"path"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/price"
)

// Facet is a kind of facts; facets are joined by |.
type Facet uint

// The facets.
const (
	Types        Facet = 1 << iota // what the types have
	Zones                          // in which zones they are offered
	OnDemand                       // list prices
	Spot                           // the latest Spot price in each zone
	History                        // Spot prices since Question.Since
	Scores                         // how likely Spot capacity is, in each zone
	Reservations                   // the account's capacity reservations
	Blocks                         // Capacity Blocks for sale
	Quotas                         // how many vCPUs the account may run
)

// Question is what is asked of every region.
type Question struct {
	// Regions to ask, in order; none asks every region that the account has
	// enabled, First first.
	Regions []string
	First   string

	// Types by exact name, and Wildcards as EC2's filters read them (* and ?),
	// by which types newer than the catalog are found. With neither, nothing is
	// asked about types, and Capacity Blocks are asked of all.
	Types     []string
	Wildcards []string

	Facets Facet
	Since  time.Time // for History
}

// Survey is the answer to a question: a region each, in the order asked.
type Survey struct {
	Question Question
	Regions  []Region
	Enabled  Fact[[]string] // all regions that the account has; known if the question was about all
	// Err tells that nobody was asked, and why; Regions then have what was kept,
	// and mostly are empty.
	Err error
}

// Complete tells that everything that was asked for is known.
func (s Survey) Complete() bool {
	names := s.Question.Regions
	if len(names) == 0 {
		if !s.Enabled.Known() {
			return false
		}
		names = s.Enabled.Value
	}
	return !slices.ContainsFunc(names, func(name string) bool {
		r, _ := s.Region(name)
		return s.Question.Facets&^r.Facets() != 0
	})
}

// Region finds the answer for a region.
func (s Survey) Region(name string) (Region, bool) {
	for _, r := range s.Regions {
		if r.Name == name {
			return r, true
		}
	}
	return Region{}, false
}

// Asked tells whether the question was about a type: what was not asked for and
// is missing in the answer may exist all the same.
func (s Survey) Asked(typeName string) bool { return s.Question.Means(typeName) }

// Means tells whether a question about types is about one. The patterns of EC2's
// filters know * and ?, which path.Match reads in the same way.
func (q Question) Means(typeName string) bool {
	return slices.Contains(q.Types, typeName) || slices.ContainsFunc(q.Wildcards, func(w string) bool {
		ok, err := path.Match(w, typeName)
		return err == nil && ok
	})
}

// SpotPrice is what a type cost in a zone from a time on.
type SpotPrice struct {
	Type  string
	Zone  string
	Price price.Price
	Since time.Time
}

// SamePlace tells that two prices are of the same type in the same zone.
func (p SpotPrice) SamePlace(q SpotPrice) bool { return p.Type == q.Type && p.Zone == q.Zone }

// Reservation is a capacity reservation of the account, or shared with it.
type Reservation struct {
	ID        string
	Type      string
	Zone      string
	Kind      string // default, or capacity-block
	State     string // as EC2 words it: active, scheduled, …
	Platform  string // as EC2 words it: Linux/UNIX, …
	Targeted  bool   // only launches that name it use it
	Total     int    // instances
	Available int    // instances
	Start     time.Time
	End       time.Time // zero: until it is cancelled
}

// Block is a Capacity Block that could be bought: the earliest that EC2 offers
// for one instance and one day, the shortest there is.
type Block struct {
	ID        string
	Type      string
	Zone      string
	Instances int
	Hours     int
	Start     time.Time
	End       time.Time
	Fee       price.Cost // for all of it, up front
}

// Quota is how many vCPUs of a class of types the account may run at once.
type Quota struct {
	Code  string // L-…
	Name  string
	Spot  bool
	VCPUs int
}
