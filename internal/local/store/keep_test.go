package store_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/local/store"
)

type thing struct {
	Name  string
	Tags  map[string]string
	List  []string
	Bytes []byte
	Sum   [4]byte
	At    time.Time
	Inner struct{ N int }
}

type marks map[string]string

func keep(t testing.TB, s *store.Store, file string) (*store.Keeper, time.Time) {
	t.Helper()
	k, at, err := s.Keep(file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k, at
}

// Whatever was done, a restored store is the one that was closed, and its rows
// go on to be numbered where they were.
func TestKeptStoreComesBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	draw := rand.New(rand.NewPCG(1, 2))
	var want []thing
	last := uint64(0)
	for life := range 6 {
		s := newStore()
		things, other := store.NewTable[thing](s), store.NewTable[marks](s)
		k, _ := keep(t, s, file)
		if _, got := rows(s, things); !cmp.Equal(want, got) {
			t.Fatalf("life %d: restored otherwise than closed (-closed +restored):\n%s", life, cmp.Diff(want, got))
		}
		for range 20 {
			_ = s.Update(func(tx *store.Tx) error {
				for range draw.IntN(10) {
					key := fmt.Sprint(draw.IntN(12))
					if draw.IntN(2) == 0 {
						things.Delete(tx, key)
						continue
					}
					things.Put(tx, key, drawThing(draw))
					other.Put(tx, key, marks{"k": key})
				}
				if draw.IntN(3) == 0 {
					return errNo
				}
				return nil
			})
		}
		must(t, s.Update(func(tx *store.Tx) error {
			things.Delete(tx, "last")
			things.Put(tx, "last", thing{Name: "the youngest"})
			return nil
		}))
		var seq []uint64
		seq, want = rows(s, things)
		if youngest := seq[len(seq)-1]; youngest <= last {
			t.Errorf("life %d: the number %d was given after %d", life, youngest, last)
		} else {
			last = youngest
		}
		must(t, k.Close())
		must(t, k.Close())
	}
}

func drawThing(draw *rand.Rand) thing {
	v := thing{Name: "é\x00<&>", At: time.Unix(draw.Int64N(1<<32), 7).UTC()}
	switch draw.IntN(3) {
	case 0:
		v.Bytes, v.Sum, v.Inner.N = []byte{0, 255}, [4]byte{1, 2, 3, 4}, 9
	case 1:
		v.Bytes, v.List, v.Tags = []byte{}, []string{}, map[string]string{} // not the same as none
	case 2:
		v.List, v.Tags = []string{"a", ""}, map[string]string{"": "b"}
	}
	return v
}

func rows(s *store.Store, t *store.Table[thing]) (seq []uint64, out []thing) {
	_ = s.View(func(tx *store.Tx) error {
		for n, v := range t.All(tx) {
			seq, out = append(seq, n), append(out, v)
		}
		return nil
	})
	return seq, out
}

// The file is saved by itself, and what is in it at any moment
// can be restored: a copy of it is what a crash at that moment would leave.
func TestKeptStoreIsSavedWithoutBeingClosed(t *testing.T) {
	dir := t.TempDir()
	s := newStore()
	things := store.NewTable[thing](s)
	k, _ := keep(t, s, filepath.Join(dir, "state.db"))
	defer func() { must(t, k.Close()) }()
	must(t, s.Update(func(tx *store.Tx) error {
		for i := range 1000 {
			things.Put(tx, fmt.Sprint(i), thing{Name: strings.Repeat("x", i)})
		}
		return nil
	}))
	// Half of SaveEvery is the pause before it; a busy machine takes its time.
	for until, n := time.Now().Add(10*store.SaveEvery), 0; ; n++ {
		late := time.Now().After(until)
		text, err := os.ReadFile(filepath.Join(dir, "state.db"))
		must(t, err)
		copied := filepath.Join(dir, fmt.Sprint(n))
		must(t, os.WriteFile(copied, text, 0o600))
		after := newStore()
		restored := store.NewTable[thing](after)
		k2, at := keep(t, after, copied)
		got, _ := rows(after, restored)
		must(t, k2.Close())
		if len(got) == 1000 && !at.IsZero() {
			return
		}
		if len(got) != 0 {
			t.Fatalf("%d of a transaction's 1000 rows were saved", len(got))
		}
		if late {
			t.Fatal("nothing was saved")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestStoreThatCannotBeKept(t *testing.T) {
	type hidden struct{ Name, secret string }
	type open struct{ Any any }
	_ = hidden{secret: ""}
	for name, tables := range map[string]func(*store.Store){
		"a hidden field":         func(s *store.Store) { store.NewTable[hidden](s) },
		"a hidden field deep in": func(s *store.Store) { store.NewTable[map[string][]*hidden](s) },
		"a value of any type":    func(s *store.Store) { store.NewTable[open](s) },
		"two tables of one type": func(s *store.Store) { store.NewTable[marks](s); store.NewTable[marks](s) },
		"a function":             func(s *store.Store) { store.NewTable[func()](s) },
	} {
		s := newStore()
		tables(s)
		if _, _, err := s.Keep(filepath.Join(t.TempDir(), "state.db"), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s is kept", name)
		}
	}
}

func TestStateOfAnotherVersionIsRefused(t *testing.T) {
	type before struct{ Name, Gone string }
	file := filepath.Join(t.TempDir(), "state.db")
	s := newStore()
	old := store.NewTable[before](s)
	k, _ := keep(t, s, file)
	must(t, s.Update(func(tx *store.Tx) error { old.Put(tx, "a", before{Gone: "x"}); return nil }))
	must(t, k.Close())
	s = newStore()
	store.NewTable[thing](s)
	if _, _, err := s.Keep(file, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a table that is not known was dropped")
	}
	{
		type before struct{ Name string }
		s = newStore()
		store.NewTable[before](s)
		if _, _, err := s.Keep(file, slog.New(slog.DiscardHandler)); err == nil {
			t.Error("a field that is not known was dropped")
		}
	}
	must(t, os.WriteFile(file, []byte("no database"), 0o600))
	if _, _, err := newStore().Keep(file, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a broken file was restored")
	}
}
