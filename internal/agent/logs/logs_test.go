package logs

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sheet keeps what is written to it, unless it hangs or fails.
type sheet struct {
	mu   sync.Mutex
	text bytes.Buffer
	hang chan struct{} // Write waits until it is closed
	fail error
}

func (s *sheet) Write(b []byte) (int, error) {
	if s.hang != nil {
		<-s.hang
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return 0, s.fail
	}
	return s.text.Write(b)
}

func (s *sheet) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestEveryPlaceHasEveryLine(t *testing.T) {
	var a, b sheet
	l := New(Place{"a", &a}, Place{"b", &b})
	log := slog.New(slog.NewTextHandler(l, nil))
	for i := range 100 {
		log.Info("said", "n", i)
	}
	l.Close(5 * time.Second)
	log.Info("too late") // must not panic
	if a.String() != b.String() || strings.Count(a.String(), "\n") != 100 || !strings.Contains(a.String(), "n=99") {
		t.Errorf("a has %d bytes, b %d", len(a.String()), len(b.String()))
	}
}

// TestAPlaceThatHangsHoldsNobodyUp is about the deadline: the agent logs while
// it watches the clock.
func TestAPlaceThatHangsHoldsNobodyUp(t *testing.T) {
	stuck, good := &sheet{hang: make(chan struct{})}, &sheet{}
	l := New(Place{"stuck", stuck}, Place{"good", good})
	log := slog.New(slog.NewTextHandler(l, nil))
	begun := time.Now()
	for i := range 3 * queued {
		log.Info("said", "n", i)
		if i%(queued/4) == 0 {
			time.Sleep(time.Millisecond) // the good one keeps pace
		}
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	close(stuck.hang)
	for until := time.Now().Add(5 * time.Second); !strings.Contains(stuck.String(), fmt.Sprint("n=", queued-1, "\n")) && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	log.Info("the last")
	l.Close(5 * time.Second)
	if got := stuck.String(); !strings.Contains(got, "lines were lost here") || !strings.Contains(got, "the last") {
		t.Error("nothing was said of the lines that were lost")
	}

	stuck = &sheet{hang: make(chan struct{})}
	defer close(stuck.hang)
	l = New(Place{"stuck", stuck})
	slog.New(slog.NewTextHandler(l, nil)).Info("x")
	begun = time.Now()
	l.Close(50 * time.Millisecond)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("closing took %s", took)
	}
}

func TestAPlaceThatFailsIsSaidInTheOthers(t *testing.T) {
	bad, good := &sheet{fail: errors.New("no space left on device")}, &sheet{}
	l := New(Place{"/var/log/spored.log", bad}, Place{"standard error", good})
	log := slog.New(slog.NewTextHandler(l, nil))
	for range 5 {
		log.Info("said")
	}
	for until := time.Now().Add(5 * time.Second); !strings.Contains(good.String(), "no space") && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	l.Close(5 * time.Second)
	if got := good.String(); strings.Count(got, "cannot be written to /var/log/spored.log: no space left on device") != 1 {
		t.Errorf("the other place has %q", got)
	}
}

func TestTheFileIsBounded(t *testing.T) {
	dir := t.TempDir()
	f := &File{Path: filepath.Join(dir, "spored.log")}
	line := []byte(strings.Repeat("x", 1<<10) + "\n")
	for i := range 3 * maxSize / len(line) {
		if _, err := f.Write(line); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Size() > maxSize || info.Mode().Perm()&0o027 != 0 {
			t.Errorf("%s has %d bytes, %v, %v", e.Name(), info.Size(), info.Mode(), err)
		}
	}
	// A restarted agent goes on where it was.
	f = &File{Path: f.Path}
	if _, err := f.Write([]byte("again\n")); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b, err := os.ReadFile(f.Path)
	if err != nil || !bytes.HasSuffix(b, []byte("x\nagain\n")) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestTheFileComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	f := &File{Path: filepath.Join(dir, "spored.log")}
	if _, err := f.Write([]byte("x\n")); err == nil {
		t.Error("there is no folder, and nothing was said")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("y\n")); err != nil {
		t.Error(err)
	}
	defer func() { _ = f.Close() }()
	same, err := os.Open(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = same.Close() }()
	if !f.Holds(same) || f.Holds(os.Stdin) {
		t.Error("the log does not know itself")
	}
}
