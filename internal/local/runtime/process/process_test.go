package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
)

// roleKey makes the test binary act as the agent of a machine.
const roleKey = "PROCESS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleKey); role != "" {
		os.Exit(agent(role))
	}
	os.Exit(m.Run())
}

// agent is what runs as the machine in these tests.
func agent(role string) int {
	wd, err := os.Getwd()
	if err != nil {
		return 9
	}
	switch role {
	case "report":
		res, err := http.Get(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT") + "latest/hello")
		if err != nil {
			return 8
		}
		body, _ := io.ReadAll(res.Body)
		fmt.Printf("metadata=%s api=%s home=%v secret=%q\n", body, os.Getenv("AWS_ENDPOINT_URL"), os.Getenv("HOME") == wd, os.Getenv("AWS_SECRET_ACCESS_KEY"))
		return 0
	case "fail twice":
		if _, err := os.Stat("second"); err == nil {
			return 0
		}
		next := "first"
		if _, err := os.Stat("first"); err == nil {
			next = "second"
		}
		if err := os.WriteFile(next, nil, 0o600); err != nil {
			return 7
		}
		return 3
	case "polite":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("ready")
		<-c
		fmt.Println("bye")
		return 0
	case "leashed":
		return leashed()
	case "cloud":
		return cloud()
	default: // stubborn
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		time.Sleep(time.Hour)
		return 0
	}
}

// screen is a console that can be read while it is written to.
type screen struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(s.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q on the console:\n%s", text, s)
		}
	}
}

func boot(t *testing.T, role string) (runtime.Running, *screen, *[]time.Duration) {
	t.Helper()
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of the host")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := New(Options{Command: []string{exe}, Env: []string{roleKey + "=" + role}})
	var pauses []time.Duration // written by the machine's one goroutine, read after Done
	r.pause = func(_ context.Context, d time.Duration) { pauses = append(pauses, d) }
	console := &screen{}
	m, err := r.Boot(t.Context(), runtime.Machine{
		ID: "i-1", Dir: t.TempDir(), APIAddr: "127.0.0.1:4566", Console: console,
		Metadata: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hi")) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.PowerOff(context.Background()) })
	return m, console, &pauses
}

func off(t *testing.T, m runtime.Running) {
	t.Helper()
	select {
	case <-m.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the machine is still on")
	}
}

func TestAgentSeesItsEndpointsAndNoSecrets(t *testing.T) {
	m, console, _ := boot(t, "report")
	off(t, m)
	if want := `metadata=hi api=http://127.0.0.1:4566 home=true secret=""`; !strings.Contains(console.String(), want) {
		t.Errorf("console has no %s:\n%s", want, console)
	}
	if _, err := m.Exec(t.Context(), runtime.Command{}); !errors.Is(err, runtime.ErrNoInside) {
		t.Errorf("Exec: %v", err)
	}
}

func TestFailureIsRestartedWithDoublingPauses(t *testing.T) {
	m, _, pauses := boot(t, "fail twice")
	off(t, m)
	if fmt.Sprint(*pauses) != "[1s 2s]" {
		t.Errorf("paused %v, want 1s and 2s", *pauses)
	}
}

func TestPowerOffAsksThenKills(t *testing.T) {
	for _, role := range []string{"polite", "stubborn"} {
		t.Run(role, func(t *testing.T) {
			m, console, _ := boot(t, role)
			console.waitFor(t, "ready")
			m.PowerOff(t.Context())
			off(t, m)
			if said := strings.Contains(console.String(), "bye"); said != (role == "polite") {
				t.Errorf("console:\n%s", console)
			}
		})
	}
}

func TestRebootStartsTheCommandAgain(t *testing.T) {
	for _, role := range []string{"polite", "stubborn"} {
		t.Run(role, func(t *testing.T) {
			m, console, pauses := boot(t, role)
			console.waitFor(t, "ready")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if role == "stubborn" {
				cancel() // the reset button
			}
			m.Reboot(ctx)
			for end := time.Now().Add(10 * time.Second); strings.Count(console.String(), "ready") < 2; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("not started again:\n%s", console)
				}
			}
			select {
			case <-m.Done():
				t.Error("a reboot ended the machine")
			default:
			}
			m.PowerOff(t.Context())
			off(t, m)
			if len(*pauses) != 0 {
				t.Errorf("a reboot was taken for a failure: paused %v", *pauses)
			}
			m.Reboot(t.Context()) // of a machine that is off: returns
		})
	}
}

func TestPowerOffOutOfTimePullsThePlug(t *testing.T) {
	m, console, _ := boot(t, "stubborn")
	console.waitFor(t, "ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	m.PowerOff(ctx)
	if took := time.Since(begun); took >= grace {
		t.Errorf("took %v, as long as being polite", took)
	}
}

func TestACommandThatDoesNotExist(t *testing.T) {
	r := New(Options{Command: []string{t.TempDir() + "/absent"}})
	if _, err := r.Boot(t.Context(), runtime.Machine{ID: "i-1", Dir: t.TempDir()}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
}
