package act

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/files"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	at := lifecycle.DeadlineAt(time.Unix(1800000000, 0))
	if err := Keep(dir, lifecycle.Policy{Deadline: at, Tagged: at, TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if p, err := sense.Policy(filepath.Join(dir, PolicyFile)); err != nil || p.Deadline != at || p.TTL != time.Hour {
		t.Errorf("read back %+v, %v", p, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, DeadlineFile)); err != nil || string(b) != "1800000000\n" {
		t.Errorf("the deadline is %q, %v", b, err)
	}
	if Keep(dir, lifecycle.Policy{}) == nil {
		t.Error("a policy without a deadline replaced a good one")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWarningFile(t *testing.T) {
	dir := t.TempDir()
	u := &Users{File: filepath.Join(dir, "WARNING")}

	// Somebody planted a link under the file's name, to a file of root's.
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, u.File); err != nil {
		t.Skipf("links cannot be made here: %v", err)
	}
	if err := u.Warn(t.Context(), "the end is near"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "precious" {
		t.Errorf("the link was followed: the file is now %q, %v", b, err)
	}
	info, err := os.Lstat(u.File)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o644 {
		t.Errorf("the warning is %v, %v; want a file that all can read", info, err)
	}
	if err := u.CallOff(t.Context(), "never mind"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(u.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the warning is still there: %v", err)
	}
	if err := u.CallOff(t.Context(), "never mind"); err != nil {
		t.Errorf("there was nothing to call off: %v", err)
	}
}

// TestWarningFileInTheWay has a folder where the file should be: somebody
// keeps others from being warned. What is in it is not ours to delete.
func TestWarningFileInTheWay(t *testing.T) {
	dir := t.TempDir()
	u := &Users{File: filepath.Join(dir, "WARNING")}
	if err := os.MkdirAll(filepath.Join(u.File, "planted"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := u.Warn(t.Context(), "the end is near"); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(u.File); err != nil || string(b) != "the end is near\n" {
		t.Errorf("people read %q, %v", b, err)
	}
	if aside, err := filepath.Glob(filepath.Join(dir, ".WARNING.*.aside", "planted")); err != nil || len(aside) != 1 {
		t.Errorf("the folder is not aside: %v, %v", aside, err)
	}
}

func TestAWarningCannotDriveATerminal(t *testing.T) {
	u := &Users{File: filepath.Join(t.TempDir(), "WARNING")}
	if err := u.Warn(t.Context(), "busy: \x1b]0;owned\x07 \u202eevil"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(u.File); err != nil || string(b) != "busy:  ]0;owned   evil\n" {
		t.Errorf("people read %q, %v", b, err)
	}
}

// TestAStaleWarningGoesSilently: after a restart nobody is to be told that a
// warning of the machine's earlier life does not hold.
func TestAStaleWarningGoesSilently(t *testing.T) {
	u := &Users{File: filepath.Join(t.TempDir(), "WARNING"), Wall: "/nonexistent/wall"}
	if err := os.WriteFile(u.File, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := u.CallOff(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(u.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the warning is still there: %v", err)
	}
}

// TestWall runs stand-ins for wall(1): one that keeps what it reads, one that
// hangs.
func TestWall(t *testing.T) {
	dir := t.TempDir()
	script := func(name, body string) string {
		path := filepath.Join(dir, name)
		if err := files.WriteProgram(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	heard := filepath.Join(dir, "heard")
	u := &Users{File: filepath.Join(dir, "WARNING"), Wall: script("wall", "cat > '"+heard+"'\n")}
	if err := u.Warn(t.Context(), "the end is near"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(heard); err != nil || string(b) != "the end is near\n" {
		t.Errorf("terminals got %q, %v", b, err)
	}

	u.Wall = script("hang", "exec sleep 60\n")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if u.Warn(ctx, "the end is near") == nil {
		t.Error("terminals that hang were taken for warned")
	}
	if took := time.Since(begun); took > wallTimeout {
		t.Errorf("terminals that hang held the agent up for %s", took)
	}
}

func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skipf("no datagram sockets here: %v", err)
	}
	defer func() { _ = conn.Close() }()
	if err := (Notifier{Socket: socket}).Notify("READY=1"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "READY=1" {
		t.Errorf("the service manager read %q, %v", buf[:n], err)
	}
	if err := (Notifier{}).Notify("READY=1"); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
}

// TestNoRole has a metadata service that answers, and an instance without a
// role. The other case is one whose service is not there at all.
func TestNoRole(t *testing.T) {
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			_, _ = fmt.Fprint(w, "token")
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer answers.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()

	terminate := func(metadata string) error {
		m := sense.NewMetadata(metadata)
		api := NewEC2("us-east-1", answers.URL, m.Client(), m.DialContext)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		return NewInstance(api, "i-0abc").Terminate(ctx)
	}
	if err := terminate(answers.URL); !errors.Is(err, ErrNoRole) {
		t.Errorf("an instance without a role: %v", err)
	}
	if err := terminate(gone.URL); err == nil || errors.Is(err, ErrNoRole) {
		t.Errorf("metadata that is gone says nothing about the role: %v", err)
	}
}
