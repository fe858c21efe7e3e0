package cloudinit_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spawn-ec2/spawn/internal/local/runtime/cloudinit"
)

// imds answers as version 2 of the service does: nothing without a token. The
// first few requests can be made to fail.
func imds(t *testing.T, userData string, failures int) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if failures > 0 {
			failures--
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
			_, _ = w.Write([]byte("tok"))
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "tok":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/latest/user-data" && userData != "":
			_, _ = w.Write([]byte(userData))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// machine records what a boot runs instead of running it.
type machine struct {
	cloudinit.Boot
	out bytes.Buffer
	ran []string // bodies, in order
}

func newMachine(t *testing.T, url string, run func(body string) (int, error)) *machine {
	t.Helper()
	m := &machine{}
	m.Boot = cloudinit.Boot{
		InstanceID: "i-0abc",
		Metadata:   cloudinit.Metadata{URL: url},
		StateDir:   t.TempDir(),
		Output:     &m.out,
		Pause:      func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Run: func(_ context.Context, s cloudinit.Script) (int, error) {
			body, err := os.ReadFile(s.Path)
			if err != nil {
				return 0, err
			}
			if d := cmp.Diff([]string{"INSTANCE_ID=i-0abc"}, s.Env); d != "" {
				t.Error(d)
			}
			m.ran = append(m.ran, string(body))
			return run(string(body))
		},
	}
	return m
}

func fine(string) (int, error) { return 0, nil }

const (
	hookPart   = "Content-Type: text/cloud-boothook\n\n#!hook"
	scriptPart = "Content-Type: text/x-shellscript\n\n#!script"
)

func TestBoothooksRunFirstAndAlwaysScriptsOnce(t *testing.T) {
	url := imds(t, mixed("BB", scriptPart, hookPart, scriptPart+"2"), 0)
	m := newMachine(t, url, fine)
	for _, want := range [][]string{{"#!hook", "#!script", "#!script2"}, {"#!hook"}} {
		m.ran = nil
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, m.ran); d != "" {
			t.Error(d)
		}
	}
	sems, err := filepath.Glob(filepath.Join(m.StateDir, "instance", "sem", "*"))
	if err != nil || len(sems) != 1 {
		t.Errorf("semaphores: %v, %v; want one", sems, err)
	}
}

func TestAFailingPartSparesTheOthers(t *testing.T) {
	url := imds(t, mixed("BB", hookPart, "Content-Type: text/cloud-config\n\na: 1", scriptPart, scriptPart+"2"), 0)
	m := newMachine(t, url, func(body string) (int, error) {
		switch body {
		case "#!hook":
			return 0, errors.New("exec format error")
		case "#!script":
			return 3, nil
		}
		return 0, nil
	})
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"#!hook", "#!script", "#!script2"}, m.ran); d != "" {
		t.Error(d)
	}
	// The type that was skipped and the two that failed are each named.
	if n := bytes.Count(m.out.Bytes(), []byte("\n")); n != 3 {
		t.Errorf("%d lines on the console, want 3:\n%s", n, &m.out)
	}
}

func TestASlowMetadataServiceIsWaitedFor(t *testing.T) {
	m := newMachine(t, imds(t, "#!script", 7), fine)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"#!script"}, m.ran); d != "" {
		t.Error(d)
	}
}

func TestADeadMetadataServiceIsAnError(t *testing.T) {
	m := newMachine(t, imds(t, "#!script", 1<<30), fine)
	if err := m.Start(t.Context()); err == nil {
		t.Error("no user-data could be read, and no error came")
	}
	if len(m.ran) != 0 {
		t.Errorf("ran %q", m.ran)
	}
}

func TestNoUserData(t *testing.T) {
	m := newMachine(t, imds(t, "", 0), fine)
	if err := m.Start(t.Context()); err != nil || len(m.ran) != 0 {
		t.Errorf("got %v, ran %q", err, m.ran)
	}
}

func TestPowerOffBetweenParts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := newMachine(t, imds(t, mixed("BB", hookPart, scriptPart), 0), func(string) (int, error) {
		cancel()
		return 0, nil
	})
	if err := m.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if d := cmp.Diff([]string{"#!hook"}, m.ran); d != "" {
		t.Error(d)
	}
}
