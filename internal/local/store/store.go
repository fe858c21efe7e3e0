// Package store holds the local cloud's state: typed tables in memory, changed
// in transactions that either happen as a whole or not at all. It can be kept in
// a file, from which it is restored.
//
// It knows nothing of what the rows mean and never waits for anything but its
// own lock.
package store

import (
	"sync"
	"time"
)

// Store is a set of tables behind one lock. Make tables with NewTable, all
// before the first transaction.
type Store struct {
	now func() time.Time

	mu      sync.RWMutex
	seq     uint64 // the number of the youngest row
	tables  []kept
	changed chan struct{} // tells the Keeper that there is something to save; nil: there is none
}

// New returns an empty store; now is the time that its transactions see.
func New(now func() time.Time) *Store { return &Store{now: now} }

// Tx is a transaction. It is good only until the function it was given to
// returns.
type Tx struct {
	store    *Store
	now      time.Time
	writable bool
	undo     []func()
	after    []func()
}

// Now is the time of the transaction: the same, however long it takes.
func (tx *Tx) Now() time.Time { return tx.now }

// AfterCommit has f called once the transaction has happened and its lock is
// released; it is not called if the transaction fails.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// View runs f in a transaction that only reads. Several may run at once.
func (s *Store) View(f func(*Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return f(&Tx{store: s, now: s.now()})
}

// Update runs f in a transaction that may change tables, alone. If f returns
// an error or panics, every change is undone.
func (s *Store) Update(f func(*Tx) error) error {
	after, err := s.update(f)
	if err != nil {
		return err
	}
	for _, g := range after {
		g()
	}
	return nil
}

func (s *Store) update(f func(*Tx) error) (after []func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := &Tx{store: s, now: s.now(), writable: true}
	committed := false
	defer func() {
		if !committed {
			for i := len(tx.undo) - 1; i >= 0; i-- {
				tx.undo[i]()
			}
		}
		for _, t := range s.tables {
			t.compact()
		}
	}()
	if err := f(tx); err != nil {
		return nil, err
	}
	committed = true
	if len(tx.undo) > 0 {
		s.Touch()
	}
	return tx.after, nil
}
