package store

import "iter"

// Table is a set of rows of one type, each under a key. A row is replaced,
// never changed in place: what a row's slices and maps hold must not be
// written to once the row was put.
type Table[V any] struct {
	store *Store
	dirty map[string]struct{} // keys of rows that were changed and not saved, in a store that is kept
	rows  map[string]*row[V]
	order []*row[V] // by age; rows that were deleted stay here, marked, until compacted
}

type row[V any] struct {
	seq     uint64
	key     string
	value   V
	deleted bool
}

// NewTable adds an empty table to s.
func NewTable[V any](s *Store) *Table[V] {
	t := &Table[V]{store: s, dirty: map[string]struct{}{}, rows: map[string]*row[V]{}}
	s.tables = append(s.tables, t)
	return t
}

// Get returns the row under key.
func (t *Table[V]) Get(_ *Tx, key string) (V, bool) {
	r, found := t.rows[key]
	if !found {
		var zero V
		return zero, false
	}
	return r.value, true
}

// Len is the number of rows.
func (t *Table[V]) Len(*Tx) int { return len(t.rows) }

// Put adds the row under key, or replaces it; a row that is replaced keeps its
// place in the order. In a View it panics.
func (t *Table[V]) Put(tx *Tx, key string, value V) {
	tx.mustWrite()
	t.note(key)
	if r, found := t.rows[key]; found {
		before := r.value
		tx.undo = append(tx.undo, func() { r.value = before })
		r.value = value
		return
	}
	tx.store.seq++
	r := &row[V]{seq: tx.store.seq, key: key, value: value}
	t.rows[key] = r
	t.order = append(t.order, r)
	tx.undo = append(tx.undo, func() {
		delete(t.rows, key)
		r.deleted = true
	})
}

// Delete removes the row under key, if there is one. In a View it panics.
func (t *Table[V]) Delete(tx *Tx, key string) {
	tx.mustWrite()
	r, found := t.rows[key]
	if !found {
		return
	}
	t.note(key)
	delete(t.rows, key)
	r.deleted = true
	tx.undo = append(tx.undo, func() {
		r.deleted = false
		t.rows[key] = r
	})
}

// All yields the rows by age, each with its number, which only grows and is
// never given twice. Rows that are put meanwhile may or may not be yielded.
func (t *Table[V]) All(*Tx) iter.Seq2[uint64, V] {
	return func(yield func(uint64, V) bool) {
		for _, r := range t.order {
			if !r.deleted && !yield(r.seq, r.value) {
				return
			}
		}
	}
}

// compact drops the rows that were deleted, once they are the majority. It runs
// between transactions: within one, a deleted row may have to come back.
func (t *Table[V]) compact() {
	if len(t.order) < 2*len(t.rows)+16 {
		return
	}
	live := make([]*row[V], 0, len(t.rows))
	for _, r := range t.order {
		if !r.deleted {
			live = append(live, r)
		}
	}
	t.order = live
}

func (tx *Tx) mustWrite() {
	if !tx.writable {
		panic("store: a transaction that only reads was asked to write")
	}
}
