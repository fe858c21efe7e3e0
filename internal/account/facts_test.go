package account_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/account"
)

// moment is a clock that a test moves.
type moment struct{ time.Time }

func (m *moment) now() time.Time { return m.Time }

func TestFactsAreBelievedForAWhile(t *testing.T) {
	at := &moment{time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	cache := account.Cache{Dir: t.TempDir(), Endpoint: "x", Caller: "me", Now: at.now}
	who := account.Identity{Account: "123456789012"}
	facts := cache.Facts(who, "us-east-1")
	facts.Learn("key", "a", "name-a")
	facts.Learn("keyring", "a", "other")
	if err := facts.Save(); err != nil {
		t.Fatal(err)
	}
	var got string
	if again := cache.Facts(who, "us-east-1"); !again.Recall("key", "a", &got) || got != "name-a" {
		t.Errorf("recalled %q", got)
	}
	for name, other := range map[string]*account.Facts{
		"another region":   cache.Facts(who, "eu-west-1"),
		"another account":  cache.Facts(account.Identity{Account: "210987654321"}, "us-east-1"),
		"another endpoint": account.Cache{Dir: cache.Dir, Endpoint: "y", Caller: "me", Now: at.now}.Facts(who, "us-east-1"),
		"no cache":         account.Cache{Now: at.now}.Facts(who, "us-east-1"),
	} {
		if other.Recall("key", "a", &got) {
			t.Errorf("%s knows %q", name, got)
		}
	}
	facts.Forget("key")
	if facts.Recall("key", "a", &got) || !facts.Recall("keyring", "a", &got) {
		t.Error("what was to be forgotten is remembered, or the other way round")
	}
	at.Time = at.Add(8 * 24 * time.Hour)
	if cache.Facts(who, "us-east-1").Recall("key", "a", &got) {
		t.Error("a fact of last week is believed")
	}
	at.Time = at.Add(-30 * 24 * time.Hour)
	if cache.Facts(who, "us-east-1").Recall("key", "a", &got) {
		t.Error("a fact from the future is believed")
	}
}

func TestGarbageIsNoFact(t *testing.T) {
	cache := account.Cache{Dir: t.TempDir(), Endpoint: "x", Caller: "me", Now: time.Now}
	who := account.Identity{Account: "123456789012"}
	facts := cache.Facts(who, "us-east-1")
	facts.Learn("key", "a", "name-a")
	if err := facts.Save(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(cache.Dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, text := range []string{"", "null", "{", `{"key a": 5}`, `{"key a": {"value": {"x": 1}, "seen": "now"}}`} {
		if err := os.WriteFile(files[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var got string
		again := cache.Facts(who, "us-east-1")
		if again.Recall("key", "a", &got) {
			t.Errorf("%q: recalled %q", text, got)
		}
		again.Learn("key", "b", "name-b") // and it can be written again
		if err := again.Save(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheCallersAddressIsAskedOnceInTenMinutes(t *testing.T) {
	at := &moment{time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	cache := account.Cache{Dir: t.TempDir(), Now: at.now}
	asked := 0
	address := func() netip.Prefix {
		got, err := cache.Address(t.Context(), func(context.Context) (netip.Prefix, error) {
			asked++
			return netip.MustParsePrefix("203.0.113.7/32"), nil
		})
		if err != nil || got.String() != "203.0.113.7/32" {
			t.Fatalf("%v, %v", got, err)
		}
		return got
	}
	address()
	once := asked
	at.Time = at.Add(9 * time.Minute)
	address()
	if asked != once && asked != 2 { // a machine without a way out has no address to go by, and asks every time
		t.Errorf("asked %d times", asked)
	}
	at.Time = at.Add(2 * time.Minute)
	address()
	if asked < 2 {
		t.Error("an address of eleven minutes ago was believed")
	}
	if _, err := (account.Cache{Now: at.now}).Address(t.Context(), func(context.Context) (netip.Prefix, error) {
		return netip.Prefix{}, errors.New("no answer")
	}); err == nil {
		t.Error("the error is lost")
	}
}
