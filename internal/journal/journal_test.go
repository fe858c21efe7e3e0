package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/journal"
)

func header(launch string) journal.Header {
	return journal.Header{
		Launch:   launch,
		Endpoint: "http://127.0.0.1:4566",
		Account:  "123456789012",
		Region:   "eu-west-1",
		Created:  time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC),
	}
}

func entries() []journal.Entry {
	when := time.Date(2026, 11, 23, 18, 0, 1, 0, time.UTC)
	return []journal.Entry{
		{Kind: "security-group", ID: "sg-0123", Region: "eu-west-1", At: when},
		{Kind: journal.Attempt, ID: "k3v-1", Region: "eu-west-1", At: when, Request: []byte("Action=RunInstances\x00\n\xff")},
		{Kind: "instance", ID: "i-0123", Region: "eu-west-1", At: when},
	}
}

func begin(t *testing.T, dir, launch string) *journal.Journal {
	t.Helper()
	j, err := journal.Begin(dir, header(launch))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func record(t *testing.T, j *journal.Journal, entries ...journal.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := j.Record(e); err != nil {
			t.Fatal(err)
		}
	}
}

// abandoned lists the journals left in dir and releases them when the test ends.
func abandoned(t *testing.T, dir string) []*journal.Remains {
	t.Helper()
	found, err := journal.Abandoned(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { release(t, found) })
	return found
}

func release(t *testing.T, found []*journal.Remains) {
	t.Helper()
	for _, r := range found {
		if err := r.Release(); err != nil {
			t.Error(err)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestALivingLaunchIsNobodyElses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "launches")
	j := begin(t, dir, "k3v")
	record(t, j, entries()...)
	if found := abandoned(t, dir); len(found) != 0 {
		t.Fatalf("a living launch was handed out: %+v", found[0])
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	found := abandoned(t, dir)
	if len(found) != 1 {
		t.Fatalf("%d journals were left", len(found))
	}
	if diff := cmp.Diff(header("k3v"), found[0].Header); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(entries(), found[0].Entries); diff != "" {
		t.Error(diff)
	}
	if found[0].Torn || found[0].Damaged != 0 {
		t.Errorf("torn %v, damaged %d", found[0].Torn, found[0].Damaged)
	}
	if again := abandoned(t, dir); len(again) != 0 {
		t.Error("the same remains were handed out twice")
	}
	release(t, found)
	again := abandoned(t, dir)
	if len(again) != 1 {
		t.Fatalf("%d journals after a release", len(again))
	}
	if err := again[0].Forget(); err != nil {
		t.Fatal(err)
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestDoneLeavesNothingToDo(t *testing.T) {
	dir := t.TempDir()
	j := begin(t, dir, "k3v")
	record(t, j, entries()...)
	if err := j.Done(); err != nil {
		t.Fatal(err)
	}
	if found := abandoned(t, dir); len(found) != 0 {
		t.Error("a finished launch was handed out")
	}
	if err := j.Record(entries()[0]); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("recording after the end: %v", err)
	}
	if err := j.Done(); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("a second end: %v", err)
	}
}

// A removal may be lost in a power failure; the mark within the file is not.
func TestAFinishedLaunchThatComesBackIsNotUndone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a second name for an open file")
	}
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	j := begin(t, dir, "k3v")
	record(t, j, entries()...)
	path := filepath.Join(dir, "k3v.journal")
	if err := os.Link(path, other); err != nil {
		t.Fatal(err)
	}
	if err := j.Done(); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(other, path); err != nil {
		t.Fatal(err)
	}
	if found := abandoned(t, dir); len(found) != 0 {
		t.Errorf("handed out: %+v", found[0])
	}
	if diff := cmp.Diff([]string{"k3v.made"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestATornLineCostsOnlyItself(t *testing.T) {
	dir := t.TempDir()
	j := begin(t, dir, "k3v")
	record(t, j, entries()...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "k3v.journal")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(whole), "\n"), "\n")
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := journal.Abandoned(dir)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if n < len(lines[0]) { // the header was never complete, so nothing was made
			if len(found) != 0 || len(names(t, dir)) != 0 {
				t.Fatalf("%d bytes: found %d, files %v", n, len(found), names(t, dir))
			}
			continue
		}
		if len(found) != 1 {
			t.Fatalf("%d bytes: found %d", n, len(found))
		}
		r := found[0]
		want := strings.Count(string(whole[:n]), "\n") - 1
		torn := whole[n-1] != '\n'
		// A line that lacks nothing but its end is understood, too.
		if len(r.Entries) != want && (!torn || whole[n] != '\n' || len(r.Entries) != want+1) {
			t.Fatalf("%d bytes: %d entries, want %d", n, len(r.Entries), want)
		}
		if r.Torn != torn || r.Damaged != 0 {
			t.Fatalf("%d bytes: torn %v, damaged %d", n, r.Torn, r.Damaged)
		}
		if err := r.Forget(); err != nil {
			t.Fatal(err)
		}
		if left := names(t, dir); len(left) != 0 {
			t.Fatalf("%d bytes: left %v", n, left)
		}
	}
}

func TestDamageIsCounted(t *testing.T) {
	dir := t.TempDir()
	j := begin(t, dir, "k3v")
	record(t, j, entries()[0])
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "k3v.journal")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole = append(whole, "\x00\x00\x00\n{\"kind\":\"\"}\n\n{\"kind\":\"instance\",\"id\":\"i-1\"}\n"...)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	found := abandoned(t, dir)
	if len(found) != 1 || found[0].Damaged != 3 || len(found[0].Entries) != 2 || found[0].Torn {
		t.Fatalf("%+v", found)
	}
}

func TestUnreadableJournalsAreReportedAndKept(t *testing.T) {
	dir := t.TempDir()
	good := begin(t, dir, "good")
	record(t, good, entries()...)
	if err := good.Close(); err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{
		"garbage.journal":  "banana\n",
		"newer.journal":    `{"schema":2,"launch":"newer"}` + "\n",
		"stranger.journal": `{"schema":1,"launch":"good"}` + "\n",
	}
	for name, text := range bad {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := journal.Abandoned(dir)
	defer release(t, found)
	if len(found) != 1 || found[0].Header.Launch != "good" {
		t.Errorf("found %d", len(found))
	}
	for name := range bad {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not in %v", name, err)
		}
	}
	if left := names(t, dir); len(left) != 4 {
		t.Errorf("left: %v", left)
	}
}

func TestWhatIsNotAJournalIsLeftAlone(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	text := []byte(`{"schema":1,"launch":"x"}` + "\n")
	for _, name := range []string{"x.json", "x.journal~", ".x.journal", "-x.journal", "a b.journal", ".journal", "ü.journal", strings.Repeat("a", 65) + ".journal"} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.journal"), 0o700); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(elsewhere, "x.journal")
	if err := os.WriteFile(target, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, "link.journal")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	before := names(t, dir)
	if found := abandoned(t, dir); len(found) != 0 {
		t.Errorf("handed out: %s", found[0].Path())
	}
	if diff := cmp.Diff(before, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestBeginRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, launch := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a b", "-x", "a\x00", "CON.", strings.Repeat("a", 65)} {
		if j, err := journal.Begin(dir, header(launch)); err == nil {
			t.Errorf("launch %q: begun", launch)
			_ = j.Done()
		}
	}
	first := begin(t, dir, "k3v")
	if _, err := journal.Begin(dir, header("k3v")); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second journal of a launch: %v", err)
	}
	record(t, first, entries()...)
	for _, e := range []journal.Entry{{}, {Kind: "instance"}, {ID: "i-1"}} {
		if err := first.Record(e); err == nil {
			t.Errorf("%+v was recorded", e)
		}
	}
	if err := first.Record(journal.Entry{Kind: journal.Attempt, ID: "huge", Request: make([]byte, 20<<20)}); err == nil {
		t.Error("an entry of 20 MiB was recorded")
	}
}

func TestOnlyTheUserMayRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes say nothing on Windows")
	}
	dir := filepath.Join(t.TempDir(), "launches")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	begin(t, dir, "k3v")
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "k3v.journal"): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestNoFolderHoldsNothing(t *testing.T) {
	if found := abandoned(t, filepath.Join(t.TempDir(), "never")); len(found) != 0 {
		t.Error("something out of nothing")
	}
}

func TestStepsMayRecordAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	j := begin(t, dir, "k3v")
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			if err := j.Record(journal.Entry{Kind: "subnet", ID: "subnet-" + strconv.Itoa(n)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	found := abandoned(t, dir)
	if len(found) != 1 {
		t.Fatalf("found %d", len(found))
	}
	seen := map[string]bool{}
	for _, e := range found[0].Entries {
		seen[e.ID] = true
	}
	if len(seen) != 20 || found[0].Damaged != 0 {
		t.Errorf("%d of 20 entries, %d damaged", len(seen), found[0].Damaged)
	}
}

// Processes that look for remains while launches begin must neither take a
// living journal nor make one vanish.
func TestBeginningWhileOthersLook(t *testing.T) {
	dir := t.TempDir()
	stop := make(chan struct{})
	var lookers sync.WaitGroup
	for range 2 {
		lookers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				found, err := journal.Abandoned(dir)
				if err != nil {
					t.Error(err)
				}
				for _, r := range found {
					t.Errorf("handed out the living launch %s", r.Header.Launch)
					if err := r.Release(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for n := range 100 {
		j, err := journal.Begin(dir, header("k"+strconv.Itoa(n)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "k"+strconv.Itoa(n)+".journal")); err != nil {
			t.Errorf("a living journal is gone: %v", err)
		}
		if err := j.Done(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	lookers.Wait()
}
