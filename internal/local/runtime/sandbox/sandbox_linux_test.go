package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/runtime/sandbox"
)

// roleKey makes the test binary something else than a test.
const roleKey = "SANDBOX_TEST_ROLE"

// plainKey says that these tests run as a plain user, started by root's.
const plainKey = "SANDBOX_TEST_PLAIN"

// plainID is a user and group that no system has.
const plainID = 4242

func TestMain(m *testing.M) {
	switch os.Getenv(roleKey) {
	case "init":
		sandbox.Main()
	case "cloud":
		os.Exit(cloud())
	case "probe":
		os.Exit(probe())
	case "awkward":
		os.Exit(awkward())
	}
	os.Exit(m.Run())
}

func options() sandbox.Options {
	return sandbox.Options{Init: []string{"/proc/self/exe"}, Env: []string{roleKey + "=init"}}
}

// cloud boots a machine in the folder of its first argument and waits to be
// killed.
func cloud() int {
	m, err := sandbox.New(options()).Boot(context.Background(), runtime.Machine{
		ID: "i-0c", Hostname: "ip-172-31-0-9", PrivateIP: "172.31.0.9", Dir: os.Args[1],
		Metadata: metadata(os.Args[2]), Console: os.Stdout,
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	<-m.Done()
	return 0
}

// metadata is the part of IMDSv2 that a machine's boot needs.
func metadata(userData string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			_, _ = w.Write([]byte("tok"))
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "tok":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/latest/user-data" && userData != "":
			_, _ = w.Write([]byte(userData))
		case r.URL.Path == "/latest/meta-data/instance-id":
			_, _ = w.Write([]byte("i-0abc"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

// screen is a console that can be read while it is written to.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
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
	for end := time.Now().Add(20 * time.Second); !strings.Contains(s.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q on the console:\n%s", text, s)
		}
	}
}

// needSandbox skips a test where the system forbids what a sandbox is made of.
// Where it does not, a failing trial is our own fault.
func needSandbox(t *testing.T) {
	t.Helper()
	trialOnce.Do(func() {
		trialErr = sandbox.Trial(t.Context(), options(), filepath.Join(folder(t), "trial"))
	})
	if trialErr == nil {
		return
	}
	attr := inNamespaces(syscall.CLONE_NEWPID | syscall.CLONE_NEWNET)
	if out, err := rerun("probe", attr); err != nil {
		t.Skipf("no sandbox here: %v (%v: %s)", trialErr, err, out)
	}
	t.Fatalf("namespaces work here, the sandbox does not: %v", trialErr)
}

var (
	trialOnce sync.Once
	trialErr  error
)

// inNamespaces are the attributes of a process that may mount.
func inNamespaces(more uintptr) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | more,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
}

// rerun runs this binary in another role.
func rerun(role string, attr *syscall.SysProcAttr, args ...string) ([]byte, error) {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), roleKey+"="+role)
	cmd.SysProcAttr = attr
	return cmd.CombinedOutput()
}

// probe does the least that a sandbox needs of the system, and needs none of
// its code.
func probe() int {
	for _, err := range []error{
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("proc", "/proc", "proc", 0, ""),
		unix.Mount("tmpfs", "/mnt", "tmpfs", 0, ""),
		os.Mkdir("/mnt/upper", 0o755), os.Mkdir("/mnt/work", 0o755), os.Mkdir("/mnt/merged", 0o755),
		unix.Mount("overlay", "/mnt/merged", "overlay", 0, "lowerdir=/opt,upperdir=/mnt/upper,workdir=/mnt/work,userxattr"),
	} {
		if err != nil {
			fmt.Println(err)
			return 1
		}
	}
	for _, tool := range []string{"curl", "wget", "python3"} {
		if _, err := os.Stat("/usr/bin/" + tool); err == nil {
			return 0
		}
	}
	fmt.Println("no curl, wget or python3 in /usr/bin")
	return 1
}

// folder is like t.TempDir, which cannot delete what a machine leaves behind.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sandbox.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func bootIn(t *testing.T, dir, userData string) (runtime.Running, *screen) {
	t.Helper()
	console := &screen{}
	m, err := sandbox.New(options()).Boot(t.Context(), runtime.Machine{
		ID: "i-0abc", Hostname: "ip-172-31-0-5", PrivateIP: "172.31.0.5", Gateway: "172.31.0.1", VCPUs: 2, Dir: dir,
		Metadata: metadata(userData), Console: console, APIAddr: "127.0.0.1:4566",
		API: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the cloud")) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.PowerOff(context.Background()) })
	return m, console
}

// bootOf boots a machine of its own shape.
func bootOf(t *testing.T, m runtime.Machine) runtime.Running {
	t.Helper()
	m.Hostname, m.PrivateIP, m.Dir, m.Metadata = "ip-172-31-0-6", "172.31.0.6", folder(t), metadata("")
	run, err := sandbox.New(options()).Boot(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.PowerOff(context.Background()) })
	return run
}

func boot(t *testing.T, userData string) (runtime.Running, *screen) {
	t.Helper()
	return bootIn(t, folder(t), userData)
}

// off waits until a machine is off by itself.
func off(t *testing.T, m runtime.Running, console *screen) {
	t.Helper()
	select {
	case <-m.Done():
	case <-time.After(20 * time.Second):
		t.Fatalf("the machine is still on:\n%s", console)
	}
}

// inside runs a shell line and returns its output and exit code.
func inside(t *testing.T, m runtime.Running, line string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code, err := m.Exec(t.Context(), runtime.Command{Args: []string{"sh", "-c", line}, Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSpace(out.String()), code
}
