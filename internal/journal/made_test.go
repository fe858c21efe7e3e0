package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/journal"
)

func made(t *testing.T, dir string) map[string]bool {
	t.Helper()
	ids, err := journal.Made(dir)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestMadeKnowsWhatNobodyWorksOnAnyMore(t *testing.T) {
	dir := t.TempDir()
	for launch, end := range map[string]func(*journal.Journal) error{
		"finished":  (*journal.Journal).Done,
		"abandoned": (*journal.Journal).Close,
		"living":    func(*journal.Journal) error { return nil },
	} {
		j := begin(t, dir, launch)
		record(t, j,
			journal.Entry{Kind: journal.Attempt, ID: launch + "-1", Request: []byte("secret")},
			journal.Entry{Kind: "security-group", ID: "sg-" + launch})
		if err := end(j); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]bool{"sg-finished": true, "sg-abandoned": true}
	if diff := cmp.Diff(want, made(t, dir)); diff != "" {
		t.Error(diff)
	}
	if len(made(t, filepath.Join(dir, "never"))) != 0 {
		t.Error("something out of nothing")
	}
	text, err := os.ReadFile(filepath.Join(dir, "finished.made"))
	if err != nil || strings.Contains(string(text), "finished-1") {
		t.Errorf("a request outlived its launch: %s, %v", text, err)
	}
	if found := abandoned(t, dir); len(found) != 1 {
		t.Errorf("%d abandoned launches after Made", len(found))
	}
}

func TestFinishedLaunchesAreForgottenAfterADay(t *testing.T) {
	dir := t.TempDir()
	start := header("x").Created
	launch := func(id string, after time.Duration) {
		t.Helper()
		h := header(id)
		h.Created = start.Add(after)
		j, err := journal.Begin(dir, h)
		if err != nil {
			t.Fatal(err)
		}
		record(t, j, journal.Entry{Kind: "security-group", ID: "sg-" + id})
		if err := j.Done(); err != nil {
			t.Fatal(err)
		}
	}
	launch("first", 0)
	if err := os.WriteFile(filepath.Join(dir, "torn.made"), []byte(`{"schema":1,"id`), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"sg-first": true}, made(t, dir)); diff != "" {
		t.Error("beside a torn memory:", diff)
	}
	launch("second", 23*time.Hour)
	if diff := cmp.Diff(map[string]bool{"sg-first": true, "sg-second": true}, made(t, dir)); diff != "" {
		t.Error(diff)
	}
	launch("third", 25*time.Hour)
	if diff := cmp.Diff(map[string]bool{"sg-second": true, "sg-third": true}, made(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestAnAbandonedLaunchThatIsFinishedIsRememberedLikeAnother(t *testing.T) {
	dir := t.TempDir()
	j := begin(t, dir, "abandoned")
	record(t, j, journal.Entry{Kind: journal.Attempt, ID: "abandoned-1"}, journal.Entry{Kind: "security-group", ID: "sg-heard"})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, r := range abandoned(t, dir) {
		if err := r.Record(journal.Entry{Kind: "vpc", ID: "vpc-unheard"}); err != nil {
			t.Fatal(err)
		}
		if err := r.Done(); err != nil {
			t.Fatal(err)
		}
	}
	if found := abandoned(t, dir); len(found) > 0 {
		t.Errorf("it is still abandoned: %v", found)
	}
	if diff := cmp.Diff(map[string]bool{"sg-heard": true, "vpc-unheard": true}, made(t, dir)); diff != "" {
		t.Error(diff)
	}
}
