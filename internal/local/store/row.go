package store

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"go.etcd.io/bbolt"
)

// kept is a table, to a store that has no interest in its rows' type.
type kept interface {
	compact()
	name() string
	storable() error
	note(key string)
	takeChanges() []change
	load(*bbolt.Bucket) error
}

// name is that of the rows' type: no two tables of a kept store have the same.
func (t *Table[V]) name() string { return reflect.TypeFor[V]().String() }

// storable says why rows of the table would not be the same after they were
// saved and restored.
func (t *Table[V]) storable() error {
	for _, other := range t.store.tables {
		if other != kept(t) && other.name() == t.name() {
			return fmt.Errorf("keep a store: two of its tables have rows of %s: give one a type of its own", t.name())
		}
	}
	return storable(reflect.TypeFor[V](), t.name())
}

func storable(t reflect.Type, path string) error {
	if t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return nil // such as a time
	}
	switch t.Kind() {
	case reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("keep a store: %s is a %s, which cannot be saved", path, t.Kind())
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return storable(t.Elem(), path)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() || f.Tag.Get("json") == "-" {
				return fmt.Errorf("keep a store: %s.%s is hidden and would be lost", path, f.Name)
			}
			if err := storable(f.Type, path+"."+f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// note marks a row as changed, in a store that is kept. The caller holds the
// store's lock.
func (t *Table[V]) note(key string) {
	if t.store.changed != nil {
		t.dirty[key] = struct{}{}
	}
}

// takeChanges gives what was changed, and forgets that it was. The caller holds
// the store's lock.
func (t *Table[V]) takeChanges() []change {
	out := make([]change, 0, len(t.dirty))
	for key := range t.dirty {
		c := change{table: t.name(), key: key}
		if r, found := t.rows[key]; found {
			seq, value := r.seq, r.value
			c.encode = func() ([]byte, error) { return encode(seq, value) }
		}
		out = append(out, c)
	}
	clear(t.dirty)
	return out
}

func encode(seq uint64, value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(saved{seq, text})
}

// load reads the table's rows, in place of those it has. A field that the rows
// do not have is an error: the file is another version's.
func (t *Table[V]) load(b *bbolt.Bucket) error {
	err := b.ForEach(func(key, text []byte) error {
		var was saved
		r := &row[V]{key: string(key)}
		if err := json.Unmarshal(text, &was); err != nil {
			return fmt.Errorf("read %s %q: %w", t.name(), key, err)
		}
		fields := json.NewDecoder(bytes.NewReader(was.Value))
		fields.DisallowUnknownFields()
		if err := fields.Decode(&r.value); err != nil {
			return fmt.Errorf("read %s %q: %w", t.name(), key, err)
		}
		r.seq = was.Seq
		t.rows[r.key] = r
		t.order = append(t.order, r)
		return nil
	})
	slices.SortFunc(t.order, func(a, b *row[V]) int { return cmp.Compare(a.seq, b.seq) })
	return err
}
