package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spawn-ec2/spawn/internal/local/store"
)

var errNo = errors.New("no")

func newStore() *store.Store { return store.New(func() time.Time { return time.Unix(0, 0) }) }

func values(s *store.Store, t *store.Table[int]) []int {
	var out []int
	_ = s.View(func(tx *store.Tx) error {
		for _, v := range t.All(tx) {
			out = append(out, v)
		}
		return nil
	})
	return out
}

func TestFailedTransactionLeavesNoTrace(t *testing.T) {
	s := newStore()
	table := store.NewTable[int](s)
	must(t, s.Update(func(tx *store.Tx) error {
		table.Put(tx, "a", 1)
		table.Put(tx, "b", 2)
		table.Put(tx, "c", 3)
		return nil
	}))
	called := false
	change := func(tx *store.Tx) {
		table.Delete(tx, "a")
		table.Put(tx, "a", 10)
		table.Put(tx, "b", 20)
		table.Put(tx, "b", 21)
		table.Put(tx, "d", 40)
		table.Delete(tx, "d")
		tx.AfterCommit(func() { called = true })
	}
	if err := s.Update(func(tx *store.Tx) error { change(tx); return errNo }); !errors.Is(err, errNo) {
		t.Fatalf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(func(tx *store.Tx) error { change(tx); panic("broken handler") })
	}()
	if got := values(s, table); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("rows are %v", got)
	}
	if called {
		t.Error("AfterCommit ran though nothing was committed")
	}
}

func TestReadTransactionCannotWrite(t *testing.T) {
	s := newStore()
	table := store.NewTable[int](s)
	defer func() {
		if recover() == nil {
			t.Error("Put in a View did not panic")
		}
	}()
	_ = s.View(func(tx *store.Tx) error { table.Put(tx, "a", 1); return nil })
}

// A table behaves like a map whose keys keep the order in which they came,
// whatever mixture of commits and rollbacks made it.
func TestTableIsAnOrderedMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStore()
		table := store.NewTable[int](s)
		model := map[string]int{}
		var order []string
		for range rapid.IntRange(0, 20).Draw(rt, "transactions") {
			m, o := maps.Clone(model), slices.Clone(order)
			fail := rapid.Bool().Draw(rt, "fail")
			_ = s.Update(func(tx *store.Tx) error {
				for range rapid.IntRange(0, 30).Draw(rt, "changes") {
					key := fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "key"))
					if rapid.Bool().Draw(rt, "delete") {
						table.Delete(tx, key)
						if _, found := m[key]; found {
							delete(m, key)
							o = slices.DeleteFunc(o, func(k string) bool { return k == key })
						}
						continue
					}
					v := rapid.Int().Draw(rt, "value")
					if _, found := m[key]; !found {
						o = append(o, key)
					}
					table.Put(tx, key, v)
					m[key] = v
				}
				if fail {
					return errNo
				}
				return nil
			})
			if !fail {
				model, order = m, o
			}
			var want []int
			for _, k := range order {
				want = append(want, model[k])
			}
			if got := values(s, table); !slices.Equal(got, want) {
				rt.Fatalf("rows are %v, want %v", got, want)
			}
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
