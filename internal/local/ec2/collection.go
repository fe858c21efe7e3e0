package ec2

import (
	"iter"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/store"
)

// resource is what has an id of its own and lives in one region.
type resource interface {
	origin() origin
}

// origin is where a resource comes from. That of a zero resource has its kind.
type origin struct {
	prefix     string // its kind
	id, region string
	created    time.Time // zero: it was always there
}

// collection is the resources of one kind in all regions. What the table gives
// is what is there; find and visible are what a caller sees of it, who may not
// be told yet of what was just created.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
type collection[V resource] struct {
	*store.Table[V]
	faults *fault.Set
}

func newCollection[V resource](c Config) *collection[V] {
	return &collection[V]{store.NewTable[V](c.Store), c.Faults}
}

// find finds a resource for a caller in a region. The error is the kind's own.
func (t *collection[V]) find(tx *store.Tx, region, id string) (V, error) {
	v, found := t.Get(tx, id)
	if o := v.origin(); !found || !t.shows(o, region) {
		var none V
		return none, errNoResource(o.prefix, id)
	}
	return v, nil
}

// visible yields what a caller in a region sees, by age.
func (t *collection[V]) visible(tx *store.Tx, region string) iter.Seq2[uint64, V] {
	return func(yield func(uint64, V) bool) {
		for seq, v := range t.All(tx) {
			if t.shows(v.origin(), region) && !yield(seq, v) {
				return
			}
		}
	}
}

func (t *collection[V]) shows(o origin, region string) bool {
	return o.region == region && !t.faults.Lagging(o.created)
}

// count is how many there are in a region, seen or not.
func (t *collection[V]) count(tx *store.Tx, region string) (n int) {
	for _, v := range t.All(tx) {
		if v.origin().region == region {
			n++
		}
	}
	return n
}

// ids yields the ids of what a caller in a region sees, by age.
func (t *collection[V]) ids(tx *store.Tx, region string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, v := range t.visible(tx, region) {
			if !yield(v.origin().id) {
				return
			}
		}
	}
}

// has says why a caller in a region finds no resource by an id.
func (t *collection[V]) has(tx *store.Tx, region, id string) error {
	_, err := t.find(tx, region, id)
	return err
}
