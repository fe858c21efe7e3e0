package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// SaveEvery is how far, in real time, the file of a kept store may be behind.
const SaveEvery = time.Second

// format is the number of the file's layout: a bucket a table, named by the
// type of its rows, from keys to saved rows in JSON; and one that tells of them
// all.
const format = "1"

const (
	about     = "store" // no type has this name
	aboutForm = "format"
	aboutSeq  = "seq"
	aboutTime = "time"
)

// saved is a row as the file has it.
type saved struct {
	Seq   uint64          `json:"seq"`
	Value json.RawMessage `json:"value"`
}

// Keeper writes what changes in a store to a file.
type Keeper struct {
	store *Store
	log   *slog.Logger
	db    *bbolt.DB
	stop  chan struct{}
	ended chan struct{}

	once     sync.Once
	closeErr error
}

// Keep restores a store from a file, if there is one, and from then on saves it
// there: what a transaction has changed is in the file, whole or not at all, a
// second later or when the Keeper is closed. restored is the time that the store
// showed when it was last saved; it is zero if there was nothing to restore.
//
// Call it once, when all tables were made and before the first transaction. The
// file must have been written with the same tables. Failures to save are logged
// and tried again.
func (s *Store) Keep(path string, log *slog.Logger) (k *Keeper, restored time.Time, err error) {
	for _, t := range s.tables {
		if err := t.storable(); err != nil {
			return nil, restored, err
		}
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 5 * time.Second})
	if err != nil {
		return nil, restored, fmt.Errorf("open the saved state %s: %w", path, err)
	}
	if restored, err = s.load(db); err != nil {
		return nil, restored, errors.Join(fmt.Errorf("restore the state from %s: %w", path, err), db.Close())
	}
	s.changed = make(chan struct{}, 1)
	k = &Keeper{store: s, log: log, db: db, stop: make(chan struct{}), ended: make(chan struct{})}
	go k.run()
	return k, restored, nil
}

// Touch has the store's time saved even if no row changes.
func (s *Store) Touch() {
	select {
	case s.changed <- struct{}{}: // nobody listens on nil
	default: // it is about to be saved
	}
}

// Close saves what is not saved yet and closes the file.
func (k *Keeper) Close() error {
	k.once.Do(func() {
		close(k.stop)
		<-k.ended
		k.closeErr = errors.Join(k.save(), k.db.Close())
	})
	return k.closeErr
}

// run saves what was changed, half the time that it may take after the change.
func (k *Keeper) run() {
	defer close(k.ended)
	for {
		select {
		case <-k.stop:
			return
		case <-k.store.changed:
		}
		pause := time.NewTimer(SaveEvery / 2)
		select {
		case <-k.stop:
			pause.Stop()
			return
		case <-pause.C:
		}
		if err := k.save(); err != nil {
			k.log.Error("the local cloud's state is not saved, which is tried again", "error", err)
			k.store.Touch()
		}
	}
}

// change is what became of a table's row: its text, or nothing if it was
// deleted.
type change struct {
	table, key string
	encode     func() ([]byte, error) // nil: deleted
}

// save writes all that was changed since the last time in one transaction of
// the file. Rows are never changed in place, so they are encoded when the store
// is no longer locked.
func (k *Keeper) save() (err error) {
	changes, seq, now := k.store.takeChanges()
	defer func() {
		if err != nil {
			k.store.giveBack(changes)
		}
	}()
	return k.db.Update(func(tx *bbolt.Tx) error {
		for _, c := range changes {
			if err := c.write(tx); err != nil {
				return fmt.Errorf("save %s %q: %w", c.table, c.key, err)
			}
		}
		b, err := tx.CreateBucketIfNotExists([]byte(about))
		if err != nil {
			return err
		}
		return errors.Join(
			b.Put([]byte(aboutForm), []byte(format)),
			b.Put([]byte(aboutSeq), fmt.Append(nil, seq)),
			b.Put([]byte(aboutTime), []byte(now.Format(time.RFC3339Nano))),
		)
	})
}

func (c change) write(tx *bbolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists([]byte(c.table))
	if err != nil {
		return err
	}
	if c.encode == nil {
		return b.Delete([]byte(c.key))
	}
	text, err := c.encode()
	if err != nil {
		return err
	}
	return b.Put([]byte(c.key), text)
}

// takeChanges takes from every table what was changed.
func (s *Store) takeChanges() (all []change, seq uint64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		all = append(all, t.takeChanges()...)
	}
	return all, s.seq, s.now()
}

// giveBack notes changes again that could not be saved.
func (s *Store) giveBack(changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		for _, c := range changes {
			if c.table == t.name() {
				t.note(c.key)
			}
		}
	}
}

// load fills the tables from a file.
func (s *Store) load(db *bbolt.DB) (at time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = db.View(func(tx *bbolt.Tx) error {
		head := tx.Bucket([]byte(about))
		if head == nil {
			return nil // a new file, or one whose first save was never finished
		}
		if got := string(head.Get([]byte(aboutForm))); got != format {
			return fmt.Errorf("it has the format %q, and this program knows %q", got, format)
		}
		if err := json.Unmarshal(head.Get([]byte(aboutSeq)), &s.seq); err != nil {
			return fmt.Errorf("read the number of its youngest row: %w", err)
		}
		if at, err = time.Parse(time.RFC3339Nano, string(head.Get([]byte(aboutTime)))); err != nil {
			return fmt.Errorf("read when it was saved: %w", err)
		}
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == about {
				return nil
			}
			for _, t := range s.tables {
				if t.name() == string(name) {
					return t.load(b)
				}
			}
			return fmt.Errorf("it has rows of %s, which this program does not know", name)
		})
	})
	return at, err
}
