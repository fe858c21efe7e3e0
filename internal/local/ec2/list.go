package ec2

import (
	"iter"
	"slices"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// lists is an operation that tells what there is. It knows no resource: who may
// do it may do it to all of them, which every Describe of a list is documented
// to be.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
func lists[In, Out any](s *Service, action string, h call.Handler[In, Out]) call.Operation {
	return call.Reads(action, func(tx *store.Tx, c *call.Caller, in *In) (*Out, error) {
		if err := c.Require("ec2:"+action, "*", s.regionKey(c)); err != nil {
			return nil, err
		}
		return h(tx, c, in)
	})
}

// Listing is embedded in the input of operations that list in pages, with
// filters.
type Listing struct {
	call.Dry
	Paging
	Filters []filter `query:"Filter"`
}

// listing declares what an operation tells of. Where its resources cannot be
// named, find, named and id are nil.
type listing[V any] struct {
	all       iter.Seq2[uint64, V] // what there is for the caller
	find      func(id string) (V, error)
	named     func(name string) (V, error) // of kinds that have names besides
	id        func(V) string
	tags      func(V) map[string]string // nil: the kind has no tags, and no filters on them
	keep      func(V) bool              // what else the request asks of them; nil: nothing
	attribute attribute[V]
	pages     limits
}

// listingOf declares the listing of a collection.
func listingOf[V resource](s *Service, tx *store.Tx, c *call.Caller, from *collection[V], a attribute[V], pages limits) listing[V] {
	id := func(v V) string { return v.origin().id }
	return listing[V]{
		all: from.visible(tx, c.Region), attribute: a, pages: pages, id: id,
		find: func(id string) (V, error) { return from.find(tx, c.Region, id) },
		tags: func(v V) map[string]string {
			tags, _ := s.tags.Get(tx, id(v))
			return tags
		},
	}
}

// list is one page of what passes the request's filters: of all there is or,
// where ids or names are given, of those. One that is not there is an error,
// even among others.
func (l listing[V]) list(in Listing, ids []string, names ...string) (found []V, next string, err error) {
	if err := checkFilters(in.Filters, l.tags != nil, l.attribute); err != nil {
		return nil, "", err
	}
	rows, chosen := l.all, len(ids)+len(names) > 0
	if chosen {
		only, err := l.choose(ids, names)
		if err != nil {
			return nil, "", err
		}
		rows = numbered(slices.Values(only))
	}
	return page(in.Paging, l.pages, chosen, rows, func(v V) bool {
		if l.keep != nil && !l.keep(v) {
			return false
		}
		var tags map[string]string
		if l.tags != nil && len(in.Filters) > 0 {
			tags = l.tags(v)
		}
		return passes(in.Filters, tags, v, l.attribute)
	})
}

// choose finds what a request names, each once.
func (l listing[V]) choose(ids, names []string) (out []V, err error) {
	seen := map[string]bool{}
	add := func(find func(string) (V, error), key string) error {
		v, err := find(key)
		if err == nil && !seen[l.id(v)] {
			seen[l.id(v)] = true
			out = append(out, v)
		}
		return err
	}
	for _, id := range ids {
		if err := add(l.find, id); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if err := add(l.named, name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// show is what was found, as it travels.
func show[V, View any](found []V, view func(V) View) wire.Items[View] {
	out := make(wire.Items[View], 0, len(found))
	for _, v := range found {
		out = append(out, view(v))
	}
	return out
}
