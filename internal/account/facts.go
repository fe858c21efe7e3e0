package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/files"
)

// factsHold is how long a fact is believed. What changes without us, a role
// that somebody edited for one, is then seen within a week.
const factsHold = 7 * 24 * time.Hour

// Cache is where facts about accounts are kept between launches: who a caller
// is, and what an account's region already has. Facts are hints. Whoever meets
// that one no longer holds forgets it and finds out again. The zero Cache keeps
// nothing.
type Cache struct {
	Dir      string           // "": keep nothing
	Endpoint string           // "" is AWS's own
	Caller   string           // names the credentials without being secret; "": who is calling is asked every time
	Now      func() time.Time // this machine's clock will do
}

// Identify tells who the caller is: as remembered for these credentials, which
// never become anybody else's, or by asking.
func (c Cache) Identify(ctx context.Context, api STS) (Identity, error) {
	kept := c.open("caller", c.Caller)
	var who Identity
	if c.Caller != "" && kept.Recall("caller", c.Caller, &who) {
		return who, nil
	}
	who, err := Identify(ctx, api)
	if err != nil {
		return who, err
	}
	kept.Learn("caller", c.Caller, who)
	_ = kept.Save() // if it is not kept, it is asked again
	return who, nil
}

// Facts are what is remembered of an account's region.
func (c Cache) Facts(who Identity, region string) *Facts {
	return c.open("account", who.Account+" "+region)
}

func (c Cache) open(kind, of string) *Facts {
	f := &Facts{now: c.Now, known: map[string]fact{}}
	if c.Dir == "" || of == "" {
		return f
	}
	sum := sha256.Sum256([]byte(kind + "\n" + c.Endpoint + "\n" + of))
	f.path = filepath.Join(c.Dir, kind+"-"+hex.EncodeToString(sum[:8])+".json")
	text, err := os.ReadFile(f.path)
	if err != nil || json.Unmarshal(text, &f.known) != nil || f.known == nil {
		f.known = map[string]fact{} // nothing is remembered, and all is found out again
	}
	return f
}

// Facts are remembered values by kind and name. They may be used by several
// goroutines at once.
type Facts struct {
	path    string // "": kept in memory alone
	now     func() time.Time
	mu      sync.Mutex
	known   map[string]fact
	changed bool
}

type fact struct {
	Value json.RawMessage `json:"value"`
	Seen  time.Time       `json:"seen"`
}

func factKey(kind, name string) string { return kind + " " + name }

// Recall reads the fact into value and tells whether there was one that is
// still believed.
func (f *Facts) Recall(kind, name string, value any) bool {
	if f.path == "" {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	kept, known := f.known[factKey(kind, name)]
	age := f.now().Sub(kept.Seen)
	return known && age >= 0 && age < factsHold && json.Unmarshal(kept.Value, value) == nil
}

// Learn remembers a fact. A value that cannot be written is not remembered.
func (f *Facts) Learn(kind, name string, value any) {
	text, err := json.Marshal(value)
	if err != nil || f.path == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known[factKey(kind, name)] = fact{Value: text, Seen: f.now()}
	f.changed = true
}

// Forget removes all facts of a kind.
func (f *Facts) Forget(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.known {
		if len(key) > len(kind) && key[:len(kind)+1] == kind+" " {
			delete(f.known, key)
			f.changed = true
		}
	}
}

// Save writes what changed, whole or not at all. Of two launches that save at
// once, one's facts are found out again by the next.
func (f *Facts) Save() error {
	if f == nil || f.path == "" || !f.changed {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err := json.Marshal(f.known)
	if err != nil {
		return fmt.Errorf("remember the account: %w", err)
	}
	err = os.MkdirAll(filepath.Dir(f.path), 0o700)
	if err == nil {
		err = files.WriteWhole(f.path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("remember the account: %w", err)
	}
	f.changed = false
	return nil
}
